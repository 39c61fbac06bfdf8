"""What becomes of the answers: a file, or copies of the pictures in a folder for each answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from dnnstudio.core.jobs.cases import CopyPictures, SaveAnswers
from dnnstudio.core.os_errors import is_folder_there
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.predict.cases import Cases

TITLES = {".csv": "Table (*.csv)", ".parquet": "Parquet (*.parquet)", ".json": "JSON (*.json)"}


class Keeping(QObject):
    """`done(result)` or `failed(message, hint)` follows. Tests replace the two methods that ask."""

    done = Signal(object)
    failed = Signal(str, str)

    def __init__(self, window: QWidget, cases: Cases, client: JobClient) -> None:
        super().__init__(window)
        self._window, self._cases, self._client = window, cases, client
        client.answered.connect(self.done)
        client.refused.connect(self.failed)

    def save(self, suffix: str) -> None:
        """Ask for a file, and write all answers into it."""
        if self._is_busy():
            return
        if not len(self._cases):
            self.failed.emit("There are no answers to save.", "Give the network something to answer first.")
            return
        path = self.ask_file(suffix)
        if path is not None:
            self.save_to(path if path.suffix else path.with_suffix(suffix))

    def save_to(self, path: Path) -> None:
        """Write all answers, in the order in which the cases were given, whatever is filtered or sorted."""
        cases = self._cases
        table = cases.table()
        self._client.ask(
            SaveAnswers(
                blocks=tuple(cases.blocks),
                table=table,
                path=path,
                calibration=cases.promised,
                referred=cases.asked.copy() if table.referrals else None,
                corrected=dict(cases.corrected),
                inputs=cases.facts.columns,
            )
        )

    def copy(self, places: NDArray[np.int64]) -> None:
        """Ask for a folder, and copy the pictures of these rows [m] into it."""
        if self._is_busy():
            return
        pictures = self._cases.pictures(places)
        if not pictures:
            self.failed.emit("There are no pictures to copy in the list.", "Show rows that have an answer.")
            return
        folder = self.ask_folder()
        if folder is not None:
            self._client.ask(CopyPictures(pictures=pictures, folder=folder))

    def _is_busy(self) -> bool:
        """Whether something is being written; another job would end it halfway, and pictures would be copied twice."""
        if self._client.busy:
            self.failed.emit("The answers are still being written.", "Wait until the window says that it is done.")
        return self._client.busy

    # ------------------------------------------------------------------------------------------ asking

    def ask_file(self, suffix: str) -> Path | None:
        """The file to write; None where a person thought better of it."""
        start = str(self.start_folder() / f"answers{suffix}")
        name, _ = QFileDialog.getSaveFileName(self._window, "Save the answers", start, TITLES[suffix])
        return Path(name) if name else None

    def ask_folder(self) -> Path | None:
        """The folder to copy into."""
        start = str(self.start_folder())
        name = QFileDialog.getExistingDirectory(self._window, "Copy the pictures into folders below", start)
        return Path(name) if name else None

    def start_folder(self) -> Path:
        """Where to look first: beside what was answered; the home folder where nothing was."""
        sources = (Path(source) for block in self._cases.blocks for source in block.sources[:1])
        return next((source.parent for source in sources if is_folder_there(source.parent)), Path.home())

"""Connects the data panel and the engine: reading and downloading the document's data."""

from __future__ import annotations

from PySide6.QtCore import QObject

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.requests import DescribeData, Job
from dnnstudio.core.jobs.results import DataPreview
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.base.ticket import Failure
from dnnstudio.gui.data.panel import DataPanel


class DataActions(QObject):
    """Reads the data that the panel requests; the answer goes to the document, and then to the panel."""

    def __init__(
        self, document: Document, controller: RunController, panel: DataPanel, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._controller = controller
        self._panel = panel
        panel.preview_requested.connect(self._describe)
        panel.download_requested.connect(self._download)
        controller.data_described.connect(self._on_described)
        controller.failed.connect(self._on_failed)

    def _describe(self) -> None:
        self._controller.describe(self._document.experiment.data, self._document.experiment.seed)

    def _download(self) -> None:
        self._controller.describe(self._document.experiment.data, self._document.experiment.seed, download=True)

    def _on_described(self, job: DescribeData, preview: DataPreview) -> None:
        """The answer for data that has been edited meanwhile is kept for an undo, but not shown."""
        self._document.set_summary(preview.summary, data=job.data, seed=job.seed)
        if job.data == self._document.experiment.data:
            self._panel.show_preview(preview)

    def _on_failed(self, job: Job, failure: Failure) -> None:
        """Reading failed: show why, and offer a download if possible."""
        if isinstance(job, DescribeData) and failure.kind == "person":
            can_download = job.data.source.downloadable and not job.download
            self._panel.set_failure(UserError(failure.message, failure.hint), can_download=can_download)

"""Between the data panel and the engine: reading the data that the document names, and fetching it."""

from __future__ import annotations

from PySide6.QtCore import QObject

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs import DataPreview, DescribeData
from dnnstudio.gui.document import Document
from dnnstudio.gui.panels.data_panel import DataPanel
from dnnstudio.gui.run_controller import RunController

DOWNLOADABLE = ("fashion_mnist", "mnist")


class DataController(QObject):
    """Does what the data panel wishes, and shows it what came of that."""

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

    def show_failure(self, job: DescribeData, error: UserError) -> None:
        """Reading failed: say why, and offer to download what can be."""
        can_download = job.data.source.kind in DOWNLOADABLE and not job.download
        self._panel.set_failure(error, can_download=can_download)

    def _describe(self) -> None:
        self._controller.describe(self._document.experiment.data, self._document.experiment.seed)

    def _download(self) -> None:
        self._controller.describe(self._document.experiment.data, self._document.experiment.seed, download=True)

    def _on_described(self, job: DescribeData, preview: DataPreview) -> None:
        self._panel.set_preview(preview, data=job.data, seed=job.seed)

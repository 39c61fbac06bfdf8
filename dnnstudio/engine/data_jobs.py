"""The jobs about data alone: describing it, proposing an experiment for it, and looking at its augmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import Augment, DescribeData, ProposeData
from dnnstudio.engine.data.reading import ProgressCall

if TYPE_CHECKING:
    from dnnstudio.engine.training.augmented_rows import PreviewRows

DataJob = DescribeData | ProposeData | Augment


class DataJobs:
    """Runs the jobs of `DataJob`; keeps the rows that the window of augmentation looks at."""

    def __init__(self) -> None:
        self._preview_rows: PreviewRows | None = None

    def run(self, job: DataJob, control: Control, progress: ProgressCall) -> Any:
        """The job's result, as `core.jobs.requests` says. Raises `UserError` and `Cancelled`."""
        match job:
            case DescribeData():
                from dnnstudio.engine.data import describe

                return describe(job.data, seed=job.seed, control=control, progress=progress, download=job.download)
            case ProposeData():
                from dnnstudio.engine.data.answering import propose_data

                return propose_data(job, control=control, progress=progress)
            case Augment():
                from dnnstudio.engine.training.augmented_rows import PreviewRows

                self._preview_rows = self._preview_rows or PreviewRows()
                return self._preview_rows.pictures(
                    job.data, seed=job.seed, row=job.row, count=job.count, control=control
                )

"""Where a training left its planned learning rates: by hand while it ran, or because epochs were added at its end.

A run's experiment records them, so that the same experiment trained afresh, its plot and its exported script follow
the rates that were really used.
"""

from dnnstudio.core.experiment.fields import Option, option
from dnnstudio.core.experiment.schedules import Unit


class RateChange(Option):
    """From `at` on, until the next change of the same phase, the rate is this one's and no longer the plan's.

    It is `rate` where that is set; else `factor` times the schedule that begins at `start` and is planned over
    `epochs`, or over the epochs of the phase where that is None.
    """

    phase: int = option(1, title="Phase", help="The phase in which it happens, counted from 1.", ge=1, advanced=True)
    at: float = option(title="From", help="Since when in the phase, counted from 0.", initial=1.0, ge=0)
    unit: Unit = option("steps", title="Counted in", help="Count in epochs or in optimizer steps.")
    factor: float = option(
        1.0, title="Factor", help="What the schedule's rate is multiplied by.", gt=0, le=1e12, advanced=True
    )
    rate: float | None = option(
        None, title="Constant rate", help="The rate in place of the schedule's.", initial=0.001, gt=0, le=1e6
    )
    epochs: int | None = option(
        None, title="Planned over", help="Epochs of the schedule; left out, those of the phase.", initial=10, ge=1
    )
    start: float = option(
        0.0, title="Schedule begins", help="Where in the phase the schedule has its first step.", ge=0, advanced=True
    )

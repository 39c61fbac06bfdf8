"""What is wrong, doubtful or worth knowing about an experiment, with reason, place and a one-click cure.

Errors keep it from being trained; warnings and hints do not. A new check is a function in one of these modules and
a name in `CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from dnnstudio.core.checks.data import check_data
from dnnstudio.core.checks.order import check_order
from dnnstudio.core.checks.output import check_output
from dnnstudio.core.checks.problem import SEVERITIES, Fix, Problem, Severity
from dnnstudio.core.checks.selu import check_selu
from dnnstudio.core.checks.shapes import check_shapes
from dnnstudio.core.checks.stack import Entry, Stack
from dnnstudio.core.checks.training import check_training
from dnnstudio.core.checks.transfer import check_transfer
from dnnstudio.core.checks.weights import check_weights
from dnnstudio.core.data import DataSummary
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.shapes import LayerShape

CHECKS: tuple[Callable[[Stack], Iterator[Problem]], ...] = (
    check_data,
    check_shapes,
    check_output,
    check_selu,
    check_weights,
    check_order,
    check_training,
    check_transfer,
)


def find_problems(
    experiment: Experiment, summary: DataSummary | None = None, *, rows: Sequence[LayerShape] | None = None
) -> tuple[Problem, ...]:
    """All problems, errors first. `summary` is what is known of the data (a built-in set is known without reading);
    `rows` are the stack's shapes where the caller has worked them out already."""
    return Checker().find(experiment, summary, rows=rows)


class Checker:
    """Checks one experiment after another: what is said of a single layer is kept for as long as the layer and its
    input stay the same objects. It holds what belongs to the last experiment and nothing older."""

    def __init__(self) -> None:
        self._known: dict[int, Entry] = {}

    def find(
        self, experiment: Experiment, summary: DataSummary | None = None, *, rows: Sequence[LayerShape] | None = None
    ) -> tuple[Problem, ...]:
        """The same as `find_problems`."""
        stack = Stack(experiment, summary, rows, self._known)
        found = [problem for check in CHECKS for problem in check(stack)]
        self._known = {id(entry.row): entry for entry in stack.entries}
        return tuple(sorted(found, key=lambda problem: SEVERITIES.index(problem.severity)))


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether any of the problems keeps the experiment from being trained."""
    return any(problem.severity == "error" for problem in problems)


__all__ = ["CHECKS", "SEVERITIES", "Checker", "Fix", "Problem", "Severity", "find_problems", "has_errors"]

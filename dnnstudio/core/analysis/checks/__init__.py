"""Checks of an experiment: errors, warnings and hints, each with its reason, its place and, if possible, a one-click
fix.

Errors prevent training; warnings and hints do not. A new check is a function in one of these modules and a name in
`CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from dnnstudio.core.analysis.checks.data import check_data
from dnnstudio.core.analysis.checks.order import check_order
from dnnstudio.core.analysis.checks.output import check_output
from dnnstudio.core.analysis.checks.problem import SEVERITIES, Fix, Problem, Severity
from dnnstudio.core.analysis.checks.selu import check_selu
from dnnstudio.core.analysis.checks.shapes import check_shapes
from dnnstudio.core.analysis.checks.stack import Entry, Stack
from dnnstudio.core.analysis.checks.targets import check_targets
from dnnstudio.core.analysis.checks.training import check_training
from dnnstudio.core.analysis.checks.transfer import check_transfer
from dnnstudio.core.analysis.checks.weights import check_weights
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import LayerShape

CHECKS: tuple[Callable[[Stack], Iterator[Problem]], ...] = (
    check_data,
    check_shapes,
    check_output,
    check_selu,
    check_weights,
    check_order,
    check_training,
    check_targets,
    check_transfer,
)


def find_problems(
    experiment: Experiment, summary: DataSummary | None = None, *, rows: Sequence[LayerShape] | None = None
) -> tuple[Problem, ...]:
    """All problems, errors first.

    `summary` is what is known of the data (a built-in set is known without reading); `rows` are the inferred shapes of
    the stack if the caller has them already.
    """
    return Checker().find(experiment, summary, rows=rows)


class Checker:
    """Checks one experiment after another, reusing the results of unchanged layers.

    The findings on a single layer are cached as long as the layer and its input are the same objects. The cache holds
    only the entries of the last experiment.
    """

    def __init__(self) -> None:
        self._known: dict[int, Entry] = {}

    def find(
        self, experiment: Experiment, summary: DataSummary | None = None, *, rows: Sequence[LayerShape] | None = None
    ) -> tuple[Problem, ...]:
        """As `find_problems`, with the cache."""
        stack = Stack(experiment, summary, rows, self._known)
        found = [problem for check in CHECKS for problem in check(stack)]
        self._known = {id(entry.row): entry for entry in stack.entries}
        return tuple(sorted(found, key=lambda problem: SEVERITIES.index(problem.severity)))


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether any of the problems prevents training."""
    return any(problem.severity == "error" for problem in problems)


__all__ = ["CHECKS", "SEVERITIES", "Checker", "Fix", "Problem", "Severity", "find_problems", "has_errors"]

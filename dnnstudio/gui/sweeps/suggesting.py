"""Which fields can be varied, what is proposed for one, and whether a sweep can be trained. No widgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from dnnstudio.core.analysis.checks import find_problems
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.fields import Option
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS
from dnnstudio.core.experiment.paths import get_value
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import SCHEDULE_KINDS
from dnnstudio.core.study.setting_words import setting_title
from dnnstudio.core.study.sweep import SweepPlan
from dnnstudio.core.study.varied import Listed, Ranged, corners, value_text, values_text, with_values
from dnnstudio.gui.forms.spec import EditorKind, FieldSpec, spec_at, specs_of

Mode = Literal["list", "range", "log"]
SHARES = (0.0, 0.1, 0.2, 0.3, 0.5)
"""Proposed for a field between 0 and 1, such as the rate of a dropout."""
KINDS = {"optimizer": tuple(OPTIMIZER_KINDS), "schedule": tuple(SCHEDULE_KINDS)}
"""Parts of an experiment whose kind can be varied: their kinds."""
PARTS = ("optimizer", "training")
"""Parts whose fields the menu offers beside those of the layers."""
AVERAGING = ("ema_momentum", "ema_overwrite_frequency")
"""Fields of an optimizer that do nothing while it does not average the weights."""
BESIDE = frozenset({"training.layer_health", "training.tensorboard"})
"""Fields that only say what is written down beside a training, which is the same with each of their values."""
DECIDED = ("units", "activation")
"""Fields of the last layer that its data decides."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What is proposed for one field: a list in one text, or both ends of a range."""

    path: str
    title: str
    mode: Mode
    values: str
    low: str = ""
    high: str = ""
    number: bool = False
    """Whether a range makes sense."""


def suggest(experiment: Experiment, path: str) -> Suggestion:
    """A proposal for the field at `path`. Raises `UserError` for one that has no values to try."""
    title = setting_title(path)
    parent, _, name = path.rpartition(".")
    if name == "kind" and parent in KINDS:
        return Suggestion(path, title, "list", ", ".join(KINDS[parent]))
    if name == "kind" and parent.startswith("layers."):
        return Suggestion(path, title, "list", str(get_value(experiment, path)))
    record = get_value(experiment, parent) if parent else experiment
    value = get_value(experiment, path)
    spec = _spec(record, name)
    found = None if spec is None else _values(spec, value)
    if spec is None or found is None:
        raise UserError(f"{title} cannot be varied here.", "Vary a number, a choice or a switch.")
    if spec.editor is EditorKind.NUMBER:
        return _of_number(path, title, spec, value)
    return Suggestion(path, title, "list", ", ".join(value_text(one) for one in found))


def _spec(record: Any, name: str) -> FieldSpec | None:
    if not isinstance(record, Option):
        return None
    try:
        return spec_at(type(record), name)
    except KeyError:
        return None


def _values(spec: FieldSpec, value: Any) -> list[Any] | None:
    match spec.editor:
        case EditorKind.NUMBER:
            return _numbers(spec, value)
        case EditorKind.TOGGLE:
            return [True, False]
        case EditorKind.CHOICE:
            return [choice.value for choice in spec.choices]
    return None


def _numbers(spec: FieldSpec, value: Any) -> list[Any]:
    now = value if isinstance(value, int | float) else spec.initial
    base = now if isinstance(now, int | float) else 1
    if not spec.integer and _is_share(spec):
        return [one for one in SHARES if spec.limits.allow(one)]
    found = [base // 2, base, base * 2] if spec.integer else [base / 10, base, base * 10]
    kept = [one for one in found if spec.limits.allow(one)] or [base]
    return list(dict.fromkeys(kept))


def _is_share(spec: FieldSpec) -> bool:
    top = spec.limits.lt if spec.limits.lt is not None else spec.limits.le
    bottom = spec.limits.ge
    return top is not None and top <= 1 and bottom == 0


def _of_number(path: str, title: str, spec: FieldSpec, value: Any) -> Suggestion:
    numbers = _numbers(spec, value)
    values = ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in numbers)
    low, high = f"{numbers[0]:g}", f"{numbers[-1]:g}"
    log = not spec.integer and not _is_share(spec) and numbers[0] > 0 and len(numbers) > 1
    return Suggestion(path, title, "log" if log else "list", values, low, high, number=True)


def suggestion_of(varied: Listed | Ranged) -> Suggestion:
    """What a sweep varies already, as a card shows it."""
    title = setting_title(varied.path)
    if isinstance(varied, Listed):
        return Suggestion(varied.path, title, "list", ", ".join(map(value_text, varied.values)))
    mode: Mode = "log" if varied.log else "range"
    return Suggestion(varied.path, title, mode, "", f"{varied.low:g}", f"{varied.high:g}", number=True)


def can_be_varied(experiment: Experiment, path: str) -> bool:
    """Whether there is a proposal for the field at `path`."""
    try:
        suggest(experiment, path)
    except UserError:
        return False
    return True


def fields_to_vary(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Path and title of what the menu offers: kinds, the optimizer's and the training's fields, those of the layers.

    A field that changes nothing in this experiment, or that its data decides, is left out; its own menu still has it.
    """
    idle = BESIDE
    if not getattr(experiment.optimizer, "use_ema", False):
        idle |= {f"optimizer.{name}" for name in AVERAGING}
    if experiment.active_layers:
        idle |= {f"layers.{experiment.active_layers[-1].id}.{name}" for name in DECIDED}
    for path, title in _fields(experiment):
        if path not in idle:
            yield path, title


def _fields(experiment: Experiment) -> Iterator[tuple[str, str]]:
    for part in KINDS:
        yield f"{part}.kind", setting_title(f"{part}.kind")
    records: tuple[Option, ...] = (experiment.optimizer, experiment.training)
    for part, record in zip(PARTS, records, strict=True):
        for spec in specs_of(type(record)):
            path = f"{part}.{spec.name}"
            if can_be_varied(experiment, path):
                yield path, setting_title(path)
    for number, phase in enumerate(experiment.transfer.phases if experiment.transfer is not None else ()):
        for spec in specs_of(type(phase)):
            path = f"transfer.phases.{number}.{spec.name}"
            if can_be_varied(experiment, path):
                yield path, setting_title(path)
    for layer in experiment.active_layers:
        for spec in specs_of(type(layer)):
            path = f"layers.{layer.id}.{spec.name}"
            if spec.name not in ("id", "enabled") and can_be_varied(experiment, path):
                yield path, setting_title(path)


def check(plan: SweepPlan, experiment: Experiment, summary: DataSummary) -> None:
    """Refuse a sweep with a trial that cannot be trained, before the first begins. Raises `UserError`.

    Trials with other data are judged when they are trained: theirs has not been read.
    """
    for values in corners(plan.vary):
        trial = with_values(plan.experiment, values)
        if trial.data != experiment.data:
            continue
        for problem in find_problems(trial, summary):
            if problem.severity == "error":
                raise UserError(f"With {values_text(values)}: {problem.title.rstrip('.')}.", problem.reason)

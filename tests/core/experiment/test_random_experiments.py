"""Whatever can be clicked together: random experiments survive the file, random edits can be taken back."""

from __future__ import annotations

import json
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from dnnstudio.core.analysis import transformations
from dnnstudio.core.analysis.checks import SEVERITIES, Checker, Problem, find_problems, has_errors
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec, edits
from dnnstudio.core.experiment.data import SOURCE_KINDS, Data, known_summary
from dnnstudio.core.experiment.fields import Option, option_kinds
from dnnstudio.core.experiment.layers import LAYER_KINDS
from dnnstudio.core.experiment.optimizers import CLIPPINGS, OPTIMIZER_KINDS
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import SCHEDULE_KINDS
from dnnstudio.core.experiment.shapes import LayerShape, infer_shapes
from dnnstudio.core.experiment.summary_table import format_table, summary_table

QUICK = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
names = st.from_regex(r"[A-Za-z][A-Za-z0-9_\-]{0,8}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


def numbers(metadata: list[Any], whole: bool) -> st.SearchStrategy[Any]:
    """Numbers within a field's own limits."""
    limits = {
        name: getattr(item, name) for item in metadata for name in ("ge", "gt", "le", "lt") if hasattr(item, name)
    }
    low, high = limits.get("ge", limits.get("gt", -100)), limits.get("le", limits.get("lt", 100))
    high = max(high, low)
    if whole:
        return st.integers(low + ("gt" in limits), min(high, low + 300) - ("lt" in limits))
    return st.floats(low, min(high, 1e6), exclude_min="gt" in limits, exclude_max="lt" in limits, allow_nan=False)


def items(annotation: Any) -> st.SearchStrategy[Any]:
    """What stands in a list: numbers, texts or records."""
    if isinstance(annotation, type) and issubclass(annotation, Option):
        return options(annotation)
    return {int: st.integers(0, 9), float: st.floats(0.001, 9), str: texts}[annotation]


def values(annotation: Any, field: FieldInfo) -> st.SearchStrategy[Any]:
    """Values of a field's type. Lists get the lengths that the field allows."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return values(arguments[0], field)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        if arguments[-1] is not Ellipsis:
            return st.tuples(*(st.integers(1, 5) for _ in arguments))
        lengths = {
            name: getattr(item, name)
            for item in field.metadata
            for name in ("min_length", "max_length")
            if hasattr(item, name)
        }
        inner = items(arguments[0])
        smallest = lengths.get("min_length", 0)
        return st.lists(inner, min_size=smallest, max_size=min(lengths.get("max_length", 4), smallest + 3)).map(tuple)
    if origin is not None:
        return st.one_of(*(values(argument, field) for argument in arguments))
    if annotation is bool:
        return st.booleans()
    if annotation in (int, float):
        return numbers(field.metadata, annotation is int)
    if annotation is str:
        return texts
    if annotation is type(None):
        return st.none()
    assert issubclass(annotation, Option), annotation
    return st.one_of(*(options(kind) for kind in option_kinds(annotation).values()))


@cache
def options(kind: type[Option]) -> st.SearchStrategy[Any]:
    """Records of one class, each field by its own type and limits; what the record's own rules refuse is left out."""
    fields = {
        name: names if name == "id" else values(field.annotation, field) for name, field in kind.model_fields.items()
    }

    @st.composite
    def draw(draw: st.DrawFn) -> Any:
        given = {name: draw(strategy) for name, strategy in fields.items()}
        for name in CLIPPINGS[1:]:
            given |= {name: None} if name in given else {}
        try:
            return kind(**given)
        except ValidationError:  # boundaries that do not rise, half a pair: the kind as it starts
            return kind.new()

    return draw()


any_layers = st.sampled_from(sorted(LAYER_KINDS)).flatmap(lambda kind: options(LAYER_KINDS[kind]))
USUAL = ("dense", "dense", "batch_normalization", "dropout", "activation", "flatten", "alpha_dropout", "leaky_relu")


@st.composite
def usual_layers(draw: st.DrawFn) -> Any:
    """A layer as people have them: most options as they start, one or two drawn."""
    kind = LAYER_KINDS[draw(st.sampled_from(USUAL))]
    drawn, fields = draw(options(kind)), sorted(set(kind.model_fields) - {"kind", "id", "enabled", "trainable"})
    chosen = draw(st.lists(st.sampled_from(fields), max_size=2)) if fields else []
    if kind is LAYER_KINDS["dense"]:
        chosen.append("activation")
    return kind.new(id=drawn.id, **{name: getattr(drawn, name) for name in chosen})


stacks = st.one_of(
    st.lists(any_layers, max_size=6, unique_by=lambda layer: layer.id),
    st.lists(usual_layers(), max_size=9, unique_by=lambda layer: layer.id),
).map(tuple)


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    fields = {name: field for name, field in Experiment.model_fields.items() if name not in ("format", "layers")}
    given = {name: draw(values(field.annotation, field)) for name, field in fields.items()}
    return Experiment(layers=draw(stacks), **given)


@st.composite
def usual_experiments(draw: st.DrawFn) -> Experiment:
    """Stacks that could nearly be trained, so that the finer advice gets its turn."""
    rows = draw(st.lists(usual_layers(), min_size=2, max_size=9, unique_by=lambda layer: layer.id))
    ends = [LAYER_KINDS["dense"].new(id="out_put", units=draw(st.sampled_from((1, 10, 12))), activation="softmax")]
    flat = [LAYER_KINDS["flatten"].new(id="flat_ten")] if draw(st.booleans()) else []
    scaling = draw(st.sampled_from(("unit", "none", "standardize")))
    return Experiment(layers=(*flat, *rows, *ends), data=Data(scaling=scaling))


def test_every_kind_is_drawn_by_some_strategy() -> None:
    for name, kinds in (("layers", LAYER_KINDS), ("optimizer", OPTIMIZER_KINDS), ("schedule", SCHEDULE_KINDS)):
        assert option_kinds(Experiment.model_fields[name].annotation) == kinds
    assert option_kinds(Data.model_fields["source"].annotation) == SOURCE_KINDS


@given(experiments())
@QUICK
def test_an_experiment_survives_the_file(experiment: Experiment) -> None:
    text = codec.to_json(experiment)
    again = codec.from_json(text)
    assert again == experiment
    assert codec.to_json(again) == text
    assert json.loads(text) == codec.to_plain(experiment)


@given(experiments())
@QUICK
def test_checks_shapes_and_summary_answer_for_every_experiment(experiment: Experiment) -> None:
    problems = find_problems(experiment)
    assert [SEVERITIES.index(p.severity) for p in problems] == sorted(SEVERITIES.index(p.severity) for p in problems)
    ids = set(edits.ids_of(experiment))
    for problem in problems:
        assert problem.title.endswith(".") and problem.reason.endswith(".")
        assert set(problem.layers) <= ids
        if problem.place not in {*ids, "layers"}:
            edits.get_value(experiment, problem.place)  # raises where the path leads nowhere
    table = summary_table(experiment)
    assert table.count == sum(row.count for row in infer_shapes(experiment.layers, table.input_shape))
    assert format_table(table).count("\n") >= len(experiment.layers)


@given(experiments() | usual_experiments())
@QUICK
def test_every_fix_clears_its_problem(experiment: Experiment) -> None:
    for problem in find_problems(experiment):
        if problem.fix is not None:
            after = problem.fix.apply(experiment)
            assert after != experiment, problem.code
            assert codec.from_json(codec.to_json(after)) == after
            left = {(other.code, other.place, other.title) for other in find_problems(after)}
            assert (problem.code, problem.place, problem.title) not in left, problem.fix.label


@given(stacks, st.data())
@QUICK
def test_copied_layers_come_back_equal_but_for_taken_names(stack: tuple[Any, ...], data: st.DataObject) -> None:
    experiment = Experiment(layers=stack)
    chosen = data.draw(st.lists(st.sampled_from(stack), unique=True) if stack else st.just([]))
    if not chosen:
        return
    text = edits.copy_text(experiment, [layer.id for layer in chosen])
    there = Experiment()
    wanted = tuple(layer for layer in stack if layer in chosen)
    assert edits.paste_text(there, text).layers == wanted
    doubled = edits.paste_text(experiment, text, 0)
    assert doubled.layers[len(wanted) :] == stack
    for copy, original in zip(doubled.layers, wanted, strict=False):
        assert copy.id != original.id
        assert copy.replaced(id=original.id) == original


@given(st.text(max_size=40) | st.binary(max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_text_makes_the_reader_stumble(text: str | bytes) -> None:
    try:
        codec.from_json(text)
    except UserError as error:
        assert error.message.startswith("The experiment")


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["kind", "id", "layers", "units", "dense", "axis", "data", "source", "optimizer", "sgd", "training", "format"]
    ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(sorted(Experiment.model_fields)), plain, max_size=4))
@settings(max_examples=300, deadline=None)
def test_no_json_makes_the_reader_stumble(given_plain: dict[str, Any]) -> None:
    try:
        codec.from_plain(given_plain)
    except UserError as error:
        assert str(error).endswith((".", "?", ")"))


def in_words(problem: Problem, experiment: Experiment) -> tuple[Any, ...]:
    """All of a problem that can be compared: of its fix the label and what it makes of the experiment."""
    fix = problem.fix
    parts = {name: getattr(problem, name) for name in Problem.__slots__ if name != "fix"}
    return (parts, fix and fix.label, fix and fix.apply(experiment))


class Editing(RuleBasedStateMachine):
    """Random edits, undone and redone as a document would: by keeping the experiment before and after each."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[Experiment] = [Experiment()]
        self.undone: list[Experiment] = []
        self.checker = Checker()
        self.rows: tuple[LayerShape, ...] = ()

    @property
    def current(self) -> Experiment:
        return self.done[-1]

    def push(self, after: Experiment) -> None:
        self.done.append(after)
        self.undone.clear()

    def pick(self, data: st.DataObject) -> list[str]:
        return data.draw(st.lists(st.sampled_from(edits.ids_of(self.current)), min_size=1, max_size=3, unique=True))

    @initialize(experiment=experiments())
    def start(self, experiment: Experiment) -> None:
        self.done = [experiment]

    @rule(kind=st.sampled_from(sorted(LAYER_KINDS)), index=st.integers(0, 9))
    def add(self, kind: str, index: int) -> None:
        self.push(edits.add_layer(self.current, edits.new_layer(self.current, kind), index))

    @precondition(lambda self: self.current.layers)
    @rule(data=st.data(), index=st.integers(0, 9))
    def move(self, data: st.DataObject, index: int) -> None:
        before = self.current
        after = edits.move_layers(before, self.pick(data), index)
        assert sorted(map(str, after.layers)) == sorted(map(str, before.layers))
        self.push(after)

    @precondition(lambda self: self.current.layers)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        chosen = self.pick(data)
        after = edits.remove_layers(self.current, chosen)
        assert not set(chosen) & set(edits.ids_of(after))
        self.push(after)

    @precondition(lambda self: 0 < len(self.current.layers) < 12)
    @rule(data=st.data())
    def duplicate(self, data: st.DataObject) -> None:
        chosen = self.pick(data)
        after = edits.duplicate_layers(self.current, chosen)
        assert len(edits.added_ids(self.current, after)) == len(chosen)
        self.push(after)

    @precondition(lambda self: self.current.layers)
    @rule(data=st.data(), on=st.booleans())
    def switch(self, data: st.DataObject, on: bool) -> None:
        self.push(edits.set_enabled(self.current, self.pick(data), on))

    @precondition(lambda self: self.current.layers)
    @rule(data=st.data())
    def set_layer_field(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.current.layers) - 1))
        layer = self.current.layers[index]
        name = data.draw(st.sampled_from([name for name in type(layer).model_fields if name not in ("kind", "id")]))
        field = type(layer).model_fields[name]
        value = data.draw(values(field.annotation, field))
        after = edits.set_value(self.current, f"layers[{index}].{name}", value)
        assert getattr(after.layers[index], name) == value
        self.push(after)

    @rule(epochs=st.integers(-2, 5))
    def set_epochs(self, epochs: int) -> None:
        if epochs < 1:
            with pytest.raises(UserError):
                edits.set_value(self.current, "training.epochs", epochs)
        else:
            self.push(edits.set_value(self.current, "training.epochs", epochs))

    @rule(kind=st.sampled_from(sorted(OPTIMIZER_KINDS)))
    def set_optimizer(self, kind: str) -> None:
        self.push(edits.set_value(self.current, "optimizer.kind", kind))

    @precondition(lambda self: 0 < len(self.current.layers) < 12)
    @rule(data=st.data(), change=st.sampled_from(transformations.TRANSFORMATIONS))
    def transform(self, data: st.DataObject, change: transformations.Transformation) -> None:
        try:
            self.push(change.apply(self.current, tuple(self.pick(data))))
        except UserError as error:
            assert error.hint

    @precondition(lambda self: any(problem.fix for problem in find_problems(self.current)))
    @rule(data=st.data())
    def fix(self, data: st.DataObject) -> None:
        fixes = [problem.fix for problem in find_problems(self.current) if problem.fix is not None]
        self.push(data.draw(st.sampled_from(fixes)).apply(self.current))

    @precondition(lambda self: len(self.done) > 1)
    @rule()
    def undo(self) -> None:
        self.undone.append(self.done.pop())

    @precondition(lambda self: self.undone)
    @rule()
    def redo(self) -> None:
        self.done.append(self.undone.pop())

    @invariant()
    def valid(self) -> None:
        """Quick edits skip nothing: what they make passes the whole check, and no edit changes what was before."""
        text = codec.to_json(self.current)
        assert codec.from_json(text) == self.current
        assert Experiment.model_validate(dict(self.current)) == self.current
        has_errors(find_problems(self.current))

    @invariant()
    def checked_as_afresh(self) -> None:
        """What is kept from one edit to the next changes no shape, no problem and no fix."""
        known = known_summary(self.current.data)
        shape = known.input_shape if known is not None else (4, 4)
        self.rows = infer_shapes(self.current.layers, shape, before=self.rows)
        afresh = infer_shapes(self.current.layers, shape)
        assert self.rows == afresh
        kept = self.checker.find(self.current, known, rows=self.rows)
        found = find_problems(self.current, known, rows=afresh)
        assert [in_words(one, self.current) for one in kept] == [in_words(one, self.current) for one in found]

    def teardown(self) -> None:
        """Undone completely and redone, the ends are the same."""
        first, last = self.done[0], self.done[-1]
        while len(self.done) > 1:
            self.undo()
        assert self.current == first
        while self.undone and self.current != last:
            self.redo()
        assert self.current == last


Editing.TestCase.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
TestEditing = Editing.TestCase

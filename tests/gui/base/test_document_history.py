"""Random edits through the document, undone and redone in any order: no state ever comes back other than it was."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from PySide6.QtWidgets import QApplication

from dnnstudio.core.analysis.transformations import TRANSFORMATIONS, Transformation
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec, edits
from dnnstudio.core.experiment.layers import LAYER_KINDS
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS
from dnnstudio.core.experiment.recipes import list_recipes
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import SCHEDULE_KINDS
from dnnstudio.core.experiment.weights import L1L2, HeNormal, LecunNormal
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.stack_commands import StackCommands

MOST_LAYERS = 14
PLACES = st.integers(0, MOST_LAYERS)
SHARED = st.sampled_from(
    [
        ("activation", "elu"),
        ("activation", None),
        ("kernel_initializer", HeNormal()),
        ("kernel_initializer", LecunNormal()),
        ("kernel_regularizer", L1L2(l2=0.01)),
        ("rate", 0.3),
        ("monte_carlo", True),
        ("axis", (1, 2)),
    ]
)
SETTINGS = st.sampled_from(
    [
        ("training.epochs", 3),
        ("training.epochs", 30),
        ("training.batch_size", 7),
        ("training.early_stopping", {"patience": 2}),
        ("data.scaling", "standardize"),
        ("data.classes.keep", [2, 0, 1]),
        ("data.source.kind", "fashion_mnist"),
        ("optimizer.learning_rate", 0.2),
        ("seed", 7),
        ("name", "another"),
    ]
)


class History(RuleBasedStateMachine):
    """What was seen at each place of the undo stack must be seen there again."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.document = Document(clock=lambda: self.now)
        self.do = StackCommands(self.document)
        self.clipboard = ""
        self.begin(0)

    @initialize(recipe=st.integers(0, len(list_recipes()) - 1))
    def begin(self, recipe: int) -> None:
        self.document.new(list_recipes()[recipe].experiment)
        self.seen = {0: self.document.experiment}
        self.texts: dict[int, str] = {0: codec.to_json(self.document.experiment)}
        self.saved: int | None = 0

    # ------------------------------------------------------------------------------------------- helpers

    @property
    def place(self) -> int:
        return self.document.undo_stack.index()

    @property
    def ids(self) -> list[str]:
        return [layer.id for layer in self.document.experiment.layers]

    def attempt(self, deed: Callable[[], None]) -> None:
        """Do it; what is refused must have changed nothing."""
        before, place = self.document.experiment, self.place
        try:
            deed()
        except UserError:
            assert self.document.experiment is before
            assert self.place == place
        self.note(place)

    def note(self, place: int) -> None:
        """Take down what the step led to, and forget what it made unreachable."""
        after = self.document.experiment
        if self.place > place and self.saved is not None and self.saved > place:
            self.saved = None
        if self.place < place:  # a quick step that led back to where the last one began is dropped with it
            assert after == self.seen[self.place]
        if self.place != place or after != self.seen.get(self.place):
            self.seen = {number: state for number, state in self.seen.items() if number < self.place}
        self.seen[self.place] = after
        self.texts[self.place] = codec.to_json(after)

    def chosen(self, seed: int) -> list[str]:
        """One to three of the layers, in the order of the stack."""
        some = random.Random(seed).sample(self.ids, min(len(self.ids), 1 + seed % 3))
        return [name for name in self.ids if name in some]

    # --------------------------------------------------------------------------------------------- edits

    @precondition(lambda self: len(self.ids) < MOST_LAYERS)
    @rule(kind=st.sampled_from(sorted(LAYER_KINDS)), index=PLACES)
    def add(self, kind: str, index: int) -> None:
        self.attempt(lambda: self.do.add(kind, min(index, len(self.ids))))

    @precondition(lambda self: self.ids)
    @rule(seed=st.integers(0, 99))
    def remove(self, seed: int) -> None:
        self.attempt(lambda: self.do.remove(self.chosen(seed)))

    @precondition(lambda self: 0 < len(self.ids) < MOST_LAYERS)
    @rule(seed=st.integers(0, 99))
    def duplicate(self, seed: int) -> None:
        self.attempt(lambda: self.do.duplicate(self.chosen(seed)))

    @precondition(lambda self: self.ids)
    @rule(seed=st.integers(0, 99), index=PLACES, wait=st.booleans())
    def move(self, seed: int, index: int, wait: bool) -> None:
        self.now += 2.0 if wait else 0.1
        self.attempt(lambda: self.do.move(self.chosen(seed), min(index, len(self.ids))))

    @precondition(lambda self: self.ids)
    @rule(seed=st.integers(0, 99))
    def copy(self, seed: int) -> None:
        self.clipboard = edits.copy_text(self.document.experiment, self.chosen(seed))

    @precondition(lambda self: self.clipboard and len(self.ids) < MOST_LAYERS)
    @rule(index=PLACES)
    def paste(self, index: int) -> None:
        self.attempt(lambda: self.do.paste_text(self.clipboard, min(index, len(self.ids))))

    @precondition(lambda self: self.ids)
    @rule(seed=st.integers(0, 99), change=SHARED, wait=st.booleans())
    def change_many(self, seed: int, change: tuple[str, object], wait: bool) -> None:
        self.now += 2.0 if wait else 0.1
        self.attempt(lambda: self.do.change(self.chosen(seed), "Field", *change))

    @precondition(lambda self: self.ids)
    @rule(seed=st.integers(0, 99))
    def switch(self, seed: int) -> None:
        self.attempt(lambda: self.do.toggle_enabled(self.chosen(seed)))

    @precondition(lambda self: self.ids)
    @rule(seed=st.integers(0, 99))
    def freeze(self, seed: int) -> None:
        self.attempt(lambda: self.do.toggle_frozen(self.chosen(seed)))

    @precondition(lambda self: self.ids)
    @rule(seed=st.integers(0, 99), name=st.sampled_from(["one", "two", "2 bad"]))
    def rename(self, seed: int, name: str) -> None:
        self.attempt(lambda: self.do.rename(self.chosen(seed)[0], name))

    @precondition(lambda self: len(self.ids) < MOST_LAYERS)
    @rule(seed=st.integers(0, 99), change=st.sampled_from(TRANSFORMATIONS))
    def transform(self, seed: int, change: Transformation) -> None:
        ids = tuple(self.chosen(seed)) if self.ids else ()
        self.attempt(lambda: self.do.transform(lambda now: change.apply(now, ids), change.label))

    @rule(number=st.integers(0, 20))
    def fix(self, number: int) -> None:
        fixes = [problem.fix for problem in self.document.problems if problem.fix is not None]
        if fixes:
            cure = fixes[number % len(fixes)]
            self.attempt(lambda: self.do.transform(cure.apply, cure.label))

    @rule(change=SETTINGS, wait=st.booleans())
    def set_value(self, change: tuple[str, object], wait: bool) -> None:
        self.now += 2.0 if wait else 0.1
        path, value = change
        self.attempt(
            lambda: self.document.push(edits.set_value(self.document.experiment, path, value), "Change", key=path)
        )

    @rule(kind=st.sampled_from(sorted(OPTIMIZER_KINDS)))
    def set_optimizer(self, kind: str) -> None:
        after = edits.set_value(self.document.experiment, "optimizer.kind", kind)
        self.attempt(lambda: self.document.push(after, "Change optimizer"))

    @rule(kind=st.sampled_from(sorted(SCHEDULE_KINDS)))
    def set_schedule(self, kind: str) -> None:
        after = edits.set_value(self.document.experiment, "schedule.kind", kind)
        self.attempt(lambda: self.document.push(after, "Change schedule"))

    # ------------------------------------------------------------------------------ history and the file

    @rule(steps=st.integers(1, 4))
    def undo(self, steps: int) -> None:
        for _ in range(steps):
            self.document.undo_stack.undo()
            assert self.document.experiment == self.seen[self.place]

    @rule(steps=st.integers(1, 4))
    def redo(self, steps: int) -> None:
        for _ in range(steps):
            self.document.undo_stack.redo()
            assert self.document.experiment == self.seen[self.place]

    @rule()
    def save(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "experiment.json"
            self.document.save(path)
            assert codec.load(path) == self.document.experiment
        self.saved = self.place

    @rule()
    def wait(self) -> None:
        self.now += 5.0

    @invariant()
    def the_saved_point_is_respected(self) -> None:
        assert self.document.modified is (self.place != self.saved)
        assert self.document.undo_stack.count() == max(self.seen)

    @invariant()
    def the_selection_is_part_of_the_stack(self) -> None:
        assert set(self.document.selection) <= set(self.ids)

    def teardown(self) -> None:
        """All undone is the identical first experiment, all redone the identical last one, text for text."""
        stack = self.document.undo_stack
        while stack.canRedo():
            stack.redo()
        last = self.document.experiment
        names = [stack.command(number).text() for number in range(stack.count())]
        assert all(names), "an undo step has no name"
        while stack.canUndo():
            stack.undo()
            assert codec.to_json(self.document.experiment) == self.texts[self.place]
        assert self.document.experiment == self.seen[0]
        while stack.canRedo():
            stack.redo()
            assert self.document.experiment == self.seen[self.place]
        assert self.document.experiment == last
        assert isinstance(last, Experiment)


@pytest.mark.timeout(300)
def test_no_state_of_the_document_is_lost_by_undo_and_redo(qapp: QApplication) -> None:
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )

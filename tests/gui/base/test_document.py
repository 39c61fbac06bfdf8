"""The document: every change is an undo step, the saved point is respected, and what is derived follows."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Classes, Csv, Data, DataSummary, Digits, FashionMNIST, Fraction
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.gui.base.document import Document


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def document(qtbot: QtBot, clock: Clock) -> Document:
    layers = (Flatten(id="flatten"), Dense(id="hidden", units=30), Dense(id="output", units=10))
    return Document(Experiment(layers=layers), clock=clock)


def with_units(document: Document, units: int) -> Experiment:
    flatten, _, output = document.experiment.layers
    return document.experiment.replaced(layers=(flatten, Dense(id="hidden", units=units), output))


def test_a_step_is_undone_and_redone_with_its_name(document: Document) -> None:
    before = document.experiment
    after = before.replaced(seed=7)
    document.push(after, "Change the seed")
    assert document.experiment is after
    assert document.undo_stack.undoText() == "Change the seed"
    document.undo_stack.undo()
    assert document.experiment is before
    document.undo_stack.redo()
    assert document.experiment is after


def test_nothing_changed_is_no_step(document: Document) -> None:
    document.push(document.experiment.replaced(), "Nothing")
    assert document.undo_stack.count() == 0
    assert not document.modified


def test_quick_edits_of_one_field_are_one_step(document: Document, clock: Clock) -> None:
    before = document.experiment
    for units in (31, 32, 33):
        clock.now += 0.5
        document.push(with_units(document, units), "Change units", "hidden.units")
    assert document.undo_stack.count() == 1
    document.undo_stack.undo()
    assert document.experiment == before


def test_slow_edits_and_other_fields_are_steps_of_their_own(document: Document, clock: Clock) -> None:
    document.push(with_units(document, 31), "Change units", "hidden.units")
    clock.now += 5
    document.push(with_units(document, 32), "Change units", "hidden.units")
    document.push(document.experiment.replaced(seed=1), "Change the seed", "seed")
    document.push(document.experiment.replaced(seed=2), "Change the seed")
    assert document.undo_stack.count() == 4


def test_a_merged_edit_that_comes_back_leaves_no_step(document: Document) -> None:
    document.push(with_units(document, 31), "Change units", "hidden.units")
    document.push(with_units(document, 30), "Change units", "hidden.units")
    assert document.undo_stack.count() == 0
    assert not document.modified


def test_an_edit_does_not_merge_across_the_saved_point(document: Document, tmp_path: Path) -> None:
    document.push(with_units(document, 31), "Change units", "hidden.units")
    document.save(tmp_path / "a.json")
    document.push(with_units(document, 32), "Change units", "hidden.units")
    assert document.modified
    document.undo_stack.undo()
    assert not document.modified
    assert codec.load(tmp_path / "a.json") == document.experiment


def test_saving_names_the_file_and_opening_gives_the_same_experiment(
    document: Document, tmp_path: Path, qtbot: QtBot
) -> None:
    document.push(with_units(document, 77), "Change units")
    with qtbot.waitSignals([document.path_changed, document.modified_changed]):
        document.save(tmp_path / "a.json")
    other = Document()
    other.open(tmp_path / "a.json")
    assert other.experiment == document.experiment
    assert other.path == tmp_path / "a.json"
    assert other.undo_stack.count() == 0


def test_saving_without_a_file_says_so(document: Document) -> None:
    with pytest.raises(UserError, match="no file yet"):
        document.save()


def test_a_file_that_cannot_be_read_changes_nothing(document: Document, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"layers": [{"kind": "dense", "id": "a", "units": -3}]}')
    before = document.experiment
    document.push(with_units(document, 31), "Change units")
    with pytest.raises(UserError, match="units"):
        document.open(bad)
    assert document.undo_stack.count() == 1
    document.undo_stack.undo()
    assert document.experiment is before


def test_selection_holds_only_layers_in_the_order_of_the_stack(document: Document, qtbot: QtBot) -> None:
    with qtbot.waitSignal(document.selection_changed) as caught:
        document.select(["output", "gone", "flatten"])
    assert caught.args == [("flatten", "output")]
    assert document.selected_layers == (document.experiment.layers[0], document.experiment.layers[2])


def test_undo_brings_back_the_selected_layer_it_had_removed(document: Document) -> None:
    document.select(["hidden"])
    layers = document.experiment.layers
    document.push(document.experiment.replaced(layers=(layers[0], layers[2])), "Delete hidden", select=["output"])
    assert document.selection == ("output",)
    document.undo_stack.undo()
    assert document.selection == ("hidden",)
    document.undo_stack.redo()
    assert document.selection == ("output",)


def test_shapes_and_counts_follow_every_step(document: Document) -> None:
    assert [row.output_shape for row in document.shapes] == [(64,), (30,), (10,)]
    assert document.parameter_counts == (64 * 30 + 30 + 30 * 10 + 10, 0)
    document.push(with_units(document, 5), "Change units")
    assert document.parameter_counts == (64 * 5 + 5 + 5 * 10 + 10, 0)
    document.undo_stack.undo()
    assert document.parameter_counts == (64 * 30 + 30 + 30 * 10 + 10, 0)


def test_a_summary_is_remembered_for_undo(document: Document) -> None:
    digits = DataSummary((8, 8), tuple("0123456789"), False, (1150, 287, 360), (115,) * 10, "scikit-learn", "abc")
    document.set_summary(digits)
    document.push(
        document.experiment.replaced(data=document.experiment.data.replaced(source=FashionMNIST())), "Use Fashion-MNIST"
    )
    assert document.summary is not None
    assert document.summary.input_shape == (28, 28)
    assert document.summary.counts is None
    document.undo_stack.undo()
    assert document.summary == digits


def test_a_late_summary_of_other_data_does_not_show(document: Document) -> None:
    late = DataSummary((28, 28), ("a", "b"), False)
    document.set_summary(late, data=Data(source=FashionMNIST()))
    assert document.summary is not None
    assert document.summary.input_shape == (8, 8)


def test_the_shape_of_a_file_stays_while_its_choices_change(qtbot: QtBot) -> None:
    source = Csv(path="/data/table.csv")
    document = Document(Experiment(data=Data(source=source)))
    assert document.summary is None
    document.set_summary(DataSummary((4,), ("setosa", "versicolor", "virginica"), False, (90, 30, 30), (30, 30, 30)))
    data = document.experiment.data
    kept = data.replaced(classes=data.classes.replaced(keep=(0, 2)))
    document.push(document.experiment.replaced(data=kept), "Drop versicolor")
    assert document.summary is not None
    assert document.summary.input_shape == (4,)
    assert document.summary.class_names == ("setosa", "virginica")
    assert document.summary.counts is None
    assert document.source_class_names == ("setosa", "versicolor", "virginica")


def test_new_forgets_history_file_and_selection(document: Document, tmp_path: Path) -> None:
    document.select(["hidden"])
    document.push(with_units(document, 31), "Change units")
    document.save(tmp_path / "a.json")
    document.push(with_units(document, 32), "Change units")
    document.new(Experiment(data=Data(source=Digits())))
    assert (document.path, document.selection, document.modified) == (None, (), False)
    assert document.undo_stack.count() == 0
    assert document.experiment.layers == ()


def test_random_steps_undone_give_the_first_and_redone_the_last(document: Document, clock: Clock) -> None:
    drawn = random.Random(5)
    first = document.experiment
    for _ in range(200):
        clock.now += drawn.choice((0.1, 3.0))
        if drawn.random() < 0.2:
            document.undo_stack.undo()
        elif drawn.random() < 0.7:
            document.push(with_units(document, drawn.randint(1, 50)), "Change units", "hidden.units")
        else:
            document.push(document.experiment.replaced(seed=drawn.randint(0, 9)), "Change the seed", "seed")
    while document.undo_stack.canRedo():
        document.undo_stack.redo()
    last = document.experiment
    while document.undo_stack.canUndo():
        document.undo_stack.undo()
    assert document.experiment == first
    while document.undo_stack.canRedo():
        document.undo_stack.redo()
    assert document.experiment == last


def test_histories_are_collected_without_a_crash() -> None:
    """Qt deletes undo commands by itself; commands written in Python then crashed the garbage collector."""
    script = (
        "import gc, random\n"
        "from PySide6.QtCore import QCoreApplication\n"
        "from dnnstudio.core.experiment.record import Experiment\n"
        "from dnnstudio.gui.base.document import Document\n"
        "app = QCoreApplication([])\n"
        "for _ in range(15):\n"
        "    document = Document(clock=lambda: 0.0)\n"
        "    for _ in range(200):\n"
        "        if random.random() < 0.2:\n"
        "            document.undo_stack.undo()\n"
        "        else:\n"
        "            seed = random.randint(0, 5)\n"
        "            document.push(Experiment(seed=seed), 'Change the seed', random.choice(['seed', None]))\n"
        "    del document\n"
        "    gc.collect()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "change",
    [
        {"test_share": 0.4},
        {"validation": Fraction(fraction=0.3)},
        {"train_limit": 50},
        {"classes": Classes(keep=(0, 1))},
    ],
)
def test_numbers_of_rows_of_another_split_are_not_those_of_before(
    document: Document, change: dict[str, object]
) -> None:
    document.set_summary(DataSummary((8, 8), tuple("0123456789"), False, (1150, 287, 360), (115,) * 10))
    before = document.experiment
    document.push(before.replaced(data=before.data.replaced(**change)), "Change the split")
    assert document.summary is not None
    assert (document.summary.counts, document.summary.class_counts) == (None, ())
    document.push(before.replaced(data=before.data.replaced(scaling="none")), "Change the scaling")
    assert document.summary.input_shape == (8, 8)

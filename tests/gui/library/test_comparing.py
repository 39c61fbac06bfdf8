"""From scratch against transferred, in its window."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment import Experiment
from dnnstudio.core.jobs import CompareTransfer, EpochDone
from dnnstudio.core.transfer import Phase, Reuse, Transfer
from dnnstudio.gui.asking import Asking
from dnnstudio.gui.comparing import ComparisonWindow
from dnnstudio.gui.comparing.histories import Histories, key_of
from dnnstudio.gui.comparing.place import comparison_folder
from dnnstudio.gui.main_window import MainWindow
from dnnstudio.gui.theme import Theme

from ..fake_engine import FakeEngine
from ..fake_reuse import accuracy_of
from ..window_kit import let_go, submitted
from .conftest import WIDE

TRANSFER = Transfer(
    source="runs/0001 Wide",
    reuse=(Reuse(layer="h1", source="h1"),),
    phases=(Phase(epochs=2, frozen=("h1",)), Phase(epochs=3)),
)
EXPERIMENT = WIDE.replaced(transfer=TRANSFER)
Make = Callable[..., ComparisonWindow]


@pytest.fixture
def make(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[Make]:
    theme = Theme(qapp, "light")
    theme.apply()
    engine = FakeEngine()
    engine.start()
    made: list[ComparisonWindow] = []

    def new(experiment: Experiment = EXPERIMENT, *, to: Path | None = None, pause_ms: int = 0) -> ComparisonWindow:
        engine._timer.setInterval(pause_ms)
        asking = Asking(engine, engine.submit)  # type: ignore[arg-type]
        window = ComparisonWindow(
            theme, asking, experiment, tmp_path, tmp_path, ask=lambda *_: str(to) if to is not None else ""
        )
        made.append(window)
        window.show()
        return window

    yield new
    while made:
        window = made.pop()
        window.close()
        window.deleteLater()
        vars(window).clear()
        del window
    engine.shutdown()
    engine.deleteLater()
    theme.deleteLater()
    let_go()


def finish(qtbot: Any, window: ComparisonWindow, seeds: int = 3) -> None:
    window.seeds.set_value(seeds)
    window.start.click()
    assert window._asking.busy
    qtbot.waitUntil(lambda: not window._asking.busy)


def test_the_sentence_and_the_table_say_mean_and_spread(qtbot: Any, make: Make) -> None:
    window = make()
    finish(qtbot, window)
    seeds = (42, 43, 44)
    ours, scratch = ([accuracy_of(start, seed) for seed in seeds] for start in ("transfer", "scratch"))
    words = [f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}" for values in (ours, scratch)]
    assert window.headline.text() == (
        f"Test accuracy {words[0]} transferred against {words[1]} from scratch over 3 seeds: transfer helped."
    )
    rows = [window.table.topLevelItem(n) for n in range(2)]
    assert [[row.text(n) for n in range(3)] for row in rows if row] == [
        ["From scratch", "3", words[1]],
        ["Transferred", "3", words[0]],
    ]


def test_the_curves_are_each_seed_and_their_mean(qtbot: Any, make: Make) -> None:
    window = make()
    finish(qtbot, window)
    plot = window.curves.plot
    each = [plot.points(f"transfer {seed}") for seed in (42, 43, 44)]
    mean = plot.points("transfer")
    assert mean is not None
    values = [points[1] for points in each if points is not None]
    assert [len(y) for y in values] == [5, 5, 5]
    np.testing.assert_allclose(mean[1], np.mean(values, axis=0))
    np.testing.assert_array_equal(mean[0], [1, 2, 3, 4, 5])
    window.curves.choice.button("val_loss").click()
    loss = window.curves.plot.points("scratch")
    assert loss is not None
    np.testing.assert_allclose(loss[1], [1 / n for n in range(1, 6)])


def test_the_same_question_has_the_same_folder_and_another_one_another(tmp_path: Path) -> None:
    first = comparison_folder(tmp_path, EXPERIMENT, tmp_path)
    assert comparison_folder(tmp_path, EXPERIMENT, tmp_path) == first
    other = comparison_folder(tmp_path, EXPERIMENT.replaced(seed=7), tmp_path)
    assert other != first and other.parent == first.parent
    source = tmp_path / "runs" / "0001 Wide"
    source.mkdir(parents=True)
    (source / "model.keras").write_bytes(b"trained again")
    assert comparison_folder(tmp_path, EXPERIMENT, tmp_path) not in (first, other)


def test_cancelling_keeps_what_is_done(qtbot: Any, make: Make) -> None:
    window = make(pause_ms=25)
    window.start.click()
    qtbot.waitUntil(lambda: "2 of 6: Seed 42: training transfer, epoch" in window.progress.text())
    assert len(window.runs) == 1
    epoch = int(window.progress.text().split()[-3])
    assert window.bar.maximum() == 600 and window.bar.value() == 100 + 20 * epoch
    window.stop.click()
    assert not window._asking.busy
    assert window.headline.text() == "Cancelled after 1 training."
    assert window.exports["csv"].isEnabled() and not window.start.isHidden()


def test_a_comparison_cancelled_in_the_status_line_says_so(qtbot: Any, window: MainWindow) -> None:
    window.document.push(EXPERIMENT, "Reuse layers")
    window.actions_["compare_transfer"].trigger()
    (opened,) = window.library.transfers.windows.values()
    window.engine._timer.setInterval(5)  # type: ignore[attr-defined]
    opened.start.click()
    qtbot.waitUntil(lambda: bool(opened.histories.rows))
    window.status.cancel_requested.emit()
    qtbot.waitUntil(lambda: opened.headline.text().startswith("Cancelled after"))
    opened.close()


def test_the_table_and_the_picture_are_saved(qtbot: Any, make: Make, tmp_path: Path) -> None:
    window = make(to=tmp_path / "out")
    assert not window.exports["csv"].isEnabled()
    finish(qtbot, window, seeds=1)
    window.export("csv")
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["start"], float(row["test_accuracy"])) for row in rows] == [
        ("42", start, accuracy_of(start, 42)) for start in ("scratch", "transfer")
    ]
    window.export("png")
    assert QImage(str(tmp_path / "out.png")).width() == 2 * window.results.width()
    assert window.headline.text().endswith("train more seeds to tell this from chance.")


def test_what_cannot_be_compared_is_said(qtbot: Any, make: Make) -> None:
    window = make(EXPERIMENT.replaced(transfer=TRANSFER.replaced(source="nowhere")))
    finish(qtbot, window)
    assert 'source of the transfer, "nowhere", does not exist' in window.messages.message()
    assert window.headline.text() == "There is nothing to compare."


def test_a_number_that_is_no_number_of_seeds_trains_nothing(qtbot: Any, make: Make) -> None:
    window = make()
    window.seeds.setText("many")
    window.start.click()
    assert not window._asking.busy


def test_events_of_other_runs_are_nobody_s_curves() -> None:
    assert key_of("abc-43-transfer") == ("transfer", 43)
    assert key_of("abc") is None and key_of("abc-x-y") is None


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ((("source", {"val_loss": 0.3}),), "val_accuracy"),  # an autoencoder's: a classifier will come
        ((("source", {"val_loss": 0.3}), ("scratch", {"val_loss": 0.5, "val_accuracy": 0.8})), "val_accuracy"),
        ((("source", {"val_accuracy": 0.9}), ("scratch", {"val_loss": 0.5})), "val_loss"),  # a number is predicted
    ],
)
def test_the_figure_shown_at_first_is_one_of_the_trainings_that_are_compared(
    make: Make, told: tuple[tuple[str, dict[str, float]], ...], shown: str
) -> None:
    curves, histories = make().curves, Histories()
    curves.begin((42,))
    for start, figures in told:
        histories.add(EpochDone(run=f"x-42-{start}", row={"epoch": 1.0, **figures}, is_best=True))
        curves.show_histories(histories)
    assert curves.choice.value() == shown


def test_the_main_window_opens_one_for_a_transfer_and_keeps_its_own_curves(qtbot: Any, window: MainWindow) -> None:
    action = window.actions_["compare_transfer"]
    assert not action.isEnabled()
    window.document.push(EXPERIMENT, "Reuse layers")
    assert action.isEnabled()
    action.trigger()
    action.trigger()
    (opened,) = window.library.transfers.windows.values()
    finish(qtbot, opened, seeds=1)
    (job,) = submitted(window, CompareTransfer)
    assert job.seeds == (42,) and job.folder.parent.name == "comparisons"
    assert window.plots.curves is None or not window.plots.curves.rows
    assert window.runs.runs.rowCount() == 3
    opened.close()
    assert window.library.transfers.windows == {}

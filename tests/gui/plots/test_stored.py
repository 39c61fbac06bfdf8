"""Runs that are read from their folders."""

from __future__ import annotations

from pathlib import Path

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.events import RunStarted
from dnnstudio.core.workspace.history import write_history
from dnnstudio.core.workspace.shared_layers import Change, note_change
from dnnstudio.gui.plots.panel import RunPlots
from dnnstudio.gui.plots.stored import read_stored_run

from .test_plots import epoch, plots

__all__ = ["plots"]  # a fixture


def test_a_stored_run_is_read_from_its_folder(tmp_path: Path, plots: RunPlots) -> None:
    codec.save(load_recipe("digits").experiment, tmp_path / "experiment.json")
    write_history(tmp_path / "history.csv", [epoch(1).row, epoch(2).row])
    (tmp_path / "metrics.json").write_text('{"best_epoch": 2, "test": {"loss": 0.5, "accuracy": 0.9}}')
    curves, metrics = read_stored_run(tmp_path)
    plots.show_run(curves)
    assert list((plots.loss.plot.points("loss") or ((), ()))[1]) == [1.0, 0.5]
    assert plots.accuracy.note.text() == "2 epochs"
    assert metrics["test"]["accuracy"] == 0.9
    assert curves.best_epoch == 2


def test_a_run_shows_where_another_training_changed_its_weights_also_once_it_has_gone_on(
    tmp_path: Path, plots: RunPlots
) -> None:
    experiment = load_recipe("digits").experiment
    codec.save(experiment, tmp_path / "experiment.json")
    write_history(tmp_path / "history.csv", [epoch(1).row, epoch(2).row, epoch(3).row])
    note_change(tmp_path, Change("0007 Task B", "run7", ("hidden_1",), epoch=2))
    note_change(tmp_path, Change("0008 Task B", "run8", ("hidden_1",)))  # of a file of before: nobody knows when
    told = [(2.0, "weights changed by 0007 Task B")]

    curves, _ = read_stored_run(tmp_path)
    plots.show_run(curves)
    for card in (plots.loss, plots.accuracy):
        assert [(line.value(), line.label.format) for line in card.events.lines] == told
    plots.clear()
    assert not plots.loss.events.lines

    event = RunStarted(run="r", experiment=experiment, folder=tmp_path, steps_per_epoch=4, epochs=5, first_epoch=3)
    plots.begin(event, [epoch(1).row, epoch(2).row, epoch(3).row])
    assert [(line.value(), line.label.format) for line in plots.loss.events.lines] == told


def test_damaged_links_hide_no_curves(tmp_path: Path) -> None:
    codec.save(load_recipe("digits").experiment, tmp_path / "experiment.json")
    write_history(tmp_path / "history.csv", [epoch(1).row])
    (tmp_path / "links.json").write_text("{")
    assert len(read_stored_run(tmp_path)[0].rows) == 1

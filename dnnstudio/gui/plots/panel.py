"""The plots of one run, live or read from its folder, redrawn at most twenty times a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Autoencoder
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, RateChanged, RunEnded, RunStarted
from dnnstudio.core.planning.pretraining import trained_experiment
from dnnstudio.core.planning.stages import planned_epochs
from dnnstudio.core.text import count_of
from dnnstudio.gui.plots.base import CurvePlot
from dnnstudio.gui.plots.cards.curve_cards import HistoryCard, Other, PlotCard, View, accuracy_card, loss_card
from dnnstudio.gui.plots.cards.rate_card import RateCard
from dnnstudio.gui.plots.curves import Curves
from dnnstudio.gui.plots.menu import usual_smoothing
from dnnstudio.gui.plots.sentences import loss_words
from dnnstudio.gui.plots.stored import changes_of
from dnnstudio.gui.theme import Theme

TURN_MS = 17
"""The window does nothing for a drawing so long after each part of one. A card's curves, its words and painting both
are a part each, as is what else follows a training: fewer than twenty drawings a second, each card some four times.
More would not be seen, and the training has to do without the time that drawing takes.
"""
EMPTY_LOSS = "Press Train: the loss is drawn here, batch by batch."
EMPTY_ACCURACY = "Press Train: here is how often the network is right."
EMPTY_ERROR = "Press Train: here is how far off the network's answers are."
BEGINS = "The training begins: this is drawn as it comes."
NOTHING_TRAINED = "Nothing was trained to the end of an epoch."


class RunPlots(QObject):
    """Loss, accuracy and learning rate. The cards are laid out by the window; this feeds them.

    `drawn` carries how far the live run is, in epochs, or None; `redraws` counts the drawings of a card, for the
    promise of at most 20 a second. `file_wished(card, kind)` when a plot shall become a file.
    """

    drawn = Signal(object)
    file_wished = Signal(object, str)

    def __init__(
        self,
        theme: Theme,
        parent: QObject | None = None,
        *,
        cards: tuple[HistoryCard, HistoryCard, RateCard] | None = None,
    ) -> None:
        super().__init__(parent)
        self.loss, self.accuracy, self.rate = cards or (loss_card(theme), accuracy_card(theme), RateCard(theme))
        self.curves: Curves | None = None
        self.view = View()
        self._smoothing_chosen = False
        self._others: tuple[Other, ...] = ()
        for card in (self.loss, self.accuracy):
            card.menu.smoothing_chosen.connect(self.set_smoothing)
            card.menu.clean_chosen.connect(self.show_clean)
        for each in self.cards:
            each.file_wished.connect(lambda kind, card=each: self.file_wished.emit(card, kind))
        self.redraws = 0
        self._plan: tuple[Experiment, int] | None = None
        self._turns = (self._draw_loss, self._draw_accuracy, self._draw_rate)
        self._held: CurvePlot | None = None
        self._steps: Iterator[None] = iter(())
        self._waiting: list[Callable[[], object]] = []
        self._timer = QTimer(self, singleShot=True, interval=TURN_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._take_turn)
        self._empty()

    @property
    def cards(self) -> tuple[PlotCard, ...]:
        return (self.loss, self.accuracy, self.rate)

    # ------------------------------------------------------------------------------------------ how it is shown

    def set_smoothing(self, over: float) -> None:
        """Smooth loss and accuracy over so many epochs; 0 is off. The learning rate is never smoothed."""
        self._smoothing_chosen = True
        self._set_view(replace(self.view, smoothing=over))

    def show_clean(self, shown: bool) -> None:
        """Draw the training figures without dropout, or do not."""
        self._set_view(replace(self.view, clean=shown))

    def _set_view(self, view: View) -> None:
        self._take_view(view)
        self.redraw()

    def _take_view(self, view: View) -> None:
        self.view = view
        for card in (self.loss, self.accuracy):
            if card.menu.smoothing is not None:
                card.menu.smoothing.set_value(view.smoothing)

    def set_others(self, others: Sequence[Other]) -> None:
        """Draw these runs under the one that is shown."""
        self._others = tuple(others)
        self._fit_x()
        self.redraw()

    @property
    def others(self) -> tuple[Other, ...]:
        """The runs under the one that is shown, which is not among them."""
        shown = self.curves.name if self.curves is not None else ""
        return tuple(other for other in self._others if other.curves.name != shown)

    def _fit_x(self) -> None:
        """The axis of the epochs holds the whole plan and all of the other runs."""
        if self.curves is not None:
            end = max([self.curves.x_end, *(other.curves.now for other in self.others)])
            for card in self.cards:
                card.plot.set_x_end(end)

    # ------------------------------------------------------------------------------------------ before a run

    def show_plan(self, experiment: Experiment, summary: DataSummary | None) -> None:
        """While no run is shown: axes for the whole plan, and the rate that the schedule gives."""
        rows = summary.counts[0] if summary is not None and summary.counts is not None else 0
        steps = -(-rows // experiment.training.batch_size) if rows else 100
        shape = summary.input_shape if summary is not None else None
        self._plan = (trained_experiment(experiment, shape), steps)
        if self.curves is None:
            self._draw_plan()

    def _draw_plan(self) -> None:
        if self._plan is None:
            return
        experiment, steps = self._plan
        epochs = planned_epochs(experiment)
        for card in self.cards:
            card.plot.set_x_end(epochs)
        self.rate.show_plan_alone(experiment, steps, epochs)
        self.loss.note.setText(loss_words(experiment))
        self.accuracy.note.setText("")
        of_numbers = experiment.data.source.predicts_number and not isinstance(experiment.pretraining, Autoencoder)
        self.accuracy.offer(of_numbers)
        self.accuracy.plot.set_message(EMPTY_ERROR if of_numbers else EMPTY_ACCURACY)

    def _empty(self) -> None:
        self._paint_held()
        self.loss.clear(EMPTY_LOSS)
        self.accuracy.clear(EMPTY_ACCURACY)
        self.rate.plot.set_now(None)

    def clear(self) -> None:
        """No run is shown any more."""
        self.curves = None
        self._empty()
        self._draw_plan()
        self.drawn.emit(None)

    # ------------------------------------------------------------------------------------------ a live run

    def begin(self, event: RunStarted, rows: Sequence[Mapping[str, float]] = ()) -> None:
        """A training begins: empty curves over its whole plan, or the epochs that it goes on from."""
        curves = Curves.of(event)
        for row in rows:
            curves.add_row(row)
        if rows:
            curves.changes = changes_of(event.folder)
        if self.curves is not None and rows and self.curves.name == curves.name:
            curves.take_batches_of(self.curves)
        self.show_run(curves)
        self.rate.set_live(True)

    def show_run(self, curves: Curves) -> None:
        """Show a run from here on, live or over."""
        self.curves = curves
        if not self._smoothing_chosen:
            self._take_view(replace(self.view, smoothing=usual_smoothing(curves.epochs)))
        self._empty()
        self.accuracy.offer(not curves.classifies and not isinstance(curves.experiment.pretraining, Autoencoder))
        for card in (self.loss, self.accuracy):
            card.plot.set_message(NOTHING_TRAINED if curves.ended else BEGINS)
        self._fit_x()
        self.rate.clear()
        self.rate.show_plan(curves.experiment, curves.steps_per_epoch, curves.epochs, curves.ended_phases)
        self.loss.note.setText(loss_words(curves.experiment))
        self.redraw()

    def add_batches(self, event: BatchesDone) -> None:
        if self.curves is not None and event.run == self.curves.run:
            self.curves.add_batches(event)
            self._wish()

    def change_rate(self, event: RateChanged) -> None:
        """The rate was set by hand: what is planned is another plan from now on."""
        if self.curves is not None and event.run == self.curves.run:
            self.curves.experiment = event.experiment
            curves = self.curves
            self.rate.show_plan(event.experiment, curves.steps_per_epoch, curves.epochs, curves.ended_phases)
            self._wish()

    def add_epoch(self, event: EpochDone) -> None:
        if self.curves is not None and event.run == self.curves.run:
            planned = self.curves.epochs
            self.curves.add_epoch(event)
            if self.curves.epochs != planned:
                self._fit_x()
            self._wish()

    def show_growth(self, curves: Curves) -> None:
        """What these curves hold has grown, if they are the ones that are shown."""
        if curves is self.curves:
            self._wish()

    def end(self, event: RunEnded) -> None:
        """The run is over: nothing is still to come."""
        if self.curves is not None and event.run == self.curves.run:
            self.curves.ended = True
            self.curves.stopped_early = event.stopped_early
            if not self.curves.told:
                for card in (self.loss, self.accuracy):
                    card.plot.set_message(NOTHING_TRAINED)
            self._fit_x()
            self.rate.set_live(False)
            self._wish()

    def _wish(self) -> None:
        """All cards are to be drawn, each when its turn comes."""
        for deed in self._turns:
            self.in_turn(deed)

    def in_turn(self, deed: Callable[[], object]) -> None:
        """Draw something else too when its turn comes, so that the window answers between any two drawings."""
        if deed not in self._waiting:
            self._waiting.append(deed)
        if not self._timer.isActive():
            self._timer.start()

    def _take_turn(self) -> None:
        """The next part of the drawing under way, or the first one of what has waited longest."""
        if self._held is None and not self._waiting:
            return
        if self._held is not None:
            self._go_on()
        elif (deed := self._waiting.pop(0)) in self._turns:
            place = self._turns.index(deed)
            self._held = self.cards[place].plot
            self._held.view.setUpdatesEnabled(False)
            self._steps = self._turns[place]()
            self._go_on()
        else:
            deed()
        self._timer.start()

    def _go_on(self) -> None:
        """The next step of the card that is drawn; after the last one it is painted."""
        for _ in self._steps:
            return
        self._paint_held()

    def _paint_held(self) -> None:
        """Paint the card that is drawn as it is now, and do no more of it."""
        self._steps = iter(())
        if self._held is not None:
            self._held.view.setUpdatesEnabled(True)
            self._held = None

    def redraw(self) -> None:
        """Draw all cards at once."""
        self._paint_held()
        self._waiting = [deed for deed in self._waiting if deed not in self._turns]
        for deed in self._turns:
            list(deed())

    def _draw_loss(self) -> Iterator[None]:
        if self.curves is not None and self.curves.told:
            self.redraws += 1
            yield from self.loss.drawing(self.curves, self.others, self.view)

    def _draw_accuracy(self) -> Iterator[None]:
        curves = self.curves
        if curves is None:
            return
        self.accuracy.note.setText(_epoch_words(curves))
        if not curves.told:
            return
        if isinstance(curves.experiment.pretraining, Autoencoder):
            self.accuracy.offer(False)
            self.accuracy.plot.set_message("Its input is reconstructed: there is no accuracy, only the loss.")
            return
        self.accuracy.offer(not curves.classifies)
        yield from self.accuracy.drawing(curves, self.others, self.view)

    def _draw_rate(self) -> Iterator[None]:
        if self.curves is not None:
            self.rate.show_curves(self.curves, self.others)
            self.drawn.emit(None if self.curves.ended else self.curves.now)
            yield

    @property
    def run(self) -> str:
        """The id of the run that is shown, or ""."""
        return self.curves.run if self.curves is not None else ""

    @property
    def at_rest(self) -> bool:
        """Whether all is drawn that was to be."""
        return self._held is None and not self._waiting

    def stop(self) -> None:
        """Draw no more: the window closes."""
        self._timer.stop()
        self._waiting = []


def _epoch_words(curves: Curves) -> str:
    """Which run is drawn, for another experiment may be open, and how far it is: "run 9, epoch 2 of 20"."""
    number = curves.name.split(" ")[0]
    run = f"run {int(number)}, " if number.isdecimal() else ""
    if curves.members:
        seeds = f"mean of {count_of(curves.members, 'seed')} ± 1 sd" if curves.members > 1 else "1 seed so far"
        return f"{run}{seeds}"
    if curves.ended:
        done = int(curves.rows[-1]["epoch"]) if curves.rows else 0
        return f"{run}{count_of(done, 'epoch')}"
    return f"{run}epoch {curves.epoch} of {curves.epochs}"

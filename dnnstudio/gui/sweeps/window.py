"""The window of a sweep: what is varied at the left, the trials and the best of them at the right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

from PySide6.QtCore import QElapsedTimer, QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QMenu,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from dnnstudio.core.study.sweep import MOST_TRIALS, Sampler, SweepPlan
from dnnstudio.core.study.trials import Trial, best_trial
from dnnstudio.gui.dialogs.where_field import AskPath, WhereField
from dnnstudio.gui.sweeps.cards import VariedList
from dnnstudio.gui.sweeps.mattered import MatteredCard
from dnnstudio.gui.sweeps.parallel import ParallelPlot
from dnnstudio.gui.sweeps.plot import SweepPlot
from dnnstudio.gui.sweeps.trial_table import TrialTable, in_order
from dnnstudio.gui.sweeps.wishes import SweepWish
from dnnstudio.gui.sweeps.words import FIRST_TRAINS, headline, nothing_yet, sub_line
from dnnstudio.gui.theme import Cure, Role, Theme, cure_of, set_reason, set_role
from dnnstudio.gui.widgets import (
    Card,
    Choice,
    ComboBox,
    Limits,
    MessageBar,
    NumberField,
    ProgressBar,
    Steps,
    Window,
    label,
    push_button,
)
from dnnstudio.runner.capacity import default_jobs

HOW = (
    Choice("grid", "Grid", "Every combination of the lists once"),
    Choice("random", "Random", "As many trials as are asked for, drawn at random"),
    Choice("tpe", "Spread out, then focus", "Optuna's TPE: draws where good trials lie"),
)
TRAINED_NOW = "The trials of this sweep are being trained."
BEGUN = "A sweep that has begun keeps what it varies."
USUAL_TRIALS = 12
FINE = 1000
MATTERED_WIDE = 260
SETTLED_MS = 500
"""So long the buttons in Stop's place hear no press once it is gone."""


class SweepWindow(Window):
    """`wished(path)` for a field to vary; `use_requested(Trial)`; the other signals ask for what their names say."""

    changes_experiment = True
    wished = Signal(str)
    changed = Signal()
    start_requested = Signal()
    stop_requested = Signal()
    more_requested = Signal()
    fresh_requested = Signal()
    use_requested = Signal(object)
    closed = Signal()

    def __init__(
        self, theme: Theme, *, ask_join_file: AskPath = lambda parent: None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("sweep_window")
        self.setWindowTitle("Sweep – dnnstudio")
        self.setMinimumSize(QSize(860, 600))
        self.resize(1280, 820)
        self._theme = theme
        self._over = False
        self._best: Trial | None = None
        self._nothing = nothing_yet(())
        self._ended = QElapsedTimer()  # begun when Stop went
        self._how_chosen = False
        """Whether a person has said how trials are chosen; else it follows from what is varied."""
        self.where = WhereField(ask_join_file)
        self.where.changed.connect(self._show_where)
        self.varied = VariedList(theme)
        self.varied.wished.connect(self.wished)
        self.varied.changed.connect(self._show_how)
        self.plot = SweepPlot(theme)
        self.parallel = ParallelPlot(theme)
        self.parallel.chosen.connect(self._show_within)
        self.mattered = MatteredCard(theme)
        self.mattered.setFixedWidth(MATTERED_WIDE)
        self.messages = MessageBar(theme)
        self.messages.setObjectName("sweep_message")
        body = QHBoxLayout()
        body.setContentsMargins(8, 8, 8, 8)
        body.setSpacing(8)
        body.addWidget(self._make_left(theme))
        body.addLayout(self._make_right(theme), 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(body, 1)
        column.addWidget(self.messages)
        self._show_how()
        self._drawn: SweepPlan | None = None
        self.show_trials(None, {})
        self.set_running(False)

    # ------------------------------------------------------------------------------------------ making

    def _make_left(self, theme: Theme) -> QWidget:
        card = Card(theme, "What is varied", icon="sliders-horizontal")
        card.setFixedWidth(330)
        self.earlier = QToolButton()
        self.earlier.setObjectName("earlier_sweeps")
        self.earlier.setText("Earlier")
        self.earlier.setToolTip("Open a sweep of this workspace again")
        set_role(self.earlier, Role.OUTLINE)
        self.earlier.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.earlier.setProperty("menu", "true")
        self.earlier.setMenu(QMenu(self.earlier))
        card.head.add(self.earlier)
        inside = QWidget()
        inside.setProperty("role", "clear")
        stack = QVBoxLayout(inside)
        stack.setContentsMargins(0, 0, 0, 0)
        stack.addWidget(self.varied)
        stack.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        card.add(area, 1)
        self.how = ComboBox(HOW)
        self.how.setObjectName("sweep_how")
        self.how.setAccessibleName("How the trials are chosen")
        self.how.set_value("grid")
        self.how.chosen.connect(self._choose_how)
        self.trials = self._number(theme, "The number of trials", "field_trials", USUAL_TRIALS, MOST_TRIALS)
        self.jobs = self._number(theme, "The trainings at a time", "field_sweep_jobs", default_jobs(), 1024)
        self.prune = QCheckBox("Give up hopeless trials")
        self.prune.setObjectName("sweep_prune")
        self.prune.setToolTip("End a trial that is worse than the median of the others after as many epochs.")
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(8)
        fields = (("How", self.how), ("Trials", self.trials), ("At a time", self.jobs), ("Where", self.where))
        for title, field in fields:
            form.addRow(label(title, Role.FORM), field)
        self._form = form
        card.body.addLayout(form)
        self.estimate = label("", Role.CAPTION, wrap=True)
        self.estimate.setObjectName("sweep_estimate")
        self.problem = label("", Role.ERROR, wrap=True)
        self.problem.setObjectName("sweep_problem")
        self.start = push_button("Start", Role.PRIMARY, tip="Train all trials in processes beside the window")
        self.start.setObjectName("sweep_start")
        self.start.clicked.connect(lambda: self._ask(self.start_requested))
        self.stop = push_button("Stop", tip="Stop the trials; what is done is kept, and the sweep can go on")
        self.stop.setObjectName("sweep_stop")
        self.stop.hide()
        self.stop.clicked.connect(self.stop_requested)
        self.more = push_button("10 trials more", tip="Add ten trials to this sweep")
        self.more.setObjectName("sweep_more")
        self.more.clicked.connect(lambda: self._ask(self.more_requested))
        self.fresh = push_button("New sweep", tip="Vary other fields or values in a new sweep")
        self.fresh.setObjectName("sweep_fresh")
        self.fresh.clicked.connect(lambda: self._ask(self.fresh_requested))
        row = QHBoxLayout()
        for button in (self.start, self.stop, self.more, self.fresh):
            row.addWidget(button)
        for part in (self.prune, self.estimate, self.problem):
            card.add(part)
        card.body.addLayout(row)
        return card

    def _number(self, theme: Theme, title: str, name: str, value: int, most: int) -> NumberField:
        field = NumberField(
            theme, title=title, integer=True, limits=Limits(ge=1, le=most), steps=Steps.COUNT, arrows=True
        )
        field.setObjectName(name)
        field.setAccessibleName(title)
        field.set_value(value)
        field.committed.connect(lambda _: self.changed.emit())
        return field

    def _make_right(self, theme: Theme) -> QVBoxLayout:
        head = Card(theme)
        self.headline = label("", Role.HEADLINE, wrap=True)
        self.headline.setObjectName("sweep_headline")
        self.sub = label("", Role.CAPTION, wrap=True)
        self.use = push_button("Use these settings", Role.PRIMARY, tip="Make the best trial the open experiment")
        self.use.setObjectName("use_settings")
        self.use.clicked.connect(self._use)
        self.bar = ProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, FINE)
        row = QHBoxLayout()
        words = QVBoxLayout()
        words.addWidget(self.headline)
        words.addWidget(self.sub)
        row.addLayout(words, 1)
        row.addWidget(self.use)
        head.body.addLayout(row)
        head.add(self.bar)
        self.table = TrialTable()
        self.table.itemSelectionChanged.connect(self._show_use)
        self.trial_card = Card(theme, "Trials")
        self.trial_card.add(self.table, 1)
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(head)
        plots, below = QHBoxLayout(), QHBoxLayout()
        for row, parts in ((plots, (self.plot, self.parallel)), (below, (self.trial_card, self.mattered))):
            row.setSpacing(8)
            for part in parts:
                row.addWidget(part, 0 if part is self.mattered else 1)
            column.addLayout(row, 1)
        return column

    # ------------------------------------------------------------------------------------------ what is asked

    @property
    def wish(self) -> SweepWish:
        """What stands in the cards and fields."""
        how, trials = self.how.value(), self.trials.value()
        sampler: Sampler | None = "random" if how == "random" else "tpe" if how == "tpe" else None
        return SweepWish(
            vary=tuple(card.text for card in self.varied.cards),
            trials=None if sampler is None else int(trials or USUAL_TRIALS),
            sampler=sampler,
            prune=self.prune.isChecked(),
            jobs=int(self.jobs.value() or 1),
            cluster=self.where.cluster,
        )

    @property
    def count(self) -> int:
        """How many trials that makes; 0 while nothing is varied."""
        if not self.varied.cards:
            return 0
        wish = self.wish
        if wish.trials is not None:
            return wish.trials
        return prod(len([one for one in card.values.text().split(",") if one.strip()]) for card in self.varied.cards)

    def _show_where(self) -> None:
        """As many at a time as the chosen place can do."""
        cluster = self.where.cluster
        if self.where.ready:
            self.jobs.set_value(cluster.slots if cluster is not None else default_jobs())
        self.changed.emit()

    def _choose_how(self, _: object) -> None:
        self._how_chosen = True
        self._show_how()

    def _show_how(self, _: object = None) -> None:
        ranges = any(card.is_range for card in self.varied.cards)
        if ranges and self.how.value() == "grid":
            self.how.set_value("random")  # a range has no end of values
        elif not ranges and not self._how_chosen:
            self.how.set_value("grid")
        grid = self.how.value() == "grid"
        self._form.setRowVisible(self.trials, not grid)
        self.changed.emit()

    # ------------------------------------------------------------------------------------------ what is shown

    def set_running(self, running: bool, *, left: int = 0, failed: int = 0, plan: SweepPlan | None = None) -> None:
        """While trials are trained, nothing is changed. A sweep that is begun keeps what it varies.

        Of its trials `left` are not over, and `failed` can be tried again.
        """
        begun = plan is not None
        anew, stop = Cure(self.fresh.text(), self.fresh.click), Cure(self.stop.text(), self.stop.click)
        for part in (self.varied, self.how, self.trials, self.prune):
            set_reason(part, TRAINED_NOW if running else BEGUN if begun else "", None if running else anew)
        for field in (self.jobs, self.where):
            set_reason(field, TRAINED_NOW if running else "", stop)
        if plan is not None:
            self._show_choice(plan)
        self.start.setText("Start" if not begun else "Go on" if left or not failed else "Try the failed again")
        self.start.setVisible(not running and (not begun or left + failed > 0))
        add_button = self.varied.add_button
        nothing = "" if begun or self.varied.cards else f"Nothing is varied yet. Press {add_button.text()} above."
        add = Cure(add_button.text(), add_button.showMenu) if nothing else None
        set_reason(self.start, nothing or self.where.refusal, add)
        set_reason(self.more, self.where.refusal)
        if running or not self.stop.isHidden():
            self._ended.restart()
        self.stop.setVisible(running)
        self.more.setVisible(not running and begun and left == 0 and plan is not None and plan.sampler is not None)
        self.fresh.setVisible(not running and begun)
        set_reason(self.earlier, TRAINED_NOW if running else "", stop)
        self._show_use()  # what helps there is what helps at the start
        self.bar.setVisible(running)

    def _ask(self, wish: SignalInstance) -> None:
        """Ask for what a button does, unless Stop stood there a moment ago: the press may be meant for that."""
        if not self._ended.isValid() or self._ended.hasExpired(SETTLED_MS):
            wish.emit()

    def clear(self) -> None:
        """Show a new sweep, which has nothing of the one before."""
        self.varied.clear()
        self.trials.set_value(USUAL_TRIALS)
        self.prune.setChecked(False)
        self._how_chosen = False
        self._show_how()
        self.show_trials(None, {})

    def _show_choice(self, plan: SweepPlan) -> None:
        """How the trials of the shown sweep are chosen, which nobody can change any more."""
        self.how.set_value(plan.sampler or "grid")
        self.trials.set_value(plan.count)
        self.prune.setChecked(plan.prune)
        self._form.setRowVisible(self.trials, plan.sampler is not None)

    def show_progress(self, share: float) -> None:
        """How much of the sweep is done, from 0 to 1."""
        self.bar.setValue(round(share * FINE))

    def show_trials(self, plan: SweepPlan | None, trials: Mapping[int, Trial], *, test: bool = False) -> None:
        """Show the trials that ended, the best first. `test` says the best one's test figure too."""
        if plan is None:  # what was said is of the sweep before
            self.messages.clear()
            self.problem.setText("")
        shown = in_order(plan, trials.values())
        self._best = best_trial(plan, trials) if plan is not None else None
        self.table.show_trials(plan, shown, self._best)
        if plan is not None:
            for part in (self.plot, self.parallel, self.mattered):
                part.show_trials(plan, shown)
        elif self._drawn is not None:  # a new sweep has no plan yet, and nothing to draw
            self.parallel.show_trials(self._drawn, ())
            self.plot.empty()
            self.mattered.empty()
        self._drawn = plan
        self._nothing = nothing_yet(trials.values())
        self._show_within()
        self.headline.setText(headline(plan, self._best, trials.values()))
        self.sub.setText(sub_line(plan, trials, self._best, test=test))
        self._show_use()

    def _show_within(self) -> None:
        """Only the trials within the ranges that are chosen on the axes."""
        numbers, count = self.parallel.numbers, self.table.ended
        self.table.show_only(numbers)
        within = "" if numbers is None else f"{sum(not self.table.isRowHidden(row) for row in range(count)):,} of "
        self.trial_card.head.set_count(f"{within}{count:,}" if count else "")

    @property
    def chosen(self) -> Trial | None:
        """The trial whose settings would be used: the chosen one, else the best."""
        return self.table.chosen or self._best

    def _show_use(self) -> None:
        chosen = self.chosen
        start = Cure(self.start.text(), self.start.click) if self.start.isEnabled() else cure_of(self.start)
        running = not self.stop.isHidden()
        why = FIRST_TRAINS if running and not self.table.ended else self._nothing
        set_reason(self.use, "" if chosen is not None else why, None if running else start)
        other = chosen is not None and chosen is not self._best
        self.use.setText(f"Use trial {chosen.number}" if other and chosen is not None else "Use these settings")

    def _use(self) -> None:
        if (chosen := self.chosen) is not None:
            self.use_requested.emit(chosen)

    def offer_earlier(self, names: Sequence[str], show: Callable[[int], object]) -> None:
        """The earlier sweeps of the workspace, the newest first; `show` takes the place in the list."""
        menu = self.earlier.menu()
        menu.clear()
        for place, name in enumerate(names):
            action = menu.addAction(name)
            action.setObjectName(f"earlier_{place}")
            action.triggered.connect(lambda _=False, place=place: show(place))
        self.earlier.setVisible(bool(names))

    # ------------------------------------------------------------------------------------------ Qt

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._over:
            self._over = True
            self.mattered.close_process()
            self.closed.emit()
        event.accept()

    def reject(self) -> None:
        """Escape closes the window; the trials go on, and the status line of the main window tells of them."""
        self.close()

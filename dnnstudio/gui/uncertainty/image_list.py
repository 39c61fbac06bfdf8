"""The left panel: all images, sorted by a score and filtered by label, prediction and correctness."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QModelIndex, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from dnnstudio.core.text import plural
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import PRIMARY, SCORES
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.uncertainty.grid import ImageGrid, Pictures
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.uncertainty.promise.sentences import set_names
from dnnstudio.gui.uncertainty.sentences import row_noun
from dnnstudio.gui.uncertainty.table.rows_table import FIXED, RowsModel, RowsTable
from dnnstudio.gui.widgets import Card, Choice, ComboBox, MiniButton, Segmented, label

BY_NUMBER, BY_SAID, BY_LABEL, BY_SET = "number", "said", "label", "set"
ANY = -1
DRAWN_APART_MS = 60


class ImageList(Card):
    """`image_chosen(row)` when the user selects another image."""

    image_chosen = Signal(int)

    def __init__(
        self, theme: Theme, inspection: Inspection, pictures: Pictures, *, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, "Test images", parent=parent)
        self.setObjectName("image_list")
        self._inspection = inspection
        self._falling = True
        self._sets_shown = False
        self._sorted_before: object = PRIMARY
        self._follows = True
        # In a separate event-loop iteration: painted together with the tabs it would block the loop for two frames.
        self._later = QTimer(self, singleShot=True, interval=DRAWN_APART_MS)
        self._later.timeout.connect(self._show_figures)
        self.direction = MiniButton(theme, "sort-descending", "Most unsure first; press for the surest first")
        self.direction.setObjectName("sort_direction")
        self.direction.clicked.connect(self._turn_round)
        self.reset = MiniButton(theme, "funnel", "Show all again")
        self.reset.setObjectName("reset_filter")
        self.reset.clicked.connect(self.show_all)
        self.reset.hide()
        self.stored = MiniButton(theme, "circle-half", "Pictures as stored, white on black")
        self.stored.setObjectName("as_stored")
        self.stored.setCheckable(True)
        self.stored.toggled.connect(pictures.set_as_stored)
        for button in (self.stored, self.direction, self.reset):
            self.head.add(button)
        self.sort = ComboBox()
        self.sort.setObjectName("sort_by")
        self.sort.setAccessibleName("Sort by")
        inspection.words.say(self.sort.setToolTip, "The figure of each {row}, and what they are sorted by.")
        self._offer_scores()
        kinds = (Choice("all", "All"), Choice("right", "Right"), Choice("wrong", "Wrong"))
        self.kind = Segmented(theme, kinds, fill=True)
        self.kind.setObjectName("filter_right")
        self.kind.set_value("all")
        self.labelled, self.said = ComboBox(), ComboBox()
        for combo, name, tip in (
            (self.labelled, "filter_label", "Only those with this label"),
            (self.said, "filter_said", "Only those of which the mean over {answers} says this"),
        ):
            combo.setObjectName(name)
            inspection.words.say(combo.setAccessibleName, tip)
            inspection.words.say(combo.setToolTip, tip)
            combo.chosen.connect(self._refresh)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.labelled)
        row.addWidget(self.said)
        self.grid = ImageGrid(theme, pictures, name="image_grid")
        inspection.words.say(self.grid.setAccessibleName, "{Rows}")
        self.grid.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.table_rows = RowsModel(theme, self)
        self.table = RowsTable(theme, self.table_rows)
        self.table.hide()
        self.nothing = label("None is like that.", Role.CAPTION)
        self.nothing.hide()
        self.add(self.sort)
        self.add(self.kind)
        self.body.addLayout(row)
        self.add(self.nothing)
        self.add(self.grid, 1)
        self.add(self.table, 1)
        self.sort.chosen.connect(self._on_sort)
        self.kind.chosen.connect(self._refresh)
        self.stored.toggled.connect(self.grid.viewport().update)
        self.grid.selectionModel().currentChanged.connect(self._on_current)
        self.table.selectionModel().currentChanged.connect(self._on_current)
        self.table.sort_requested.connect(self._on_head)
        inspection.samples_changed.connect(self._on_samples)
        inspection.image_changed.connect(self._on_image)
        for changed in (inspection.promise_changed, inspection.validation_changed):
            changed.connect(self._on_promise)

    @property
    def view(self) -> ImageGrid | RowsTable:
        """What shows the rows: a grid of pictures, or a table."""
        samples = self._inspection.samples
        return self.table if samples is not None and samples.rows.pictures is None else self.grid

    def _offer_scores(self) -> None:
        """Offer the scores that say something of the present samples, and a table's columns; keep the choice."""
        samples = self._inspection.samples
        nouns = self._inspection.words.nouns
        sorts = [Choice(one.name, one.title, nouns.said(one.sentence)) for one in self._inspection.scores]
        sorts.append(Choice(BY_NUMBER, "Number"))
        if self._sets_shown:
            sorts.insert(0, Choice(BY_SET, "Size of the set", "Those that no class fits first, then the largest sets"))
        if samples is not None and samples.rows.pictures is None:
            sorts += [Choice(BY_SAID, "What was said"), Choice(BY_LABEL, "Label")]
            sorts += [Choice(number, one.name) for number, one in enumerate(samples.rows.table)]
        if self.sort.choices() != tuple(sorts):
            before = self.sort.value()
            self.sort.set_choices(sorts)
            kept = any(one.value == before for one in sorts)
            self.sort.set_value(before if kept else self._inspection.score.name)

    def show_sets(self, shown: bool) -> None:
        """Show the promised sets in place of the scores, sorted by size; later as before."""
        if shown == self._sets_shown:
            return
        if shown:
            self._sorted_before = self.sort.value()
        self._sets_shown = shown
        self._offer_scores()
        self.sort.set_value(BY_SET if shown else self._sorted_before)
        self._refresh()

    # ------------------------------------------------------------------------------------------ what is shown

    def filter(self, *, kind: str = "all", label: int = ANY, said: int = ANY) -> None:
        """Show only these images."""
        self.kind.set_value(kind)
        self.labelled.set_value(label)
        self.said.set_value(said)
        self._refresh()

    def show_all(self) -> None:
        self.filter()

    def shown(self) -> NDArray[np.int64]:
        """The rows in display order."""
        return self.view.images.order

    def step(self, by: int) -> None:
        """Select the next image (1) or the previous one (-1)."""
        place = self.view.currentIndex().row() + by
        if 0 <= place < len(self.shown()):
            self.view.choose(int(self.shown()[place]))

    def _turn_round(self) -> None:
        self._falling = not self._falling
        self.direction.set_icon("sort-descending" if self._falling else "sort-ascending")
        words = (
            "Largest first, so the most unsure; press to turn round"
            if self._falling
            else "Smallest first, so the surest; press to turn round"
        )
        self.direction.set_tip(words)
        self._refresh()

    def _on_samples(self) -> None:
        samples = self._inspection.samples
        if samples is None:
            return
        self._offer_scores()
        names = samples.rows.class_names
        if len(self.labelled.choices()) != len(names) + 1:
            for combo, word in ((self.labelled, "Label"), (self.said, "Said")):
                whole = [Choice(number, name) for number, name in enumerate(names)]
                combo.set_choices([Choice(ANY, f"{word}: any"), *whole])
                combo.set_value(ANY)
        part = samples.rows.title.split(" ")[0].capitalize()
        self.set_title(f"{part} {plural(row_noun(samples))}")
        wrong = int((~samples.correct).sum())
        self.kind.button("wrong").setText(f"Wrong {wrong:,}")
        first = len(self.shown()) == 0
        if first or self._inspection.finished:
            self._refresh()
        else:
            self._later.start()

    def _show_figures(self) -> None:
        """While passes arrive only the figures change: images must not move under the pointer."""
        if (samples := self._inspection.samples) is not None and not self._inspection.finished:
            self._show_rows(samples, self.shown())

    def _show_rows(self, samples: Samples, order: NDArray[np.int64]) -> None:
        promised = self._inspection.promised() if self._sets_shown else None
        sets = None if promised is None else partial(set_names, promised, samples)
        if samples.rows.pictures is not None:
            figures = None if self.sort.value() == BY_NUMBER else self._inspection.uncertainty()
            self.grid.images.show(samples, order, figures, sets=sets)
            return
        score = self._inspection.score.column_title
        self.table_rows.show(samples, order, self._inspection.uncertainty(), score=score, sets=sets)
        self.table.fit((sets is not None, score))

    def _keys(self, samples: Samples) -> NDArray[np.float64] | None:
        """What the rows are sorted by, [rows]; None for their own order."""
        by, rows = self.sort.value(), samples.rows
        if isinstance(by, int):
            assert rows.values is not None
            values = np.asarray(rows.values[:, by], np.float64)
            if rows.table[by].kind == "category":  # by the alphabet, not by the order in which the table names them
                places = np.argsort(np.argsort(np.array([*rows.table[by].words, ""])))
                held = np.isfinite(values)
                values = np.where(held, places[np.where(held, values, 0).astype(np.int64)], np.nan)
            # Empty cells stand last in either direction.
            return np.where(np.isfinite(values), values, -np.inf if self._falling else np.inf)
        if by in (BY_SAID, BY_LABEL):
            names = np.argsort(np.argsort(np.array(rows.class_names)))
            return np.asarray(names[samples.scores.winner if by == BY_SAID else rows.labels], np.float64)
        if by == BY_SET:
            promised = self._inspection.promised()
            if promised is None:
                return None
            sizes = promised.chosen.sets.sizes.astype(np.float64)
            # Within a size the most doubtful first; a set that no class fits is the strangest of all.
            return np.where(sizes == 0, np.inf, sizes + 0.5 * samples.scores.uncertainty("max_probability"))
        return None if by == BY_NUMBER else self._inspection.uncertainty()

    def _on_sort(self, by: object) -> None:
        if by in SCORES:
            self._inspection.set_score(str(by))
        self._refresh()

    def _on_promise(self) -> None:
        if self._sets_shown:
            self._refresh()

    def _on_head(self, section: int) -> None:
        """A head of the table was pressed: sort by it, or turn round."""
        score = BY_SET if self._sets_shown else self._inspection.score.name
        heads: tuple[object, ...] = (BY_NUMBER, score, BY_SAID, BY_LABEL)
        by = heads[section] if section < FIXED else section - FIXED
        if self.sort.value() == by:
            self._turn_round()
        else:
            self.sort.choose(by)

    def _refresh(self, _: object = None) -> None:
        samples = self._inspection.samples
        if samples is None:
            return
        held = np.ones(len(samples.rows), bool)
        if self.kind.value() != "all":
            held &= samples.correct == (self.kind.value() == "right")
        if self.labelled.value() not in (None, ANY):
            held &= samples.rows.labels == self.labelled.value()
        if self.said.value() not in (None, ANY):
            held &= samples.scores.winner == self.said.value()
        keys = self._keys(samples)
        rows = np.flatnonzero(held)
        if keys is not None:
            rows = rows[np.argsort(-keys[rows] if self._falling else keys[rows], kind="stable")]
        elif not self._falling:
            rows = rows[::-1]
        self.grid.setVisible(self.view is self.grid)
        self.table.setVisible(self.view is self.table)
        self.stored.setVisible(self.view is self.grid)
        self._show_rows(samples, rows)
        self.head.set_count(f"{len(rows):,}")
        self.nothing.setVisible(not len(rows))
        self.reset.setVisible(len(rows) < len(samples.rows))  # its place is the title's while nothing is filtered
        self._on_image()

    def _on_image(self) -> None:
        if self.view.chosen() != self._inspection.image:
            self.view.choose(self._inspection.image)

    def _on_current(self, current: QModelIndex, _: QModelIndex) -> None:
        if current.isValid() and self.view.images.row_of(current.row()) != self._inspection.image:
            self.image_chosen.emit(self.view.images.row_of(current.row()))

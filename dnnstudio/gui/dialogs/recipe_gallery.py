"""The recipe gallery: search, a list with thumbnails, and the selected recipe with its lesson."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from dnnstudio.core.experiment.data import known_summary
from dnnstudio.core.experiment.recipes import Recipe, list_recipes
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.summary_table import summary_table
from dnnstudio.core.planning.pretraining import trained_experiment
from dnnstudio.core.text import count_of
from dnnstudio.gui.dialogs.stack_drawing import Bar, StackDrawing, bars_of, paint_bar
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import Card, Dialog, label, push_button
from dnnstudio.gui.widgets.charts.copies import keeps_choice
from dnnstudio.gui.widgets.fitted_text import tell_whole

RECIPE_ROLE = int(Qt.ItemDataRole.UserRole) + 1
ITEM_HEIGHT, THUMBNAIL = 64, 48
SIZE = QSize(940, 640)
LIST_WIDTH = 360


def matching_recipes(text: str, recipes: Sequence[Recipe]) -> list[Recipe]:
    """The recipes that mention every word: in the title first, then anywhere (lesson, parts)."""
    words = text.lower().split()
    found = []
    for recipe in recipes:
        title = recipe.title.lower()
        everything = f"{title} {recipe.name} {recipe.teaches} {' '.join(parts_of(recipe.experiment))}".lower()
        if all(word in everything for word in words):
            found.append((not all(word in title for word in words), recipe.order, recipe))
    return [recipe for *_, recipe in sorted(found, key=lambda item: item[:2])]


def parts_of(experiment: Experiment) -> tuple[str, ...]:
    """Data, optimizer, schedule and number of epochs in words."""
    training = experiment.training
    epochs = count_of(training.epochs, "epoch")
    return (
        type(experiment.data.source).label,
        type(experiment.optimizer).label,
        f"{type(experiment.schedule).label} schedule",
        epochs + (", stops early" if training.early_stopping else ""),
    )


class RecipeGallery(Dialog):
    """Asks for a recipe to start from. Typing searches, Up and Down select, Enter accepts."""

    def __init__(self, theme: Theme, recipes: Sequence[Recipe] | None = None, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("recipe_gallery")
        self.setWindowTitle("New from recipe")
        self.setModal(True)
        self.resize(SIZE)
        self.setMinimumSize(720, 480)
        self._theme = theme
        self._recipes = tuple(list_recipes() if recipes is None else recipes)
        self.recipe: Recipe | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(label("New from recipe", Role.DIALOG_TITLE))
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addLayout(self._make_list())
        row.addWidget(self._make_detail(), 1)
        column.addLayout(row, 1)
        column.addLayout(self._make_buttons())
        self._fill("")
        self.search.setFocus()

    def _make_list(self) -> QVBoxLayout:
        self.search = QLineEdit()
        self.search.setObjectName("recipe_search")
        self.search.setAccessibleName("Search the recipes")
        self.search.setPlaceholderText("Search: dropout, SELU, 1cycle…")
        self.search.setToolTip("Every word must be found in the title, in what it teaches, or in its parts.")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._fill)
        self.search.installEventFilter(self)
        self.list = QListWidget()
        keeps_choice(self.list)
        self.list.setObjectName("recipe_list")
        self.list.setAccessibleName("Recipes")
        self.list.setItemDelegate(RecipeDelegate(self._theme, self.list))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.list.setFixedWidth(LIST_WIDTH)
        self.search.setFixedWidth(LIST_WIDTH)
        self.list.currentItemChanged.connect(self._show_current)
        self.list.itemActivated.connect(lambda _: self.accept())
        self.nothing = label("No recipe mentions all of these words.", Role.CAPTION)
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(self.search)
        column.addWidget(self.nothing)
        column.addWidget(self.list, 1)
        return column

    def _make_detail(self) -> QWidget:
        card = Card(self._theme, margin=16)
        self.title = label("", Role.DIALOG_TITLE, wrap=True)
        self.title.setObjectName("recipe_title")
        self.teaches = label("", Role.BODY, wrap=True)
        self.teaches.setObjectName("recipe_teaches")
        self.parts = label("", Role.CAPTION, wrap=True)
        self.drawing = StackDrawing(self._theme)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.drawing.setProperty("role", "clear")
        area.setWidget(self.drawing)
        for widget in (self.title, self.teaches, self.parts):
            card.add(widget)
        card.body.addSpacing(4)
        card.add(area, 1)
        return card

    def _make_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(label("What is open is replaced; you are asked about unsaved changes.", Role.CAPTION))
        row.addStretch(1)
        cancel = push_button("Cancel")
        cancel.setObjectName("cancel")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.start = push_button("Start from this", Role.PRIMARY)
        self.start.setObjectName("start_from_recipe")
        self.start.setDefault(True)
        self.start.clicked.connect(self.accept)
        row.addWidget(cancel)
        row.addWidget(self.start)
        return row

    def _fill(self, text: str) -> None:
        chosen = self.recipe
        self.list.clear()
        for recipe in matching_recipes(text, self._recipes):
            item = QListWidgetItem(recipe.title)
            item.setData(RECIPE_ROLE, (recipe, bars_of(recipe.experiment, together=False)))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{recipe.title}: {recipe.teaches}")
            self.list.addItem(item)
            if recipe is chosen and not text.strip():  # a search selects its first hit
                self.list.setCurrentItem(item)
        self.nothing.setVisible(not self.list.count())
        if self.list.currentRow() < 0 and self.list.count():
            self.list.setCurrentRow(0)
        self._show_current()

    def _show_current(self) -> None:
        item = self.list.currentItem()
        self.recipe = item.data(RECIPE_ROLE)[0] if item is not None else None
        set_reason(self.start, "" if self.recipe is not None else self.nothing.text())
        if self.recipe is None:
            return
        experiment = self.recipe.experiment
        self.title.setText(self.recipe.title)
        self.teaches.setText(self.recipe.teaches)
        known = known_summary(experiment.data)
        count = summary_table(trained_experiment(experiment, known.input_shape if known else None)).count
        self.parts.setText(" · ".join((*parts_of(experiment), count_of(count, "parameter"))))
        self.drawing.show_experiment(experiment)

    def accept(self) -> None:
        if self.recipe is not None:
            super().accept()

    @classmethod
    def ask(cls, theme: Theme, *, parent: QWidget | None) -> Recipe | None:
        """The chosen recipe, or None if the dialog was cancelled."""
        dialog = cls(theme, parent=parent)
        accepted = dialog.exec() == Dialog.DialogCode.Accepted
        recipe = dialog.recipe if accepted else None
        dialog.deleteLater()
        return recipe

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and Down select while the search field keeps the focus."""
        if watched is self.search and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            page = max(self.list.viewport().height() // ITEM_HEIGHT, 1)
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: page, Qt.Key.Key_PageUp: -page}
            step = steps.get(Qt.Key(event.key()))
            if step is not None and self.list.count():
                self.list.setCurrentRow(max(0, min(self.list.currentRow() + step, self.list.count() - 1)))
                return True
        return super().eventFilter(watched, event)


class RecipeDelegate(QStyledItemDelegate):
    """Paints a recipe: a thumbnail of its stack, its title, and its sentence in two lines."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(100, ITEM_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        area: QRect = option.rect
        state: QStyle.StateFlag = option.state
        recipe, bars = index.data(RECIPE_ROLE)
        colors = self._theme.tokens()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        if chosen or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QColor(colors.accent) if chosen else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.accent_soft if chosen else colors.hover))
            painter.drawRoundedRect(QRectF(area).adjusted(0.5, 1.5, -2.5, -1.5), 6, 6)
        self._paint_thumbnail(painter, QRectF(area.left() + 8, area.top() + 8, THUMBNAIL, THUMBNAIL), bars)
        left = area.left() + 8 + THUMBNAIL + 12
        words = QRect(left, area.top() + 7, area.right() - left - 10, 18)
        painter.setFont(self._theme.font(13, painter.font().Weight.Medium))
        painter.setPen(QColor(colors.text))
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, recipe.title)
        font = self._theme.font(11)
        painter.setFont(font)
        painter.setPen(QColor(colors.text2))
        shown = _two_lines(recipe.teaches, QFontMetrics(font), words.width())
        if shown.endswith("…"):
            tell_whole(painter, recipe.teaches, words.adjusted(0, 18, 0, 33), option.widget)
        painter.drawText(
            words.adjusted(0, 18, 0, 33),
            Qt.AlignmentFlag.AlignTop,  # in lines already: wrapped by the painter too, a word may begin a third one
            shown,
        )
        painter.restore()

    def _paint_thumbnail(self, painter: QPainter, area: QRectF, bars: Sequence[Bar]) -> None:
        colors = self._theme.tokens()
        painter.setPen(QColor(colors.border))
        painter.setBrush(QColor(colors.surface))
        painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        inside = area.adjusted(5, 5, -5, -5)
        pitch = min(inside.height() / max(len(bars), 1), 7.0)
        top = inside.center().y() - pitch * len(bars) / 2
        for number, bar in enumerate(bars):
            row = QRectF(inside.left(), top + number * pitch, inside.width(), max(pitch - 1, 1.5))
            paint_bar(painter, row, bar, self._theme, radius=1)


def _two_lines(text: str, metrics: QFontMetrics, width: int) -> str:
    """The text in at most two lines, the second one elided."""
    words, first = text.split(" "), ""
    while words and metrics.horizontalAdvance(f"{first} {words[0]}".strip()) <= width:
        first = f"{first} {words.pop(0)}".strip()
    rest = metrics.elidedText(" ".join(words), Qt.TextElideMode.ElideRight, width)
    return f"{first}\n{rest}" if rest else first

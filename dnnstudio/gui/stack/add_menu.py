"""The menu of layer kinds: grouped, with a sentence on each kind, searched by typing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from dnnstudio.core.experiment.layers import LAYER_KINDS, Layer
from dnnstudio.gui.theme import Role, Theme, icons, set_role
from dnnstudio.gui.theme.roles import set_state
from dnnstudio.gui.widgets.charts.copies import keeps_choice
from dnnstudio.gui.widgets.fitted_text import fitted

KIND_ROLE = int(Qt.ItemDataRole.UserRole) + 1
WIDTH, HEIGHT = 360, 460
KIND_HEIGHT, GROUP_HEIGHT = 46, 26


def matching_kinds(text: str) -> list[type[Layer]]:
    """The layer kinds for a search: names that begin with it first, then those that mention every word."""
    words = text.lower().split()
    ranked = [(_rank(cls, words), cls) for cls in LAYER_KINDS.values()]
    best = sorted((rank, number, cls) for number, (rank, cls) in enumerate(ranked) if rank is not None)
    return [cls for _, _, cls in best]


def _rank(cls: type[Layer], words: Sequence[str]) -> int | None:
    """0 for the start of a name, 1 for inside a name, 2 for the group or the help, None for no match."""
    names = f"{cls.label} {cls.keras_class} {kind_of(cls)}".lower()
    initials = "".join(word[0] for word in cls.label.lower().split())
    everything = f"{names} {initials} {cls.group} {cls.help}".lower()
    if not all(word in everything for word in words):
        return None
    if all(names.startswith(word) or word == initials for word in words):
        return 0
    return 1 if all(word in names for word in words) else 2


def kind_of(cls: type[Layer]) -> str:
    return str(cls.model_fields["kind"].default)


class AddMenu(QFrame):
    """A popup. `chosen` carries the kind of the layer to add."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("add_layer_menu")
        self.setAccessibleName("Add a layer")
        set_role(self, Role.MESSAGE)
        set_state(self, "severity", "news")
        self.search = QLineEdit(self)
        self.search.setObjectName("add_layer_search")
        self.search.setAccessibleName("Search for a layer")
        self.search.setPlaceholderText("Search: dense, batch, dropout…")
        self.search.setClearButtonEnabled(True)
        self.kinds = QListWidget(self)
        keeps_choice(self.kinds)
        self.kinds.setObjectName("add_layer_kinds")
        self.kinds.setAccessibleName("Kinds of layer")
        self.kinds.setItemDelegate(KindDelegate(theme, self.kinds))
        self.kinds.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.kinds.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.kinds.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.kinds.setFocusProxy(self.search)  # whose arrow keys step through the kinds
        set_state(self.kinds, "ring", "elsewhere")
        self.kinds.setMouseTracking(True)
        self.nothing = QLabel("No layer of that name.", self)
        set_role(self.nothing, Role.CAPTION)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.search)
        layout.addWidget(self.nothing)
        layout.addWidget(self.kinds, 1)
        self.setFixedSize(WIDTH, HEIGHT)
        self.search.textChanged.connect(self._fill)
        self.search.returnPressed.connect(self._choose_current)
        self.search.installEventFilter(self)
        self.kinds.itemClicked.connect(self._choose)
        self.kinds.itemEntered.connect(self._hover)
        self._fill("")

    def popup(self, position: QPoint) -> None:
        """Show the menu at a screen position, shifted so that it fits on the screen."""
        screen = QApplication.screenAt(position) or QApplication.primaryScreen()
        area = screen.availableGeometry()
        self.setFixedSize(min(WIDTH, area.width()), min(HEIGHT, area.height()))
        x = max(min(position.x(), area.right() + 1 - self.width()), area.left())
        y = max(min(position.y(), area.bottom() + 1 - self.height()), area.top())
        self.search.clear()
        self._fill("")
        self.move(x, y)
        self.show()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def _fill(self, text: str) -> None:
        self.kinds.clear()
        kinds = matching_kinds(text)
        groups = dict.fromkeys(cls.group for cls in kinds)
        searched = bool(text.strip())
        for group in groups:
            if not searched:
                header = QListWidgetItem(group)
                header.setFlags(Qt.ItemFlag.NoItemFlags)
                self.kinds.addItem(header)
            for cls in kinds:
                if cls.group == group and not searched:
                    self.kinds.addItem(self._item(cls))
        if searched:
            for cls in kinds:
                self.kinds.addItem(self._item(cls))
        self.nothing.setVisible(not kinds)
        self._step(1, start=-1)

    @staticmethod
    def _item(cls: type[Layer]) -> QListWidgetItem:
        item = QListWidgetItem(cls.label)
        item.setData(KIND_ROLE, cls)
        item.setToolTip(cls.help)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{cls.label}: {cls.help}")
        return item

    def _step(self, direction: int, *, start: int | None = None) -> None:
        """Select the next kind in that direction, skipping headings."""
        row = (self.kinds.currentRow() if start is None else start) + direction
        while 0 <= row < self.kinds.count():
            if self.kinds.item(row).data(KIND_ROLE) is not None:
                self.kinds.setCurrentRow(row)
                if row == 1:
                    self.kinds.scrollToTop()
                return
            row += direction

    def _hover(self, item: QListWidgetItem) -> None:
        if item.data(KIND_ROLE) is not None:
            self.kinds.setCurrentItem(item)

    def _choose_current(self) -> None:
        item = self.kinds.currentItem()
        if item is not None:
            self._choose(item)

    def _choose(self, item: QListWidgetItem) -> None:
        cls: type[Layer] | None = item.data(KIND_ROLE)
        if cls is not None:
            self.hide()
            self.chosen.emit(kind_of(cls))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.search and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
            if event.key() in steps:
                self._step(steps[Qt.Key(event.key())])
                return True
        return super().eventFilter(watched, event)


class KindDelegate(QStyledItemDelegate):
    """Paints a heading, or a kind: icon, name, and its sentence."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(100, GROUP_HEIGHT if index.data(KIND_ROLE) is None else KIND_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        area: QRect = option.rect
        state: QStyle.StateFlag = option.state
        colors = self._theme.tokens()
        cls: type[Layer] | None = index.data(KIND_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if cls is None:
            painter.setFont(self._theme.font(11, painter.font().Weight.DemiBold))
            painter.setPen(QColor(colors.text2))
            painter.drawText(area.adjusted(8, 4, 0, 0), Qt.AlignmentFlag.AlignVCenter, str(index.data()))
            painter.restore()
            return
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.accent_soft))
            painter.drawRoundedRect(area.adjusted(0, 1, -2, -1), 6, 6)
        tile = QRect(area.left() + 8, area.top() + 9, 28, 28)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.accent_fill if chosen else colors.inset))
        painter.drawRoundedRect(tile, 6, 6)
        icons.paint(
            painter, tile.adjusted(6, 6, -6, -6), cls.icon, QColor(colors.on_accent if chosen else colors.text2)
        )
        words = QRect(tile.right() + 10, area.top() + 5, area.right() - tile.right() - 22, 18)
        painter.setFont(self._theme.font(13, painter.font().Weight.Medium))
        painter.setPen(QColor(colors.text))
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, cls.label)
        help_font = self._theme.font(11)
        painter.setFont(help_font)
        line = fitted(painter, cls.help, words.translated(0, 17), option.widget)
        painter.setPen(QColor(colors.text2))
        painter.drawText(words.translated(0, 17), Qt.AlignmentFlag.AlignVCenter, line)
        painter.restore()

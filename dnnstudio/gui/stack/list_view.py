"""The list of cards: mouse, keyboard and drag and drop. Every edit goes through `commands`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QMenu, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.stack_commands import MIME_TYPE, StackCommands
from dnnstudio.gui.base.table_text import separator_of
from dnnstudio.gui.stack.commands_table import NO_LAYER, Deed, make_deeds
from dnnstudio.gui.stack.delegate import GAP, OPEN_GAP, CardDelegate, card_height, paint_drop_line
from dnnstudio.gui.stack.model import Index, LayerListModel
from dnnstudio.gui.theme import Theme, set_reason

if TYPE_CHECKING:
    from dnnstudio.core.analysis.transformations import Transformation

GAP_REACH = 3
"""A gap's hover area extends this many pixels into the adjacent cards."""
FEW = 20
"""Up to this many changed cards are repainted individually; with more, the whole viewport is."""
GAP_DELAY_MS = 120
"""How long the pointer must rest on a gap to open it, so that nothing moves when it only passes."""


class LayerList(QListView):
    """The list of cards. `add_requested` carries the index to insert at and the screen position; `failed` a
    `UserError`.
    """

    add_requested = Signal(int, QPoint)
    settings_requested = Signal()
    failed = Signal(object)
    content_height_changed = Signal(int)

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._theme = theme
        self.commands = StackCommands(document)
        self.layers = LayerListModel(document, self)
        self._hovered_gap = -1
        self._waiting_gap = -1
        self._drop_index = -1
        self._open_after = -1
        self._following = False
        self._laid_out = self.layers.heights
        self._gap_timer = QTimer(self, singleShot=True, interval=GAP_DELAY_MS)
        self._gap_timer.timeout.connect(lambda: self._set_hovered_gap(self._waiting_gap))
        self._set_up()
        self.deeds = make_deeds(self.commands, self.ask_to_add, self.edit_name, self.settings_requested.emit)
        self.layers.rename_requested.connect(self._rename)
        self.layers.rowsInserted.connect(self._tell_height)
        self.layers.rowsRemoved.connect(self._tell_height)
        document.selection_changed.connect(self._show_selection)
        document.experiment_changed.connect(self._show_selection)
        theme.changed.connect(self.viewport().update)

    def _set_up(self) -> None:
        self.setObjectName("layer_list")
        self.setAccessibleName("Layers")
        self.setModel(self.layers)
        self._cards = CardDelegate(self._theme, self.layers, self.gap_is_open, self)
        self.setItemDelegate(self._cards)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setDropIndicatorShown(False)
        self.setMouseTracking(True)
        self.verticalScrollBar().setSingleStep(24)

    # ------------------------------------------------------------------------------------------------ doing

    def do(self, name: str) -> None:
        """Run one of the commands; a `UserError` is emitted through `failed`."""
        self.attempt(self.deeds[name].run)

    def attempt(self, deed: Callable[[], None]) -> None:
        """Run `deed`; a `UserError` goes to `failed`."""
        try:
            deed()
        except UserError as error:
            self.failed.emit(error)

    def action(self, name: str, parent: QWidget) -> QAction:
        """A menu action for a command. Its keys are only displayed: the list itself handles them."""
        deed = self.deeds[name]
        action = QAction(deed.text, parent)
        action.setObjectName(name)
        action.setShortcut(QKeySequence(deed.keys[0]))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        set_reason(action, "" if self._document.selection or not deed.needs_selection else NO_LAYER)
        action.triggered.connect(lambda: self.do(name))
        return action

    def ask_to_add(self) -> None:
        """Request the layer menu at the position where the next layer would go."""
        index = self.commands.insertion_index()
        above = self.visualRect(self.layers.index(index - 1)) if index else QRect(0, 0, self.width(), 0)
        self.add_requested.emit(index, self.viewport().mapToGlobal(QPoint(0, min(above.bottom(), self.height()))))

    def edit_name(self) -> None:
        """Open the name editor in the current card."""
        if self._document.selection:
            index = self.layers.index(self.layers.row_of(self._document.selection[-1]))
            self.setCurrentIndex(index)
            self.edit(index)

    def _rename(self, layer_id: str, name: str) -> None:
        self.attempt(lambda: self.commands.rename(layer_id, name))

    # -------------------------------------------------------------------------------------------- selection

    def _show_selection(self, _: object = None) -> None:
        """Show the document's selection in the list."""
        self._following = True
        rows = [self.layers.row_of(layer_id) for layer_id in self._document.selection]  # in the order of the stack
        rows = [row for row in rows if row >= 0]
        current = rows[-1] if rows else -1
        model = self.selectionModel()
        shown = sorted(row for part in model.selection().toList() for row in range(part.top(), part.bottom() + 1))
        self._set_open_after(current)  # before Qt queries the cards' positions, or they would be laid out twice
        if rows != shown:
            selection = QItemSelection()
            for row in rows:
                selection.select(self.layers.index(row), self.layers.index(row))
            model.select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if current >= 0 and not model.isSelected(self.currentIndex()):
            model.setCurrentIndex(self.layers.index(current), QItemSelectionModel.SelectionFlag.NoUpdate)
            self.scrollTo(self.layers.index(current))
        self._following = False

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        if not self._following and not self.layers.moving:
            rows = self.layers.rows
            self._document.select(rows[index.row()].layer.id for index in self.selectedIndexes())

    # ------------------------------------------------------------------------------------------------- gaps

    def gap_is_open(self, row: int) -> bool:
        """Whether the gap below that card shows the plus: under the pointer, or after the last selected card."""
        return (row == self._hovered_gap or row == self._open_after) and self._drop_index < 0

    def gap_at(self, position: QPoint) -> int:
        """The row whose lower gap is at `position` of the viewport, or -1."""
        for reach in (0, -GAP_REACH):
            index = self.indexAt(position + QPoint(0, reach))
            if index.isValid():
                top = self.visualRect(index).bottom() + 1 - (OPEN_GAP if self.gap_is_open(index.row()) else GAP)
                if position.y() >= top - GAP_REACH:
                    return index.row()
        return -1

    def _set_open_after(self, row: int) -> None:
        if row != self._open_after:
            before, self._open_after = self._open_after, row
            self._resize_gaps(before, row)

    def _set_hovered_gap(self, row: int) -> None:
        self._gap_timer.stop()
        if row != self._hovered_gap:
            before, self._hovered_gap = self._hovered_gap, row
            self._resize_gaps(before, row)

    def _resize_gaps(self, *rows: int) -> None:
        if any(0 <= row < self.layers.rowCount() for row in rows):
            self._resize_cards()

    def _resize_cards(self) -> None:
        self.scheduleDelayedItemsLayout()
        self._tell_height()

    def content_height(self) -> int:
        """The height of the list without scrolling."""
        heights = self.layers.heights
        cards = sum((card_height(lines) + GAP) * heights.count(lines) for lines in set(heights))
        return cards + (OPEN_GAP - GAP) * sum(
            self.gap_is_open(row) for row in {self._hovered_gap, self._open_after} - {-1}
        )

    def _tell_height(self) -> None:
        self._laid_out = self.layers.heights
        self.content_height_changed.emit(self.content_height())

    # ------------------------------------------------------------------------------------------ Qt's events

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)  # an error is wrapped at the width of a card
        self.layers.set_lines(partial(self._cards.problem_lines, width=self.viewport().width()))
        if self.layers.heights != self._laid_out:
            self._resize_cards()

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] = ()) -> None:
        """Qt would lay out and repaint all cards, whatever has changed."""
        if self.layers.heights != self._laid_out:
            super().dataChanged(first, last, roles)
            self._resize_cards()
        elif last.row() - first.row() > FEW:
            QAbstractItemView.dataChanged(self, first, last, roles)
        else:
            for row in range(first.row(), last.row() + 1):
                QAbstractItemView.dataChanged(self, self.layers.index(row), self.layers.index(row), roles)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._deed_of(event):
            event.accept()  # the list has the focus, so its keys come before the window's
            return True
        return super().event(event)

    def _deed_of(self, event: QKeyEvent) -> Deed | None:
        if event.text() == "+":
            return self.deeds["add_layer"]
        pressed = QKeySequence(event.keyCombination())
        return next((deed for deed in self.deeds.values() if pressed in map(QKeySequence, deed.keys)), None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        deed = self._deed_of(event)
        if deed is None:
            super().keyPressEvent(event)
        elif deed.name == "paste_layers" and separator_of(QGuiApplication.clipboard().text()) is not None:
            event.ignore()  # a table, which is for the window
        elif not deed.needs_selection or self._document.selection:
            self.attempt(deed.run)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        gap = self.gap_at(event.position().toPoint())
        if gap >= 0 and self.gap_is_open(gap) and event.button() == Qt.MouseButton.LeftButton:
            self.add_requested.emit(gap + 1, event.globalPosition().toPoint())
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        gap = self.gap_at(event.position().toPoint()) if event.buttons() == Qt.MouseButton.NoButton else -1
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if gap >= 0 else Qt.CursorShape.ArrowCursor)
        if gap == self._hovered_gap:
            self._gap_timer.stop()
        elif gap < 0:
            self._set_hovered_gap(-1)
        elif gap != self._waiting_gap or not self._gap_timer.isActive():
            self._waiting_gap = gap
            self._gap_timer.start()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.indexAt(event.position().toPoint()).isValid() and self.gap_at(event.position().toPoint()) < 0:
            self.edit_name()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._set_hovered_gap(-1)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.setObjectName("layer_menu")
        self.fill_menu(menu)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        place = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self._document.selection:
            place = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).center())
        menu.popup(place)

    def fill_menu(self, menu: QMenu) -> None:
        """Add all commands to `menu`."""
        menu.setToolTipsVisible(True)
        for name, deed in self.deeds.items():
            if deed.separated:
                menu.addSeparator()
            menu.addAction(self.action(name, menu))
        menu.addSeparator()
        menu.addMenu(self._transformation_menu(menu))

    def _transformation_menu(self, parent: QWidget) -> QMenu:
        """The transformations of the whole network, each one undo step."""
        from dnnstudio.core.analysis.transformations import TRANSFORMATIONS

        menu = QMenu("Change the network", parent)
        menu.setObjectName("transformation_menu")
        for transformation in TRANSFORMATIONS:
            action = menu.addAction(transformation.label)
            action.setObjectName(transformation.name)
            action.setToolTip(transformation.help)
            set_reason(action, "" if self._document.selection or not transformation.needs else NO_LAYER)
            action.triggered.connect(partial(self._transform, transformation))
        return menu

    def _transform(self, transformation: Transformation, _checked: bool = False) -> None:
        ids = self._document.selection
        self.attempt(lambda: self.commands.transform(lambda now: transformation.apply(now, ids), transformation.label))

    # ------------------------------------------------------------------------------------------------- drag

    def startDrag(self, supportedActions: Qt.DropAction) -> None:  # noqa: N803 - Qt's name
        indexes = sorted(self.selectedIndexes(), key=lambda index: index.row())
        if not indexes:
            return
        drag = QDrag(self)
        drag.setMimeData(self.layers.mimeData(indexes))
        area = self.visualRect(indexes[0])
        card = area.adjusted(0, 0, 0, card_height(self.layers.heights[indexes[0].row()]) - area.height())
        drag.setPixmap(self.viewport().grab(card))
        drag.setHotSpot(QPoint(24, card.height() // 2))
        drag.exec(supportedActions, Qt.DropAction.MoveAction)
        self._set_drop_index(-1)

    def drop_index_at(self, y: int) -> int:
        """The stack index for layers dropped at height `y` of the viewport."""
        count = self.layers.rowCount()
        index = self.indexAt(QPoint(self.viewport().width() // 2, y))
        if not index.isValid():
            return 0 if y < 0 or not count else count
        area = self.visualRect(index)
        return index.row() + (1 if y > area.top() + card_height(self.layers.heights[index.row()]) // 2 else 0)

    def _set_drop_index(self, index: int) -> None:
        if index != self._drop_index:
            was_dragging, self._drop_index = self._drop_index >= 0, index
            if was_dragging != (index >= 0):
                self._resize_cards()
            self.viewport().update()

    def _accepts(self, event: QDropEvent) -> bool:
        mime = event.mimeData()  # dropped files are handled by the window
        return mime.hasFormat(MIME_TYPE) or (mime.hasText() and not mime.hasUrls())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        super().dragEnterEvent(event)
        if self._accepts(event):
            event.acceptProposedAction()
        else:
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        super().dragMoveEvent(event)  # scrolls at the edges
        if self._accepts(event):
            self._set_drop_index(self.drop_index_at(event.position().toPoint().y()))
            event.acceptProposedAction()
        else:
            event.ignore()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        super().dragLeaveEvent(event)
        self._set_drop_index(-1)

    def dropEvent(self, event: QDropEvent) -> None:
        index = self.drop_index_at(event.position().toPoint().y())
        self._set_drop_index(-1)
        self.stopAutoScroll()
        self.setState(QAbstractItemView.State.NoState)
        copies = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if event.source() is self and not copies:
            self.attempt(lambda: self.commands.move(self._document.selection, index))
        else:
            text = event.mimeData().text()
            self.attempt(lambda: self.commands.paste_text(text, index))
        event.acceptProposedAction()

    def stopAutoScroll(self) -> None:
        """Qt's auto-scroll timer keeps running when `dropEvent` is overridden; toggling the property stops it."""
        self.setAutoScroll(False)
        self.setAutoScroll(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._drop_index < 0:
            return
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        above = self.visualRect(self.layers.index(self._drop_index - 1)) if self._drop_index else QRect()
        y = above.bottom() + 1 - GAP / 2 if self._drop_index else 2
        paint_drop_line(painter, 0, self.viewport().width() - 1, max(min(y, self.viewport().height() - 4), 4),
                        self._theme)  # fmt: skip
        painter.end()

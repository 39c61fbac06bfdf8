"""The runs as a tree: tasks, their rows, and the members of a row of several seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from dnnstudio.core.study.listing import ListedRun
from dnnstudio.gui.run_table.arranging import NAME, STAR, Arranged, Column, Task

Index = QModelIndex | QPersistentModelIndex
RUN_ROLE = Qt.ItemDataRole.UserRole + 1
TASK_ROLE = Qt.ItemDataRole.UserRole + 2
BEST_ROLE = Qt.ItemDataRole.UserRole + 3
"""Whether the cell holds a figure of the best row of its task."""
COLUMN_ROLE = Qt.ItemDataRole.UserRole + 4

Key = tuple[Path, ...] | str
"""What stays the same of a row when the table is arranged anew: a task's name, or the folders behind a row."""


@dataclass(slots=True)
class _Node:
    """A row of the tree, by its place in the list of all; the parent of a task is -1."""

    parent: int
    row: int
    content: Task | ListedRun
    children: list[int] = field(default_factory=list)


class RunTree(QAbstractItemModel):
    """Shows what was arranged. Every change is a new arrangement."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns: tuple[Column, ...] = ()
        self._nodes: list[_Node] = []
        self._tasks: list[int] = []

    def show(self, arranged: Arranged) -> None:
        """Show other content."""
        self.beginResetModel()
        self.columns = arranged.columns
        self._nodes, self._tasks = [], []
        for task in arranged.tasks:
            place = self._add(-1, len(self._tasks), task)
            self._tasks.append(place)
            for row in task.rows:
                self._add_run(place, row)
        self.endResetModel()

    def _add(self, parent: int, row: int, content: Task | ListedRun) -> int:
        self._nodes.append(_Node(parent, row, content))
        return len(self._nodes) - 1

    def _add_run(self, parent: int, run: ListedRun) -> None:
        children = self._nodes[parent].children
        place = self._add(parent, len(children), run)
        children.append(place)
        for member in run.members:
            self._add_run(place, member)

    # ------------------------------------------------------------------------------------------ reading

    def run(self, index: Index) -> ListedRun | None:
        """The run of a row; None for a task."""
        content = self._nodes[index.internalId()].content if index.isValid() else None
        return content if isinstance(content, ListedRun) else None

    def key(self, index: Index) -> Key:
        """The row's key."""
        content = self._nodes[index.internalId()].content
        return content.folders if isinstance(content, ListedRun) else content.name

    def indexes(self) -> Iterator[QModelIndex]:
        """The first cell of every row."""
        for place, node in enumerate(self._nodes):
            yield self.createIndex(node.row, 0, place)

    def tasks(self) -> Iterator[QModelIndex]:
        """The rows of the tasks."""
        for row, place in enumerate(self._tasks):
            yield self.createIndex(row, 0, place)

    def find(self, folder: Path) -> QModelIndex:
        """The row of the run in that folder, or an invalid index."""
        for index in self.indexes():
            run = self.run(index)
            if run is not None and run.folders == (folder,):
                return index
        return QModelIndex()

    def column_of(self, key: str) -> int:
        """The position of a column, or -1."""
        return next((number for number, column in enumerate(self.columns) if column.key == key), -1)

    # ------------------------------------------------------------------------------------------ Qt

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008 - Qt's own default
        places = self._nodes[parent.internalId()].children if parent.isValid() else self._tasks
        if parent.isValid() and parent.column() != 0:
            return QModelIndex()
        if 0 <= row < len(places) and 0 <= column < len(self.columns):
            return self.createIndex(row, column, places[row])
        return QModelIndex()

    def parent(self, index: Index = QModelIndex()) -> Any:  # noqa: B008 - QObject.parent() has no argument
        if not index.isValid():
            return QModelIndex()
        place = self._nodes[index.internalId()].parent
        return QModelIndex() if place < 0 else self.createIndex(self._nodes[place].row, 0, place)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        if not parent.isValid():
            return len(self._tasks)
        return len(self._nodes[parent.internalId()].children) if parent.column() == 0 else 0

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        content, column = self._nodes[index.internalId()].content, self.columns[index.column()]
        if isinstance(content, Task):
            return self._task_data(content, index.column(), role)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.text(content)
            case Qt.ItemDataRole.AccessibleTextRole:
                if column.key == STAR:
                    return "starred" if content.remarks.star else ""
                painted = f", {content.remarks.color}" if column.key == NAME and content.remarks.color else ""
                return f"{column.text(content)}{painted}"
            case Qt.ItemDataRole.ToolTipRole:
                folders = "\n".join(str(folder) for folder in content.folders[:10])
                named = f"{content.name}\n{folders}"
                return content.remarks.note if column.key == "note" else named if column.key == NAME else None
            case Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
                return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == RUN_ROLE:
            return content
        if role == COLUMN_ROLE:
            return column
        if role == BEST_ROLE:
            return self._is_best(index, content, column)
        return None

    def _task_data(self, task: Task, column: int, role: int) -> Any:
        if role == TASK_ROLE:
            return task
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) and column == 0:
            return task.name
        return None

    def _is_best(self, index: Index, run: ListedRun, column: Column) -> bool:
        parent = self._nodes[self._nodes[index.internalId()].parent].content
        return column.key in ("best", "last", "test") and isinstance(parent, Task) and parent.best is run

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.title
            case Qt.ItemDataRole.AccessibleTextRole:
                return "Star" if column.key == STAR else column.title
            case Qt.ItemDataRole.ToolTipRole:
                return column.help
            case Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
                return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

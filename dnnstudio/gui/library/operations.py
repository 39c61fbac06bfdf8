"""Operations on models on disk: rename, clone, delete and restore. No widgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.text import listed
from dnnstudio.core.workspace import model_store as shelf
from dnnstudio.core.workspace.catalog import Entry
from dnnstudio.core.workspace.place import place_for_new
from dnnstudio.gui.base.settings import Settings


@dataclass(frozen=True, slots=True)
class Done:
    """A finished operation as a lead and a text; `path` is the model's present path, `undo` reverts it."""

    lead: str
    text: str
    path: Path | None = None
    undo: Callable[[], None] | None = None


class Operations:
    """Operations on the workspace of the settings. Every method raises `UserError`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def workspace(self) -> Path:
        return self._settings.workspace

    def is_guest(self, entry: Entry) -> bool:
        """Whether the model is outside the workspace and listed because it was added."""
        return not entry.path.absolute().is_relative_to(self.workspace.absolute())

    def add(self, path: Path) -> None:
        """List a model file from outside the workspace."""
        self._settings.change_library_files(lambda files: [*files, path])

    def rename(self, entry: Entry, name: str) -> Done:
        """Give a model another name."""
        path = shelf.rename(entry.path, name)
        if path != entry.path and self.is_guest(entry):
            self._settings.change_library_files(lambda files: [path if file == entry.path else file for file in files])
        return Done("Renamed.", f"{entry.name} is called {name.strip()} now.", path)

    def clone(self, entry: Entry) -> Done:
        """Copy a model, architecture and weights, under an unused name."""
        stem = entry.path.stem if entry.kind == "file" else entry.name
        number = 1
        while True:
            name = f"{stem} copy" if number == 1 else f"{stem} copy {number}"
            try:
                path = shelf.clone(place_for_new(self.workspace), entry.path, name)
            except UserError as error:
                if entry.kind == "run" or error.code is not Code.NAME_TAKEN or number >= 999:
                    raise
                number += 1
                continue
            return Done("Cloned.", f"{name} has the same layers and weights, and shares nothing.", path)

    def delete(self, entry: Entry) -> Done:
        """Move a model to the trash; one outside the workspace is only removed from the list."""
        if self.is_guest(entry):
            self._settings.change_library_files(lambda files: [file for file in files if file != entry.path])
            text = f"{entry.name} is no longer listed; the file stays where it is."
            return Done("Taken off the list.", text, undo=lambda: self.add(entry.path))
        trashed = shelf.move_to_trash(self.workspace, entry.path)
        others = tuple(dict.fromkeys(name for item in entry.layers for name in item.shared_with))
        text = f"{entry.name} lies in the trash folder of the workspace."
        if others:
            text += f" The layers that it shared stay in {listed(others)}."
        return Done("Deleted.", text, undo=lambda: self._restore(trashed))

    def _restore(self, trashed: Path) -> None:
        shelf.restore(self.workspace, trashed)

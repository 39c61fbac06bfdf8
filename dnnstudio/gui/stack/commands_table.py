"""The commands of the stack: one table for the keyboard and the menus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dnnstudio.gui.base.stack_commands import StackCommands


@dataclass(frozen=True, slots=True)
class Deed:
    """A command for keyboard and menu: its label, its keys, and whether it needs selected layers."""

    name: str
    text: str
    keys: tuple[str, ...]
    run: Callable[[], None]
    needs_selection: bool = True
    separated: bool = False
    """Whether a line stands above it in menus."""


def make_deeds(
    do: StackCommands,
    ask_to_add: Callable[[], None],
    edit_name: Callable[[], None],
    show_settings: Callable[[], None],
) -> dict[str, Deed]:
    """All commands by name, in menu order."""
    deeds = (
        Deed("add_layer", "Add layer…", ("Insert", "+"), ask_to_add, needs_selection=False),
        Deed("layer_settings", "Settings", ("Return", "Enter"), show_settings),
        Deed("rename_layer", "Rename", ("F2",), edit_name),
        Deed("duplicate_layers", "Duplicate", ("Ctrl+D",), do.duplicate, separated=True),
        Deed("cut_layers", "Cut", ("Ctrl+X",), do.cut),
        Deed("copy_layers", "Copy", ("Ctrl+C",), do.copy),
        Deed("paste_layers", "Paste", ("Ctrl+V",), do.paste, needs_selection=False),
        Deed("move_layers_up", "Move up", ("Alt+Up",), do.move_up, separated=True),
        Deed("move_layers_down", "Move down", ("Alt+Down",), do.move_down),
        Deed("toggle_layers", "Switch on or off", ("Space", "Ctrl+E"), do.toggle_enabled, separated=True),
        Deed("freeze_layers", "Freeze or unfreeze", ("Ctrl+L",), do.toggle_frozen),
        Deed("remove_layers", "Delete", ("Delete", "Backspace"), do.remove, separated=True),
    )
    return {deed.name: deed for deed in deeds}

"""The commands of the stack: one table for the keyboard and the menus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dnnstudio.gui.base.stack_commands import StackCommands

KEYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "add_layer": ("Add layer…", ("Insert", "+")),
    "layer_settings": ("Settings", ("Return", "Enter")),
    "rename_layer": ("Rename", ("F2",)),
    "duplicate_layers": ("Duplicate", ("Ctrl+D",)),
    "cut_layers": ("Cut", ("Ctrl+X",)),
    "copy_layers": ("Copy", ("Ctrl+C",)),
    "paste_layers": ("Paste", ("Ctrl+V",)),
    "move_layers_up": ("Move up", ("Alt+Up",)),
    "move_layers_down": ("Move down", ("Alt+Down",)),
    "toggle_layers": ("Switch on or off", ("Space", "Ctrl+E")),
    "freeze_layers": ("Freeze or unfreeze", ("Ctrl+K",)),
    "remove_layers": ("Delete", ("Delete", "Backspace")),
}
"""Command → what menus call it, and its keys, of which menus show the first; in menu order."""
NO_LAYER = "No layer is chosen."
"""Why a command on layers is grey."""


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
        Deed("add_layer", *KEYS["add_layer"], ask_to_add, needs_selection=False),
        Deed("layer_settings", *KEYS["layer_settings"], show_settings),
        Deed("rename_layer", *KEYS["rename_layer"], edit_name),
        Deed("duplicate_layers", *KEYS["duplicate_layers"], do.duplicate, separated=True),
        Deed("cut_layers", *KEYS["cut_layers"], do.cut),
        Deed("copy_layers", *KEYS["copy_layers"], do.copy),
        Deed("paste_layers", *KEYS["paste_layers"], do.paste, needs_selection=False),
        Deed("move_layers_up", *KEYS["move_layers_up"], do.move_up, separated=True),
        Deed("move_layers_down", *KEYS["move_layers_down"], do.move_down),
        Deed("toggle_layers", *KEYS["toggle_layers"], do.toggle_enabled, separated=True),
        Deed("freeze_layers", *KEYS["freeze_layers"], do.toggle_frozen),
        Deed("remove_layers", *KEYS["remove_layers"], do.remove, separated=True),
    )
    return {deed.name: deed for deed in deeds}

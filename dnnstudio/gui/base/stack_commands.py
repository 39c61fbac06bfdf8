"""The edits of the stack with their undo names, without widgets: used by the view, the menus and the inspector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication

from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.layers import Layer, WeightedLayer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.text import count_of
from dnnstudio.gui.base.document import Document

MIME_TYPE = "application/x-dnnstudio-layers"
"""Of copied and dragged layers."""
NAME_PATTERN = r"[A-Za-z][A-Za-z0-9_\-]{0,63}"
"""Valid layer names, as in `Layer.id`, for a text field's validator."""


class StackCommands:
    """Commands on the layers of `document`; without `ids`, on the selected ones.

    Raises `UserError` if a text or a name is not valid.
    """

    def __init__(self, document: Document) -> None:
        self._document = document

    # --------------------------------------------------------------------------------- adding and removing

    def after_selection(self) -> int:
        """The index after the last selected layer, else the end."""
        chosen = self._positions(self._document.selection)
        return max(chosen) + 1 if chosen else len(self._experiment.layers)

    def insertion_index(self) -> int:
        """Where a new layer goes: after the last selected one, else the end, but before the output layer."""
        after, output = self.after_selection(), self._output()
        return after if output is None else min(after, output)

    def _output(self) -> int | None:
        """The index of the last layer in use if it answers what the data asks: a unit a class, or one number."""
        summary, layers = self._document.summary, self._experiment.layers
        last = next((index for index in reversed(range(len(layers))) if layers[index].enabled), None)
        if summary is None or last is None:
            return None
        classes = len(summary.class_names)
        answers = {1} if not classes else {1, 2} if classes == 2 else {classes}
        return last if getattr(layers[last], "units", None) in answers else None

    def add(self, kind: str, index: int | None = None) -> None:
        """Insert a new layer of that kind and select it."""
        index = self.insertion_index() if index is None else index
        layer = edits.new_layer(self._experiment, kind)
        after = edits.add_layer(self._experiment, layer, index)
        self._document.push(after, f"Add {layer.id}", select=[layer.id])

    def remove(self, ids: Sequence[str] | None = None) -> None:
        """Delete the layers and select the one that follows."""
        ids = self._ids(ids)
        if not ids:
            return
        first = min(self._positions(ids))
        after = edits.remove_layers(self._experiment, ids)
        rest = [layer.id for layer in after.layers]
        follower = rest[min(first, len(rest) - 1)] if rest else None
        self._document.push(after, f"Delete {names(ids)}", select=[follower] if follower else [])

    def duplicate(self, ids: Sequence[str] | None = None) -> None:
        """Insert copies after the layers and select them."""
        ids = self._ids(ids)
        if ids:
            self._push_new(edits.duplicate_layers(self._experiment, ids), f"Duplicate {names(ids)}")

    # ---------------------------------------------------------------------------------------------- moving

    def move(self, ids: Sequence[str], index: int) -> None:
        """Move the layers before the one now at `index` (the number of layers: to the end)."""
        if ids:
            after = edits.move_layers(self._experiment, ids, index)
            self._document.push(after, f"Move {names(ids)}", f"move {' '.join(ids)}", select=ids)

    def move_up(self) -> None:
        """One place towards the input."""
        places = self._positions(self._document.selection)
        if places and min(places) > 0:
            self.move(self._document.selection, min(places) - 1)

    def move_down(self) -> None:
        """One place towards the output."""
        places = self._positions(self._document.selection)
        if places and max(places) + 1 < len(self._experiment.layers):
            self.move(self._document.selection, max(places) + 2)

    # ------------------------------------------------------------------------------------------- clipboard

    def copy(self, ids: Sequence[str] | None = None) -> None:
        """Copy the layers to the clipboard as JSON text that any window can paste."""
        ids = self._ids(ids)
        if ids:
            text = edits.copy_text(self._experiment, ids)
            mime = QMimeData()
            mime.setText(text)
            mime.setData(MIME_TYPE, text.encode())
            QGuiApplication.clipboard().setMimeData(mime)

    def cut(self) -> None:
        """Copy, then delete."""
        self.copy()
        self.remove()

    def paste(self) -> None:
        """Insert the layers from the clipboard."""
        self.paste_text(QGuiApplication.clipboard().text(), self.after_selection())

    def paste_text(self, text: str, index: int) -> None:
        """Insert the layers in a JSON text. Raises `UserError` if it contains none."""
        self._push_new(edits.paste_text(self._experiment, text, index), "Paste")

    # ------------------------------------------------------------------------------------------- switching

    def toggle_enabled(self, ids: Sequence[str] | None = None) -> None:
        """Enable the layers, or disable them if all are enabled."""
        ids = self._ids(ids)
        layers = self._layers(ids)
        if layers:
            on = not all(layer.enabled for layer in layers)
            after = edits.set_enabled(self._experiment, ids, on)
            self._document.push(after, f"Switch {names(ids)} {'on' if on else 'off'}")

    def toggle_frozen(self, ids: Sequence[str] | None = None) -> None:
        """Freeze the trainable layers, or unfreeze them if all are frozen."""
        layers = [layer for layer in self._layers(self._ids(ids)) if isinstance(layer, WeightedLayer)]
        if layers:
            thaw = all(not layer.trainable for layer in layers)
            chosen = [layer.id for layer in layers]
            after = edits.change_layers(self._experiment, chosen, trainable=thaw)
            self._document.push(after, f"{'Unfreeze' if thaw else 'Freeze'} {names(chosen)}")

    # --------------------------------------------------------------------------------------------- changing

    def rename(self, layer_id: str, name: str) -> None:
        """Rename the layer. Raises `UserError` if the name is in use or not valid."""
        if name != layer_id:
            after = edits.rename_layer(self._experiment, layer_id, name)
            selection = [name if chosen == layer_id else chosen for chosen in self._document.selection]
            self._document.push(after, f"Rename {layer_id} to {name}", select=selection)

    def change(self, ids: Sequence[str], title: str, name: str, value: Any) -> None:
        """Set the field `name`, displayed as `title`, of all these layers in one undo step."""
        after = edits.change_layers(self._experiment, ids, **{name: value})
        self._document.push(after, f"Change {title.lower()} of {names(ids)}", f"{' '.join(ids)}.{name}")

    def replace(self, layer_id: str, layer: Layer) -> None:
        """Replace the layer by another record under the same name."""
        after = edits.set_value(self._experiment, f"layers.{layer_id}", layer)
        self._document.push(after, f"Change {layer_id}", f"{layer_id}.")

    def transform(self, change: Callable[[Experiment], Experiment], text: str) -> None:
        """Apply a function of the whole experiment, such as a fix or a transformation, as one undo step."""
        self._document.push(change(self._experiment), text)

    # ------------------------------------------------------------------------------------------------ inside

    @property
    def _experiment(self) -> Experiment:
        return self._document.experiment

    def _ids(self, ids: Sequence[str] | None) -> tuple[str, ...]:
        return self._document.selection if ids is None else tuple(ids)

    def _layers(self, ids: Sequence[str]) -> list[Layer]:
        wanted = set(ids)
        return [layer for layer in self._experiment.layers if layer.id in wanted]

    def _positions(self, ids: Sequence[str]) -> list[int]:
        wanted = set(ids)
        return [number for number, layer in enumerate(self._experiment.layers) if layer.id in wanted]

    def _push_new(self, after: Experiment, text: str) -> None:
        """Push an experiment with new layers, and select those."""
        before = {layer.id for layer in self._experiment.layers}
        fresh = [layer.id for layer in after.layers if layer.id not in before]
        self._document.push(after, f"{text} {names(fresh)}" if text == "Paste" else text, select=fresh)


def names(ids: Sequence[str]) -> str:
    """The layers as named in an undo step: "dense_1", or "3 layers"."""
    return ids[0] if len(ids) == 1 else count_of(len(ids), "layer")

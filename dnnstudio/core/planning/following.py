"""A network that follows other data: the person's own layers with another output, and what changes, in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from dnnstudio.core.experiment.data import DataSummary, Table
from dnnstudio.core.experiment.layers import Dense, Layer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import infer_shapes
from dnnstudio.core.planning.opening import Opening, opened
from dnnstudio.core.text import count_of

IDX_ENDING = "-ubyte"


def keeping_layers(present: Experiment, proposed: Experiment, summary: DataSummary) -> Experiment | None:
    """`present` on the data of `proposed`: its last layer follows the target, all else stays.

    None where that gives no network that could be trained: the last layer is none that can follow, shapes do not fit,
    or the layers are reused or pretrained for other data. The loss goes back to following the task, and a
    name that was that of the former data becomes that of the new.
    """
    if present.transfer is not None or present.pretraining is not None:
        return None
    active = present.active_layers
    last, wanted = (active[-1] if active else None), proposed.layers[-1]
    if not isinstance(last, Dense) or not isinstance(wanted, Dense):
        return None
    follows = last.replaced(units=wanted.units, activation=wanted.activation)
    layers = tuple(follows if layer.id == last.id else layer for layer in present.layers)
    rows = infer_shapes(layers, summary.input_shape)
    if any(row.error for row in rows) or rows[-1].output_shape != (follows.units,):
        return None  # a Dense layer on pictures as they are answers each of their rows
    followed = opened(present, proposed.replaced(layers=layers), Opening.DATA_FOLLOWED)
    return followed.replaced(name=proposed.name) if is_named_after_data(present) else followed


def is_named_after_data(experiment: Experiment) -> bool:
    """Whether the name is that of the experiment's own data, so that it goes when other data comes."""
    path = experiment.data.source.main_path
    return bool(path) and experiment.name == data_name(path)


def data_name(path: str | PurePath) -> str:
    """The name of an experiment that is made for a file or folder: its own, up to the first full stop.

    IDX files are called alike in every data set, so that their folder names it.
    """
    place = PurePath(path)
    name = place.parent.name if IDX_ENDING in place.name.lower() and place.parent.name else place.name
    return name.split(".")[0] or name


@dataclass(frozen=True, slots=True)
class LayerLine:
    """A layer of the new network in words; `icon` is drawn beside it. `changed` says that it follows the data."""

    icon: str
    title: str
    caption: str
    parameters: int
    width: str
    changed: bool


def _of_several_kinds(experiment: Experiment) -> bool:
    """Whether some inputs of a table stand for categories and the like, which no scaling changes."""
    source = experiment.data.source
    columns = source.columns if isinstance(source, Table) else ()
    return any(one.role == "feature" and (one.kind != "number" or one.indicator) for one in columns)


def layer_lines(before: Experiment, after: Experiment, summary: DataSummary) -> tuple[LayerLine, ...]:
    """The input and the layers of `after` in order, as the network card shows them."""
    shape = " × ".join(f"{side:,}" for side in summary.input_shape)
    what = {"none": ", as stored", "unit": ", 0…1", "standardize": ", standardized"}[after.data.scaling]
    noun = " numbers" if len(summary.input_shape) == 1 else ""
    if _of_several_kinds(after):
        what = ""
    lines = [LayerLine("rows", "Input", f"{shape}{noun}{what}", 0, shape, True)]
    known = {layer.id: layer for layer in before.layers}
    active = after.active_layers
    for row in infer_shapes(active, summary.input_shape):
        layer = row.layer
        is_last = layer is active[-1]
        lines.append(
            LayerLine(
                "target" if is_last else layer.icon,
                "Output" if is_last else layer.label,
                _output_words(summary, layer) if is_last else layer.caption(row.input_shape),
                row.count,
                "" if row.output_shape is None else " × ".join(f"{side:,}" for side in row.output_shape),
                known.get(layer.id) != layer,
            )
        )
    return tuple(lines)


def _output_words(summary: DataSummary, layer: Layer) -> str:
    activation = layer.activation if isinstance(layer, Dense) else ""
    what = count_of(summary.classes, "class") if summary.classes else "a number"
    return f"{what} · {activation}" if activation else what

"""Code of the stack as a `keras.Sequential`, and of the classes that Keras lacks."""

from __future__ import annotations

from collections.abc import Mapping

from dnnstudio.core.experiment.layers import DropoutLayer, Layer, Normalization, Shape, WeightedLayer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.export.borrowed import definitions
from dnnstudio.core.export.code import call, given_arguments, literal

PREAMBLE = 'ops = keras.ops\nPACKAGE = "dnnstudio"'
MONTE_CARLO = '''@keras.saving.register_keras_serializable(package=PACKAGE)
class {name}(keras.layers.{keras_class}):
    """`keras.layers.{keras_class}` that is random while predicting too."""

    def call(self, inputs, training=False):
        del training
        return super().call(inputs, training=True)'''
"""Script code of a dropout layer that stays active during prediction, equivalent to the engine's class."""
ADAPTING = """for place, layer in enumerate(model.layers):
    if isinstance(layer, keras.layers.Normalization):  # measured on the training rows, as they arrive there
        below = keras.Sequential([keras.Input(X_train.shape[1:]), *model.layers[:place]])
        layer.adapt(below.predict(X_train, verbose=0) if place else X_train)"""


def class_lines(experiment: Experiment) -> str:
    """The registered classes of layers that Keras lacks; empty if none is needed."""
    classes = {_class(layer): _class_source(layer) for layer in _stacked(experiment) if _is_own(layer)}
    return "\n\n\n".join([PREAMBLE, *(classes[name] for name in sorted(classes))]) if classes else ""


def network_lines(
    experiment: Experiment, input_shape: Shape, shared: Mapping[str, str] | None = None, *, last: str = ""
) -> str:
    """Code that creates `model`. `shared` maps the ids of shared layers to the source's ids.

    `last` is the code of one more layer.
    """
    parts = [f"keras.Input({literal(input_shape)})"]
    for layer in _stacked(experiment):
        origin = (shared or {}).get(layer.id)
        parts.append(_layer_code(layer) if origin is None else f"source.get_layer({literal(origin)})")
    parts += [last] if last else []
    inner = "".join(f"        {part},\n" for part in parts)
    lines = [f'model = keras.Sequential(\n    [\n{inner}    ],\n    name="network",\n)']
    frozen = [layer.id for layer in _stacked(experiment) if isinstance(layer, WeightedLayer) and not layer.trainable]
    lines += [f"model.get_layer({literal(name)}).trainable = False" for name in frozen]
    if any(isinstance(layer, Normalization) for layer in _stacked(experiment)):
        lines.append(ADAPTING)
    return "\n".join([*lines, "model.summary()"])


def stacked_ids(experiment: Experiment) -> list[str]:
    """The ids of the model's layers."""
    return [layer.id for layer in _stacked(experiment)]


def _stacked(experiment: Experiment) -> list[Layer]:
    return [layer for layer in experiment.active_layers if layer.kind != "input"]


def _class(layer: Layer) -> str:
    """Keras's own class if it is equivalent in a script, such as Normalization, which is adapted once and never
    assigned.
    """
    return layer.keras_class if isinstance(layer, Normalization) else layer.keras_name()


def _layer_code(layer: Layer) -> str:
    name = _class(layer)
    prefix = "" if _is_own(layer) else "keras.layers."
    return call(prefix + name, given_arguments(layer) | {"name": literal(layer.id)}, depth=2)


def _is_own(layer: Layer) -> bool:
    return _class(layer) != layer.keras_class


def _class_source(layer: Layer) -> str:
    """The source text of the class that Keras lacks."""
    name = _class(layer)
    if isinstance(layer, DropoutLayer):
        return MONTE_CARLO.format(name=name, keras_class=layer.keras_class)
    return definitions("layers")[name]

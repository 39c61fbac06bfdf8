"""Augmentation as code: Keras's random layers in front of the training rows, in a `tf.data` pipeline."""

from __future__ import annotations

from collections.abc import Iterator

from dnnstudio.core.experiment.data import AnyAugmentation, PictureAugmentation
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Autoencoder
from dnnstudio.core.export.code import call, literal


def is_augmented(experiment: Experiment) -> bool:
    """Whether the training rows are varied."""
    augmentation = experiment.data.augmentation
    return augmentation is not None and not augmentation.changes_nothing


def augmentation_lines(experiment: Experiment, shape: tuple[int, ...]) -> str:
    """Code that makes `train`, varied batches of `X_train` and `y_train`; empty without augmentation.

    Keras draws anew for every batch; this program draws an epoch's rows at once: alike, though not the same numbers.
    """
    augmentation = experiment.data.augmentation
    if augmentation is None or not is_augmented(experiment):
        return ""
    layers = list(_layers(augmentation, experiment.seed))
    if len(shape) == 2:  # the layers want a channel
        layers = [f"keras.layers.Reshape({(*shape, 1)})", *layers, f"keras.layers.Reshape({shape})"]
    labels = "varied" if isinstance(experiment.pretraining, Autoencoder) else "y"
    rows = "tf.data.Dataset.from_tensor_slices((X_train, y_train))"
    if experiment.training.shuffle:
        rows += f".shuffle(len(X_train), seed={experiment.seed})"
    return "\n".join(
        [
            "lowest, highest = float(X_train.min()), float(X_train.max())",
            "augment = keras.Sequential([",
            *(f"    {layer}," for layer in layers),
            "])",
            "",
            "",
            "def vary(X, y):",
            "    varied = augment(X, training=True)  # validation and test rows never come here",
            f"    return varied, {labels}",
            "",
            "",
            f"train = {rows}",
            f"train = train.batch({experiment.training.batch_size}).map(vary)",
        ]
    )


def _layers(augmentation: AnyAugmentation, seed: int) -> Iterator[str]:
    """The constructors, as `engine.backend.augmentation.layers_of` makes them."""
    if not isinstance(augmentation, PictureAugmentation):
        yield call("keras.layers.GaussianNoise", {"stddev": repr(augmentation.stddev), "seed": str(seed)})
        return
    edges = {"fill_mode": literal(augmentation.fill_mode), "fill_value": "lowest", "seed": str(seed)}
    if augmentation.flip != "none":
        yield call("keras.layers.RandomFlip", {"mode": literal(augmentation.flip), "seed": str(seed)})
    if augmentation.shift:
        share = repr(augmentation.shift)
        yield call("keras.layers.RandomTranslation", {"height_factor": share, "width_factor": share} | edges, depth=1)
    if augmentation.turn:
        yield call("keras.layers.RandomRotation", {"factor": f"{augmentation.turn!r} / 360"} | edges, depth=1)
    if augmentation.zoom:
        yield call("keras.layers.RandomZoom", {"height_factor": repr(augmentation.zoom)} | edges, depth=1)
    if augmentation.contrast:
        given = {"factor": repr(augmentation.contrast), "value_range": "(lowest, highest)", "seed": str(seed)}
        yield call("keras.layers.RandomContrast", given, depth=1)

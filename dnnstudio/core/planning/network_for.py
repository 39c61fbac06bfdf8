"""Proposes a first network for a data set: it trains as it is, and every part of it can be changed afterwards.

It fixes no input shape, so it still fits after columns are added or removed. The sizes are common starting points, not
the result of a search: two hidden layers with ReLU and He initialization, Adam at Keras's rate (a higher one for the
few steps of a small table), and early stopping, which keeps the best weights.
"""

from __future__ import annotations

from collections.abc import Iterator

from dnnstudio.core.experiment.data import Data, DataSummary, Scaling
from dnnstudio.core.experiment.layers import AnyLayer, Conv2D, Dense, Dropout, Flatten, MaxPooling2D, Reshape
from dnnstudio.core.experiment.optimizers import Adam
from dnnstudio.core.experiment.record import LONGEST_NAME, EarlyStopping, Experiment, Training
from dnnstudio.core.experiment.weights import L1L2, HeNormal

STEPS = 3_000
"""Training takes about so many steps, within the bounds of `EPOCHS`."""
EPOCHS = (15, 150)
PATIENCE = 15
FEW_ROWS = 500
L2_OF_NUMBERS = 0.03
"""Holds the weights back where few rows have a number to predict: without it an early stop depends on the luck of the
validation rows. Over six splits of scikit-learn's diabetes data R² was 0.40 to 0.54, and 0.45 to 0.52 with it."""
SMALL_PICTURE = 12
"""Images smaller than this per side get dense layers: convolution and pooling would leave nothing of them."""


def scaling_for(summary: DataSummary) -> Scaling:
    """ "unit" (0…1) for images; "standardize" for tables, whose columns have different units."""
    return "unit" if len(summary.input_shape) > 1 else "standardize"


def network_for(data: Data, summary: DataSummary, *, name: str, seed: int = 42) -> Experiment:
    """An experiment on `data` without problems of severity "error". Its loss is "auto".

    `name` may be as long as a file's: it is cut to what an experiment's may be.
    """
    rows = summary.counts[0] if summary.counts is not None else 1_000
    batch = _batch(rows)
    epochs = min(max(EPOCHS[0], round(STEPS * batch / max(1, rows))), EPOCHS[1])
    return Experiment(
        name=name[:LONGEST_NAME],
        seed=seed,
        data=data.replaced(scaling=scaling_for(summary), target_scaling="none" if summary.classes else "standard"),
        layers=(*_hidden(summary, rows), _output(summary)),
        optimizer=Adam(learning_rate=_rate(summary, rows)),
        training=Training(
            epochs=epochs, batch_size=batch, early_stopping=EarlyStopping(patience=min(PATIENCE, epochs // 2))
        ),
    )


def empty_network(experiment: Experiment, summary: DataSummary | None) -> Experiment:
    """An experiment on the same data with nothing between its input and its output layer; all else as by default.

    Without a summary the data has not been read yet, and there is no output layer either.
    """
    layers: list[AnyLayer] = []
    if summary is not None:
        layers += [Flatten(id="flatten")] if len(summary.input_shape) > 1 else []
        layers += [_output(summary)]
    return Experiment(name="My network", seed=experiment.seed, data=experiment.data, layers=tuple(layers))


def _batch(rows: int) -> int:
    """Batch size from 16 to 128 rows, for about a hundred steps per epoch."""
    batch = 16
    while batch < 128 and rows > batch * 100:
        batch *= 2
    return batch


def _rate(summary: DataSummary, rows: int) -> float:
    return 0.003 if len(summary.input_shape) == 1 and rows < 2_000 else 0.001


def _hidden(summary: DataSummary, rows: int) -> Iterator[AnyLayer]:
    shape = summary.input_shape
    if _is_large_picture(shape):
        yield from _convolutions(shape)
        widths = [64]
    else:
        if len(shape) > 1:
            yield Flatten(id="flatten")
        widths = [32, 16] if rows < FEW_ROWS else [64, 32] if rows < 5_000 else [128, 64]
        if len(shape) > 1:
            widths = [128, 64]
    held = L1L2(l2=L2_OF_NUMBERS) if not summary.classes and len(shape) == 1 and rows < FEW_ROWS else None
    for place, units in enumerate(widths, start=1):
        yield Dense(
            id=f"dense_{place}",
            units=units,
            activation="relu",
            kernel_initializer=HeNormal(),
            kernel_regularizer=held,
        )


def _is_large_picture(shape: tuple[int, ...]) -> bool:
    picture = len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))
    return picture and min(shape[:2]) >= SMALL_PICTURE


def _convolutions(shape: tuple[int, ...]) -> Iterator[AnyLayer]:
    if len(shape) == 2:
        yield Reshape(id="reshape_1", target_shape=(*shape, 1))
    side, filters, place = min(shape[:2]), 32, 1
    while side >= SMALL_PICTURE and place <= 4:
        yield Conv2D(
            id=f"conv_{place}",
            filters=filters,
            kernel_size=(3, 3),
            padding="same",
            activation="relu",
            kernel_initializer=HeNormal(),
        )
        yield MaxPooling2D(id=f"pool_{place}", pool_size=(2, 2))
        side, filters, place = side // 2, min(filters * 2, 128), place + 1
    yield Flatten(id="flatten")
    yield Dropout(id="drop_1", rate=0.25)


def _output(summary: DataSummary) -> Dense:
    """One unit for regression or a binary task, else one per class, with the activation that the task's
    loss expects.
    """
    if not summary.classes:
        return Dense(id="output", units=1)
    return Dense(id="output", units=summary.outputs, activation="sigmoid" if summary.binary else "softmax")

"""Model files made by hand, byte by byte, so that the tests need no Keras to make a hostile one."""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from dnnstudio.engine.model_files.child import answer

if TYPE_CHECKING:
    import keras

Plain = dict[str, Any]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def pytest_configure(config: pytest.Config) -> None:
    # Keras 3.15's variables do not know NumPy 2's copy argument; its own save and clone_model run into it.
    config.addinivalue_line("filterwarnings", "ignore:__array__ implementation doesn't accept:DeprecationWarning")


class Craft:
    """A small valid network, 4 numbers in and 3 out, and ways to spoil it."""

    KERNEL = np.arange(12, dtype=np.float32).reshape(4, 3) / 8
    BIAS = np.array([0.5, -1, 2], np.float32)

    def layer(
        self, class_name: str, name: str = "dense_1", module: str | None = "keras.layers", **config: Any
    ) -> Plain:
        settings = {"name": name, "trainable": True, "dtype": "float32", **config}
        return {"module": module, "class_name": class_name, "config": settings, "registered_name": None}

    def dense(self, name: str = "dense_1", **config: Any) -> Plain:
        return self.layer("Dense", name, **({"units": 3, "activation": "relu"} | config))

    def network(self, *layers: Plain, shape: Sequence[Any] = (None, 4)) -> Plain:
        first = self.layer("InputLayer", "input_layer", batch_shape=list(shape))
        config = {"name": "sequential", "trainable": True, "layers": [first, *(layers or (self.dense(),))]}
        return {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None}

    def weights(self, spoil: Callable[[h5py.File], None] | None = None, **groups: Sequence[Any]) -> bytes:
        """A Keras 3 weights file; by default the arrays of `dense()`."""
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            for name, arrays in (groups or {"dense": (self.KERNEL, self.BIAS)}).items():
                for number, array in enumerate(arrays):
                    file[f"layers/{name}/vars/{number}"] = array
            if spoil is not None:
                spoil(file)
        return buffer.getvalue()

    def keras(self, *layers: Plain, weights: bytes | None = None, config: Any = None, **more: Any) -> bytes:
        """A .keras file. `config` may be text, bytes or plain JSON."""
        if config is None:
            config = self.network(*layers)
        if not isinstance(config, str | bytes):
            config = json.dumps(config)
        members = {
            "metadata.json": json.dumps({"keras_version": "3.15.1"}),
            "config.json": config,
            "model.weights.h5": self.weights() if weights is None else weights,
        }
        return self.archive({name: content for name, content in (members | more).items() if content is not None})

    def archive(self, members: Mapping[str, str | bytes], **options: Any) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", **options) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return buffer.getvalue()

    def h5(
        self,
        *layers: Plain,
        spoil: Callable[[h5py.File], None] | None = None,
        arrays: Mapping[str, Mapping[str, Any]] | None = None,
        config: Any = None,
        version: str = "3.15.1",
    ) -> bytes:
        """A .h5 file as Keras 2 and 3 write it; `arrays` is layer name → {weight name: array}."""
        config = self.network(*layers) if config is None else config
        arrays = (
            {"dense_1": {"dense_1/kernel:0": self.KERNEL, "dense_1/bias:0": self.BIAS}} if arrays is None else arrays
        )
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            file.attrs["model_config"] = config if isinstance(config, str) else json.dumps(config)
            file.attrs["keras_version"] = version
            group = file.create_group("model_weights")
            group.attrs["layer_names"] = [name.encode() for name in arrays]
            for name, items in arrays.items():
                inner = group.create_group(name)
                inner.attrs["weight_names"] = [item.encode() for item in items]
                for item, array in items.items():
                    inner[item] = array
            if spoil is not None:
                spoil(file)
        return buffer.getvalue()


@pytest.fixture(scope="session")
def craft() -> Craft:
    return Craft()


class Tripwire:
    """Notes whatever a file could make the program do, while it is armed."""

    WATCHED = ("import", "exec", "compile", "open", "marshal.", "pickle.", "socket.", "subprocess.", "os.", "ctypes.",
               "shutil.", "urllib.", "code.", "syslog.")  # fmt: skip

    def __init__(self) -> None:
        self.armed = False
        self.events: list[str] = []
        sys.addaudithook(self._notice)

    def _notice(self, event: str, args: tuple[Any, ...]) -> None:
        if self.armed and event.startswith(self.WATCHED):
            self.events.append(f"{event} {args!r:.200}")

    def answer(self, content: bytes, request: str = "") -> Plain:
        """The child's answer, given in this process under watch."""
        self.events.clear()
        self.armed = True
        try:
            header, _ = answer(content, request)
        finally:
            self.armed = False
        return header


@pytest.fixture(scope="session")
def tripwire(craft: Craft) -> Iterator[Tripwire]:
    for content in (craft.keras(), craft.h5(), craft.keras(craft.dense(units=0))):
        answer(content)  # whatever Python imports late, it imports now
    wire = Tripwire()
    yield wire
    wire.armed = False


@pytest.fixture(scope="session")
def chapter_model() -> keras.Sequential:
    """Every kind of array: dense, batch normalization (frozen and not), learnt slopes, convolution, random layers."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((6, 6)),
            layers.Reshape((6, 6, 1), name="reshape"),
            layers.Conv2D(4, 3, name="conv", activation="relu"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(name="flatten"),
            layers.BatchNormalization(name="bn_1", trainable=False),
            layers.Dense(
                5,
                name="dense_1",
                activation="elu",
                kernel_initializer="he_normal",
                kernel_regularizer=keras.regularizers.L2(0.01),
                kernel_constraint=keras.constraints.MaxNorm(1.0),
            ),
            layers.PReLU(name="slope"),
            layers.Dropout(0.2, name="drop_1", seed=7),
            layers.BatchNormalization(name="bn_2"),
            layers.AlphaDropout(0.1, name="alpha"),
            layers.GaussianNoise(0.1, name="noise"),
            layers.Dense(3, name="output", activation="softmax"),
        ]
    )

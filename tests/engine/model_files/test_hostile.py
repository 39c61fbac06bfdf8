"""Files that want to run code, fill the memory, reach out or crash: each is refused by a sentence, nothing happens."""

from __future__ import annotations

import base64
import json
import marshal
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from dnnstudio.engine.model_files.child import answer

Craft = Any  # conftest's; test modules cannot import it
Tripwire = Any
Case = Callable[[Craft], bytes]


def function(module: str, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def bytecode(marker: str) -> list[Any]:
    code = compile(f"lambda x: open({marker!r}, 'w').close() or x", "x", "eval")
    return [base64.b64encode(marshal.dumps(code.co_consts[0])).decode(), None, None]


CODE: dict[str, tuple[Case, str]] = {
    "lambda calls set_max_epochs": (
        lambda c: c.keras(c.layer("Lambda", function=function("keras.config", "set_max_epochs"), arguments={"m": 1})),
        'Layer 2, "dense_1", is a "Lambda", which may run code of its own.',
    ),
    "lambda calls set_floatx": (
        lambda c: c.keras(c.layer("Lambda", function=function("keras.config", "set_floatx"))),
        'is a "Lambda"',
    ),
    "lambda calls set_random_seed": (
        lambda c: c.keras(c.layer("Lambda", function=function("keras.utils", "set_random_seed"))),
        'is a "Lambda"',
    ),
    "lambda calls get_file": (
        lambda c: c.keras(c.layer("Lambda", function=function("keras.utils", "get_file"))),
        'is a "Lambda"',
    ),
    "lambda with bytecode": (
        lambda c: c.keras(
            c.layer("Lambda", function={"class_name": "__lambda__", "config": {"code": bytecode("x")[0]}})
        ),
        'is a "Lambda"',
    ),
    "lambda with bytecode in h5": (
        lambda c: c.h5(c.layer("Lambda", None, None, function=bytecode("x"), function_type="lambda")),
        'is a "Lambda"',
    ),
    "TFSMLayer": (lambda c: c.keras(c.layer("TFSMLayer", filepath="/tmp/saved")), 'is a "TFSMLayer"'),
    "data set as a layer": (
        lambda c: c.keras(c.layer("load_data", module="keras.datasets.mnist")),
        "none of Keras's own layers",
    ),
    "plot_image_gallery": (
        lambda c: c.keras(c.layer("plot_image_gallery", module="keras.visualization")),
        "none of Keras's own layers",
    ),
    "os.system": (lambda c: c.keras(c.layer("system", module="os", command="true")), '"os.system"'),
    "posix.system": (lambda c: c.keras(c.layer("system", module="posix")), '"posix.system"'),
    "builtins.eval": (lambda c: c.keras(c.layer("eval", module="builtins")), '"builtins.eval"'),
    "builtins.exec in h5": (lambda c: c.h5(c.layer("exec", module="builtins")), '"builtins.exec"'),
    "subprocess.Popen": (lambda c: c.keras(c.layer("Popen", module="subprocess", args=["true"])), '"subprocess.Popen"'),
    "keras.src internals": (
        lambda c: c.keras(c.layer("Dense", module="keras.src.layers.core.dense", units=3)),
        '"keras.src.layers.core.dense.Dense"',
    ),
    "dotted class": (lambda c: c.keras(c.layer("os.system")), 'is a "os.system"'),
    "own class": (
        lambda c: c.keras(c.layer("Mine") | {"registered_name": "me>Mine"}),
        "a class of somebody's own. Only Flatten",
    ),
    "own class posing as Dense": (
        lambda c: c.keras(c.dense() | {"registered_name": "evil>Dense"}),
        'is a "evil>Dense"',
    ),
    "dnnstudio class that is none": (lambda c: c.h5(c.layer("dnnstudio>system", None, None)), 'is a "system"'),
    "StringLookup reads a file": (
        lambda c: c.keras(c.layer("StringLookup", vocabulary="/etc/passwd")),
        'is a "StringLookup"',
    ),
    "TextVectorization reads a file": (
        lambda c: c.keras(c.layer("TextVectorization", vocabulary="/etc/passwd")),
        'is a "TextVectorization"',
    ),
    "TorchModuleWrapper": (lambda c: c.keras(c.layer("TorchModuleWrapper", module_="x")), "TorchModuleWrapper"),
    "JaxLayer": (lambda c: c.keras(c.layer("JaxLayer")), "JaxLayer"),
    "FlaxLayer": (lambda c: c.keras(c.layer("FlaxLayer")), "FlaxLayer"),
    "nested model": (lambda c: c.keras(c.network()), "The weights do not fit the network"),
    "activation from os": (lambda c: c.keras(c.dense(activation=function("os", "system"))), "of somebody's own"),
    "activation eval": (lambda c: c.keras(c.dense(activation=function("builtins", "eval"))), "does not know"),
    "activation by name": (lambda c: c.keras(c.dense(activation="os.system")), 'the activation "os.system"'),
    "activation is a Lambda": (
        lambda c: c.keras(c.dense(activation=c.layer("Lambda", function=function("os", "system")))),
        "does not know",
    ),
    "initializer from os": (
        lambda c: c.keras(c.dense(kernel_initializer={"module": "os", "class_name": "system", "config": {}})),
        '"os.system"',
    ),
    "initializer by odd name": (lambda c: c.keras(c.dense(kernel_initializer="__import__")), '"__import__"'),
    "regularizer of one's own": (
        lambda c: c.keras(
            c.dense(kernel_regularizer={"class_name": "Mine", "config": {}, "registered_name": "a>Mine"})
        ),
        "somebody's own",
    ),
    "constraint Lambda": (
        lambda c: c.keras(c.dense(kernel_constraint={"class_name": "Lambda", "config": {}})),
        '"Lambda" as kernel_constraint',
    ),
    "dtype policy of one's own": (
        lambda c: c.keras(
            c.dense(dtype={"class_name": "QuantizedDTypePolicy", "config": {"name": "int8_from_float32"}})
        ),
        "int8_from_float32",
    ),
    "unknown setting": (lambda c: c.keras(c.dense(callback="os.system")), '"callback" set to'),
    "lora": (lambda c: c.keras(c.dense(lora_rank=4)), '"lora_rank" set to "4"'),
    "model is a Functional": (
        lambda c: c.keras(config=c.network() | {"class_name": "Functional"}),
        "does not say which layer is its output",
    ),
    "model class of one's own": (
        lambda c: c.keras(config=c.network() | {"registered_name": "me>Model"}),
        "The model is a",
    ),
    "no layers": (lambda c: c.keras(config={"class_name": "Sequential", "config": {"layers": []}}), "no layers"),
    "layers is text": (lambda c: c.keras(config={"class_name": "Sequential", "config": {"layers": "x"}}), "no layers"),
    "layer is a number": (lambda c: c.keras(config=c.network(7)), "Layer 2"),
    "config is a list": (lambda c: c.keras(c.layer("Dense") | {"config": [1]}), "without settings"),
    "input in the middle": (
        lambda c: c.keras(c.dense(), c.layer("InputLayer", "second", batch_shape=[None, 3])),
        "an input inside the stack",
    ),
    "open size": (lambda c: c.keras(config=c.network(shape=[None, None, 4])), "leaves the size of its rows open"),
    "weights in assets": (lambda c: c.keras(**{"assets/x.txt": "x"}), "does not belong into a model file"),
    "pickle member": (lambda c: c.keras(**{"data.pkl": b"\x80\x04."}), "does not belong into a model file"),
}


@pytest.mark.parametrize("name", CODE)
def test_code_in_a_file_is_named_and_never_run(name: str, craft: Craft, tripwire: Tripwire) -> None:
    make, sentence = CODE[name]
    header = tripwire.answer(make(craft))
    assert sentence in header["error"] + " " + header["hint"]
    assert "bug" not in header
    assert tripwire.events == []


def external_link(target: str) -> Callable[[h5py.Group, str], None]:
    return lambda group, name: group.__setitem__(name, h5py.ExternalLink(target, "/x"))


def external_storage(group: h5py.Group, name: str) -> None:
    group.create_dataset(name, (4, 3), "f4", external=[("/etc/passwd", 0, 48)])


def virtual(group: h5py.Group, name: str) -> None:
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4, 3))
    group.create_virtual_dataset(name, layout)


POINTERS: dict[str, tuple[Callable[[h5py.Group, str], None], str]] = {
    "link to another file": (external_link("/etc/passwd"), "points to another file"),
    "link to a share": (external_link("\\\\server\\share\\x.h5"), "points to another file"),
    "link to a device": (external_link("/dev/zero"), "points to another file"),
    "soft link": (lambda group, name: group.__setitem__(name, h5py.SoftLink("/layers")), "none of Keras's"),
    "external storage": (external_storage, "lies in another file"),
    "virtual array": (virtual, "not stored as Keras stores arrays"),
}
DEPTHS = {"": "at the root", "layers/dense/vars/": "at the arrays", "a/b/c/d/e/f/": "deep down"}


@pytest.mark.parametrize("form", ["keras", "h5", "weights"])
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("kind", POINTERS)
def test_an_array_elsewhere_is_refused_without_looking(
    kind: str, depth: str, form: str, craft: Craft, tripwire: Tripwire
) -> None:
    point, sentence = POINTERS[kind]

    def spoil(file: h5py.File) -> None:
        point(file.require_group(depth) if depth else file, "2")

    content = craft.h5(spoil=spoil) if form == "h5" else craft.weights(spoil)
    header = tripwire.answer(craft.keras(weights=content) if form == "keras" else content)
    assert sentence in header["error"]
    assert tripwire.events == []


def test_a_link_to_a_pipe_does_not_hang(tmp_path: Path, craft: Craft, tripwire: Tripwire) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for content in (craft.h5(spoil=lambda f: external_link(str(pipe))(f, "model_weights/x")),):
        assert "points to another file" in tripwire.answer(content)["error"]
    assert tripwire.events == []


def never_written(file: h5py.File) -> None:
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    space = h5py.h5s.create_simple((2**15, 2**15))
    h5py.h5d.create(file.id, b"layers/dense/vars/2", h5py.h5t.IEEE_F32LE, space, plan)


ARRAYS: dict[str, tuple[Case, str]] = {
    "4 GiB never written": (lambda c: c.keras(weights=c.weights(never_written)), "more than lie in the file"),
    "compressed": (
        lambda c: c.keras(weights=c.weights(lambda f: f.create_dataset("z", (10**8,), "f4", compression="gzip"))),
        "more than lie in the file",
    ),
    "chunked": (
        lambda c: c.keras(weights=c.weights(lambda f: f.create_dataset("z", (10**8,), "f4", chunks=(10**6,)))),
        "more than lie in the file",
    ),
    "integers": (
        lambda c: c.keras(weights=c.weights(dense=(np.ones((4, 3), "i4"), c.BIAS))),
        "int32 numbers instead of floating-point",
    ),
    "texts": (
        lambda c: c.keras(weights=c.weights(dense=(np.full((4, 3), b"x"), c.BIAS))),
        "instead of floating-point",
    ),
    "variable texts": (
        lambda c: c.keras(weights=c.weights(dense=(np.full((4, 3), "x", dtype=h5py.string_dtype()), c.BIAS))),
        "does not hold numbers",
    ),
    "compound": (
        lambda c: c.keras(weights=c.weights(dense=(np.zeros((4, 3), [("a", "f4")]), c.BIAS))),
        "does not hold numbers",
    ),
    "20,001 groups": (
        lambda c: c.keras(weights=c.weights(lambda f: [f.create_group(f"g{n}") for n in range(20_001)] and None)),
        "more than 20,000 entries",
    ),
    "named type": (
        lambda c: c.keras(weights=c.weights(lambda f: f.__setitem__("t", np.dtype("f4")))),
        "something other than arrays",
    ),
    "wrong shape": (lambda c: c.keras(c.dense(units=5)), "kernel of dense_1 is 4 × 3 in the file, but 4 × 5"),
    "missing array": (lambda c: c.keras(weights=c.weights(dense=(c.KERNEL,))), "bias of dense_1 is missing"),
    "array too many": (
        lambda c: c.keras(weights=c.weights(dense=(c.KERNEL, c.BIAS, c.BIAS))),
        "array 2 of dense, which the network does not have",
    ),
    "layer too many": (
        lambda c: c.keras(weights=c.weights(dense=(c.KERNEL, c.BIAS), dense_1=(c.BIAS,))),
        "array 0 of dense_1, which the network does not have",
    ),
    "h5 array too many": (
        lambda c: c.h5(arrays={"dense_1": {"a": c.KERNEL, "b": c.BIAS}, "x": {"y": c.BIAS}}),
        "which the network does not have",
    ),
    "h5 names lead nowhere": (
        lambda c: c.h5(
            spoil=lambda f: f["model_weights/dense_1"].attrs.__setitem__("weight_names", [b"../../x", b"/y"])
        ),
        "is missing in the file",
    ),
    "h5 layer names lead nowhere": (
        lambda c: c.h5(spoil=lambda f: f["model_weights"].attrs.__setitem__("layer_names", [b".."])),
        "has no group",
    ),
    "h5 layer names are numbers": (
        lambda c: c.h5(spoil=lambda f: f["model_weights"].attrs.__setitem__("layer_names", np.arange(3))),
        "is no text",
    ),
    "h5 config is a number": (
        lambda c: c.h5(spoil=lambda f: f.attrs.__setitem__("model_config", 7)),
        "is no text",
    ),
    "weights only": (lambda c: c.weights(), "holds weights only"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_lie_are_refused_before_they_are_read(name: str, craft: Craft, tripwire: Tripwire) -> None:
    make, sentence = ARRAYS[name]
    header = tripwire.answer(make(craft))
    assert sentence in header["error"]
    assert "bug" not in header
    assert tripwire.events == []


def test_the_tripwire_notices(tripwire: Tripwire, craft: Craft) -> None:
    tripwire.armed = True
    try:
        marshal.loads(b"N")
        Path(os.devnull).open("rb").close()
    finally:
        tripwire.armed = False
    assert [event.split()[0] for event in tripwire.events] == ["marshal.loads", "open"]


def test_the_table_is_as_long_as_promised() -> None:
    assert len(CODE) + len(ARRAYS) + len(POINTERS) * len(DEPTHS) * 3 >= 60


def test_a_cycle_of_hard_links_ends(craft: Craft, tripwire: Tripwire) -> None:
    def spoil(file: h5py.File) -> None:
        file["layers/dense/again"] = file["layers"]

    header = tripwire.answer(craft.keras(weights=craft.weights(spoil)))
    assert header["layers"][0]["id"] == "dense_1"


def test_many_names_for_one_array_do_not_multiply_it(craft: Craft) -> None:
    def spoil(file: h5py.File) -> None:
        big = file.create_dataset("big", data=np.zeros(250_000, "f4"))
        for number in range(500):
            file[f"copy{number}"] = big

    content = craft.keras(weights=craft.weights(spoil))
    assert len(content) < 2 * 2**20
    assert "more than lie in the file" in answer(content)[0]["error"]


def test_the_answer_about_a_hostile_file_is_plain_json(craft: Craft) -> None:
    header, arrays = answer(craft.keras(craft.dense(units=0)))
    assert json.loads(json.dumps(header)) == header
    assert arrays == []

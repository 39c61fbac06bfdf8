"""The experiment's file: what is written, what is read, and the sentence for everything that cannot be."""

# ruff: noqa: E501 - a sentence that a person reads stands on one line here
from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import LAYER_KINDS, BatchNormalization, Dense, Flatten
from dnnstudio.core.experiment.optimizers import SGD
from dnnstudio.core.experiment.record import EarlyStopping, Experiment, Training
from dnnstudio.core.experiment.weights import L1L2, HeNormal, MaxNorm

DENSE = {"kind": "dense", "id": "d", "units": 3}
FROM_THE_DESIGN = """{
  "format": 1,
  "name": "Fashion MNIST, tasks A and B",
  "seed": 42,
  "data": {
    "source": {"kind": "fashion_mnist"},
    "classes": {"keep": [0, 1, 2, 3, 4, 7, 8, 9], "positive": null},
    "train_limit": null,
    "validation": {"kind": "first", "count": 5000},
    "scaling": "unit"
  },
  "layers": [
    {"kind": "flatten", "id": "flatten"},
    {"kind": "batch_normalization", "id": "bn_1", "momentum": 0.99, "epsilon": 0.001, "axis": -1},
    {"kind": "dense", "id": "dense_1", "units": 300, "activation": null, "use_bias": false,
     "kernel_initializer": {"kind": "he_normal"}, "kernel_regularizer": {"l1": 0.0, "l2": 0.01},
     "kernel_constraint": {"kind": "max_norm", "max_value": 1.0, "axis": 0}, "trainable": true},
    {"kind": "activation", "id": "act_1", "activation": "elu"},
    {"kind": "dropout", "id": "drop_1", "rate": 0.2, "monte_carlo": false},
    {"kind": "dense", "id": "output", "units": 8, "activation": "softmax"}
  ],
  "loss": "auto",
  "optimizer": {"kind": "sgd", "learning_rate": 0.001, "momentum": 0.9, "nesterov": true, "clipnorm": 1.0},
  "training": {"epochs": 20, "batch_size": 32, "early_stopping": {"patience": 10}}
}"""


def refusal(plain: Any) -> str:
    with pytest.raises(UserError) as caught:
        codec.from_plain(plain, name="a.json")
    return str(caught.value)


def test_the_example_of_the_design_is_read_as_it_says() -> None:
    experiment = codec.from_json(FROM_THE_DESIGN)
    assert [layer.kind for layer in experiment.layers] == [
        "flatten", "batch_normalization", "dense", "activation", "dropout", "dense",
    ]  # fmt: skip
    assert experiment.layers[1] == BatchNormalization(id="bn_1")
    assert experiment.layers[2] == Dense(
        id="dense_1", units=300, use_bias=False, kernel_initializer=HeNormal(), kernel_regularizer=L1L2(l2=0.01),
        kernel_constraint=MaxNorm(max_value=1.0),
    )  # fmt: skip
    assert experiment.optimizer == SGD(learning_rate=0.001, momentum=0.9, nesterov=True, clipnorm=1.0)
    assert experiment.training == Training(epochs=20, early_stopping=EarlyStopping(patience=10))
    assert experiment.data.classes.keep == (0, 1, 2, 3, 4, 7, 8, 9)
    assert codec.from_json(codec.to_json(experiment)) == experiment


def test_what_is_off_or_an_advanced_default_is_not_written() -> None:
    plain = codec.to_plain(Dense(id="d", units=3))
    assert plain == {
        "kind": "dense", "id": "d", "trainable": True, "units": 3, "use_bias": True,
        "kernel_initializer": {"kind": "glorot_uniform"},
    }  # fmt: skip
    assert list(plain)[:2] == ["kind", "id"]
    assert codec.to_plain(Dense(id="d", units=3, enabled=False))["enabled"] is False
    assert "classes" not in codec.to_plain(Experiment())["data"]


def test_the_text_is_short_lined_and_ends_with_a_newline() -> None:
    text = codec.to_json(Experiment(layers=(Flatten(id="flat"), Dense(id="d", units=3)), name="Größe ≥ 3"))
    assert text.endswith("}\n")
    assert '    {"kind": "flatten", "id": "flat"},\n' in text
    assert '"name": "Größe ≥ 3"' in text
    assert max(map(len, text.splitlines())) <= codec.WIDTH


def test_a_file_is_written_whole_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "experiment.json"
    experiment = Experiment(layers=(Flatten(id="flat"),), seed=7)
    codec.save(experiment, path)
    assert codec.load(path) == experiment
    assert [entry.name for entry in tmp_path.iterdir()] == ["experiment.json"]


def test_a_byte_order_mark_and_utf_16_are_read() -> None:
    text = codec.to_json(Experiment(name="Größe"))
    for encoding in ("utf-8-sig", "utf-16"):
        assert codec.from_json(text.encode(encoding)).name == "Größe"


@pytest.mark.parametrize(
    ("plain", "sentence"),
    [
        ({"layers": [DENSE | {"units": -3}]}, "layers[0].units is -3; it must be at least 1 and at most 1,000,000, such as 100."),
        ({"layers": [{"kind": "dropout", "id": "d", "rate": 1.2}]}, "layers[0].rate is 1.2; it must be at least 0 and below 1, such as 0.2."),
        ({"layers": [{"kind": "dropout", "id": "d"}]}, "layers[0].rate is missing. Add it."),
        ({"layers": [DENSE | {"unit": 3}]}, 'layers[0].unit is not a known key. Did you mean "units"?'),
        ({"nam": "x"}, 'nam is not a known key. Did you mean "name"?'),
        ({"qqq": "x"}, "qqq is not a known key. Known here: name, seed, data, layers, loss, optimizer, schedule, training, rate_changes, transfer, pretraining."),
        ({"optimizer": {"kind": "sgd", "lr": 0.1}}, "optimizer.lr is an old name. It is learning_rate now."),
        ({"layers": [{"kind": "leaky_relu", "id": "d", "alpha": 0.1}]}, "layers[0].alpha is an old name. It is negative_slope now."),
        ({"optimizer": {"kind": "sgdd"}}, 'optimizer.kind is "sgdd"; it must be one of sgd, adagrad, adadelta, rmsprop, adam, adamw, adamax, nadam, lion, muon. Did you mean "sgd"?'),
        ({"layers": [{"id": "d"}]}, 'layers[0] has no kind. Add one, such as {"kind": "input"}.'),
        ({"layers": [5]}, "layers[0] is 5; it must be an object in braces."),
        ({"layers": {}}, "layers is {}; it must be a list in square brackets."),
        ({"layers": [DENSE | {"activation": "rellu"}]}, 'layers[0].activation is "rellu"; it must be one of linear, relu, relu6, leaky_relu, elu, selu, celu, gelu, silu, mish, tanh, sigmoid, softmax, softplus, softsign, exponential and 13 more. Did you mean "relu"?'),
        ({"layers": [DENSE | {"kernel_initializer": "he_normal"}]}, 'layers[0].kernel_initializer is "he_normal"; it must be an object in braces. Write {"kind": "he_normal"}.'),
        ({"layers": [DENSE | {"kernel_initializer": {"kind": "constant", "vlaue": 1}}]}, 'layers[0].kernel_initializer.vlaue is not a known key. Did you mean "value"?'),
        ({"schedule": {"kind": "constant", "value": 1}}, "schedule.value is not a known key. Known here: kind, warmup."),
        ({"layers": [DENSE | {"kernel_regularizer": {"kind": "l3"}}]}, 'layers[0].kernel_regularizer.kind is "l3"; it must be one of l1_l2, orthogonal.'),
        ({"layers": [DENSE | {"kernel_regularizer": {"l2": -1}}]}, "layers[0].kernel_regularizer.l2 is -1; it must be at least 0."),
        ({"layers": [DENSE | {"kernel_constraint": {"kind": "max_norm", "axis": 0.5}}]}, "layers[0].kernel_constraint.axis is 0.5; it must be a whole number or a list in square brackets."),
        ({"layers": [DENSE | {"kernel_constraint": {"kind": "max_norm", "axis": [0, "1"]}}]}, 'layers[0].kernel_constraint.axis[1] is "1"; it must be a whole number.'),
        ({"layers": [{"kind": "conv2d", "id": "c", "filters": 3, "kernel_size": 3}]}, "layers[0].kernel_size is 3; it must be a list in square brackets."),
        ({"layers": [{"kind": "conv2d", "id": "c", "filters": 3, "kernel_size": [3]}]}, "layers[0].kernel_size[1] is missing. Add it."),
        ({"layers": [{"kind": "conv2d", "id": "c", "filters": 3, "kernel_size": [3, 3, 3]}]}, "layers[0].kernel_size is [3, 3, 3]; it must be a list of at most 2."),
        ({"layers": [DENSE | {"id": "9d"}]}, 'layers[0].id is "9d"; it must be a name that starts with a letter and holds only letters, digits, _ and -.'),
        ({"layers": [DENSE, DENSE]}, 'layers[1].id "d" is taken; each layer needs a name of its own.'),
        ({"layers": [DENSE | {"units": True}]}, "layers[0].units is true; it must be a whole number, such as 100."),
        ({"layers": [DENSE | {"units": 2.5}]}, "layers[0].units is 2.5; it must be a whole number, such as 100."),
        ({"layers": [DENSE | {"units": "7"}]}, 'layers[0].units is "7"; it must be a whole number, such as 100.'),
        ({"layers": [DENSE | {"units": None}]}, "layers[0].units is null; it must be a whole number, such as 100."),
        ({"layers": [DENSE | {"use_bias": 1}]}, "layers[0].use_bias is 1; it must be true or false."),
        ({"layers": [{"kind": "rescaling", "id": "r", "scale": "x"}]}, 'layers[0].scale is "x"; it must be a number, such as 1.'),
        ({"training": {"epochs": 0}}, "training.epochs is 0; it must be at least 1 and at most 100,000, such as 10."),
        ({"training": {"early_stopping": {"patienc": 1}}}, 'training.early_stopping.patienc is not a known key. Did you mean "patience"?'),
        ({"training": 3}, "training is 3; it must be an object in braces."),
        ({"data": {"classes": {"keep": []}}}, "data.classes.keep is []; it must be a list of at least 2."),
        ({"data": {"scaling": "standard"}}, 'data.scaling is "standard"; it must be one of none, unit, standardize. Did you mean "standardize"?'),
        ({"data": {"source": {"kind": "idx"}}}, "data.source.train_images is missing. Add it. (1 more problem.)"),
        ({"optimizer": {"kind": "sgd", "clipnorm": 1.0, "clipvalue": 1.0}}, "Optimizer has clipnorm and clipvalue; at most one clipping may be set."),
        ({"name": 3}, "name is 3; it must be text in quotes."),
        ({"name": "x" * 201}, 'name is "' + "x" * 58 + "…; it must be at most 200 characters long."),
        ({"seed": -1}, "seed is -1; it must be at least 0 and at most 4,294,967,295, such as 42."),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_its_path_and_what_is_expected(plain: Any, sentence: str) -> None:
    assert refusal(plain) == f"a.json: {sentence}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "a.json is empty. Choose a file that holds an experiment."),
        ("{", "a.json is not valid JSON: line 1, column 2: Expecting property name enclosed in double quotes. Mend that line."),
        ("[1]", "a.json holds a list; an experiment is a JSON object, in braces."),
        ("null", "a.json holds null; an experiment is a JSON object, in braces."),
        ("3", "a.json holds a number; an experiment is a JSON object, in braces."),
        ('{"seed": 1, "seed": 2}', 'a.json: the key "seed" stands twice in one object. Remove one of them.'),
        ('{"seed": NaN}', "a.json: NaN is not a number that an experiment can hold. Use a finite number."),
        ('{"seed": 1e400}', "a.json: seed is Infinity; it must be a whole number, such as 42."),
        ('{"seed": ' + "9" * 5000 + "}", "a.json holds a number of thousands of digits. Write a smaller number."),
        ('{"format": 2}', "a.json has format 2, which is newer than this program reads (1). Update dnnstudio."),
        ('{"format": "1"}', "a.json: format is '1'; it must be a whole number. Set it to 1."),
        ('{"format": 0}', "a.json: format is 0; it must be a whole number. Set it to 1."),
        ('{"name": "\\\\ud800"}'.replace("\\\\", "\\"), "a.json: A text in it holds half a character (a lone surrogate)."),
        (b"\\x80".decode("unicode_escape").encode("latin-1"), "a.json is not UTF-8 text. Save it again as UTF-8."),
        ("[" * 100_000, "a.json is nested too deeply. Is it an experiment file?"),
        ('{"layers":' + "[" * 400 + "]" * 400 + "}", "a.json: It is nested too deeply."),
    ],
    ids=range(16),
)  # fmt: skip
def test_a_text_that_is_no_experiment_is_refused_in_one_sentence(text: str | bytes, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        codec.from_json(text, name="a.json")
    assert str(caught.value) == sentence


def test_a_file_that_is_missing_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        codec.load(tmp_path / "missing.json")
    large = tmp_path / "large.json"
    large.write_bytes(b" " * (codec.MAX_BYTES + 1))
    with pytest.raises(UserError, match=r"larger than 4\.2 MB"):
        codec.load(large)


def test_an_older_format_is_upgraded_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The upgrades run on plain dicts, oldest first, and only those that are needed."""
    seen: list[tuple[int, dict[str, Any]]] = []

    def upgrade(number: int) -> Any:
        def apply(plain: dict[str, Any]) -> dict[str, Any]:
            seen.append((number, dict(plain)))
            return plain | {"name": f"from {number}"}

        return apply

    monkeypatch.setattr(codec, "FORMAT", 3)
    monkeypatch.setattr(codec, "UPGRADES", {1: upgrade(1), 2: upgrade(2)})
    with pytest.raises(UserError, match="format is 3"):  # the record itself still holds 1: only the way there is tried
        codec.from_plain({"format": 1, "name": "old"})
    assert seen == [(1, {"format": 1, "name": "old"}), (2, {"format": 1, "name": "from 1"})]
    seen.clear()
    with pytest.raises(UserError, match="format is 3"):
        codec.from_plain({"format": 2})
    assert [number for number, _ in seen] == [2]


def test_the_schema_names_every_kind_and_every_option() -> None:
    schema = json.dumps(Experiment.model_json_schema())
    for kind, cls in LAYER_KINDS.items():
        assert f'"const": "{kind}"' in schema
        assert all(f'"{name}"' in schema for name in cls.model_fields)


@pytest.mark.parametrize(
    "text",
    [
        "{" + ",".join(f'"k{index}": 1' for index in range(70_000)) + "}",
        '{"layers": [' + ",".join(['{"kind": "dense"}'] * 50_000) + "]}",
        '{"layers": [' + ",".join(['{"kind": "densx"}'] * 50_000) + "]}",
        '{"training": {' + ",".join(f'"k{index}": 1' for index in range(70_000)) + "}}",
        '{"' + "x" * 900_000 + '": 1}',
        '{"optimizer": {"kind": "' + "x" * 900_000 + '"}}',
        '{"seed": ' + "9" * 900_000 + "}",
    ],
    ids=["keys", "layers", "kinds", "inner keys", "a long key", "a long kind", "digits"],
)
def test_a_file_below_one_megabyte_is_refused_in_linear_time_by_a_short_sentence(text: str) -> None:
    assert len(text) < 2**20
    begun = time.process_time()
    with pytest.raises(UserError) as caught:
        codec.from_json(text)
    assert time.process_time() - begun < 4  # 80,000 keys took over a minute; measured here: at most 1.3 s
    assert len(str(caught.value)) <= 400


@pytest.mark.parametrize(("name", "begin"), [("m.keras", b"PK\x03\x04"), ("m.h5", b"\x89HDF\r\n\x1a\n")])
def test_a_model_file_is_told_from_a_text_of_another_encoding(tmp_path: Path, name: str, begin: bytes) -> None:
    (tmp_path / name).write_bytes(begin + b"\xff" * 20)
    with pytest.raises(UserError, match=f"{name} is a model file or an archive, and no experiment"):
        codec.load(tmp_path / name)

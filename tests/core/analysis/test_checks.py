"""Every piece of advice appears where it should, not where it should not, and its cure clears it."""

from __future__ import annotations

import ast
import time
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core.analysis import checks
from dnnstudio.core.analysis.checks import find_problems, has_errors
from dnnstudio.core.analysis.checks.problem import Problem
from dnnstudio.core.experiment.data import (
    Classes,
    Csv,
    Data,
    DataSummary,
    Digits,
    FashionMNIST,
    FirstRows,
    Idx,
    ImageFolder,
    Npz,
    PictureAugmentation,
)
from dnnstudio.core.experiment.layers import (
    ELU,
    Activation,
    AlphaDropout,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    GlobalAveragePooling2D,
    Input,
    Layer,
    LeakyReLU,
    MaxPooling2D,
    Normalization,
    PReLU,
    Rescaling,
    Reshape,
)
from dnnstudio.core.experiment.optimizers import SGD, Adam
from dnnstudio.core.experiment.record import EarlyStopping, Experiment, Training
from dnnstudio.core.experiment.schedules import OneCycle
from dnnstudio.core.experiment.weights import (
    L1L2,
    Constant,
    GlorotNormal,
    HeNormal,
    HeUniform,
    Identity,
    LecunNormal,
    MaxNorm,
    Orthogonal,
    OrthogonalRegularizer,
    VarianceScaling,
    Zeros,
)

HE, LECUN = HeNormal(), LecunNormal()
FLAT, OUT, ONE = Flatten(id="flat"), Dense(id="out", units=10, activation="softmax"), Dense(id="out", units=1)
CONV = Conv2D(id="conv", filters=2, kernel_size=(3, 3), activation="relu", kernel_initializer=HE)
NUMBER = DataSummary(input_shape=(8,), class_names=(), binary=False, counts=(800, 100, 100))
BINARY = DataSummary(input_shape=(8, 8), class_names=("no", "yes"), binary=True, counts=(800, 100, 100))
TEN = DataSummary(input_shape=(8, 8), class_names=tuple("0123456789"), binary=False, counts=(1150, 287, 360))
STANDARD = Data(scaling="standardize", target_scaling="standard")


def hidden(name: str = "hid", activation: Any = "relu", **given: Any) -> Dense:
    return Dense(id=name, units=20, activation=activation, **({"kernel_initializer": HE} | given))


def stack(*layers: Layer, **given: Any) -> Experiment:
    return Experiment(layers=layers, **({"data": Data(target_scaling="standard")} | given))


def codes(experiment: Experiment, summary: DataSummary | None = None) -> list[str]:
    return [problem.code for problem in find_problems(experiment, summary)]


def only(experiment: Experiment, summary: DataSummary | None = None) -> Problem:
    """The single problem of an experiment."""
    problems = find_problems(experiment, summary)
    assert len(problems) == 1, [problem.code for problem in problems]
    return problems[0]


def mended(experiment: Experiment, code: str, summary: DataSummary | None = None) -> Experiment:
    """The experiment after the fix of the first problem of this code, which must be gone then."""
    problem = next(problem for problem in find_problems(experiment, summary) if problem.code == code)
    assert problem.fix is not None
    after = problem.fix.apply(experiment)
    assert code not in codes(after, summary)
    return after


GOOD = stack(FLAT, hidden(), OUT)
SELU = hidden("selu", "selu", kernel_initializer=LECUN)
MANY = [Reshape(id=f"r{number}", target_shape=(64,)) for number in range(200)]

# Code, severity, an experiment that has exactly this one problem, what is known of the data, and the layer or field.
CASES: list[tuple[str, str, Experiment, DataSummary | None, str]] = [
    ("no_layers", "error", stack(), None, "layers"),
    ("no_layers", "error", stack(FLAT, Dropout(id="d", rate=0.5)), None, "layers"),
    ("no_layers", "error", stack(FLAT, OUT.replaced(enabled=False)), None, "layers"),
    ("input_place", "error", stack(FLAT, Input(id="in", shape=(64,)), OUT), None, "in"),
    ("input_place", "error", stack(Input(id="a", shape=(8, 8)), Input(id="b", shape=(8, 8)), FLAT, OUT), None, "b"),
    ("shape", "error", stack(Input(id="in", shape=(4, 4)), FLAT, OUT), None, "in"),
    ("shape", "error", stack(FLAT, Reshape(id="re", target_shape=(5, 5)), OUT), None, "re"),
    ("shape", "error", stack(FLAT, BatchNormalization(id="bn", axis=2), OUT), None, "bn"),
    ("shape", "error", stack(CONV, FLAT, OUT), None, "conv"),
    ("shape", "error", stack(FLAT, MaxPooling2D(id="pool"), OUT), None, "pool"),
    ("shape", "error", stack(GlobalAveragePooling2D(id="pool"), OUT), None, "pool"),
    ("shape", "error", stack(Reshape(id="re", target_shape=(8, 8, 1)), MaxPooling2D(id="pool", pool_size=(9, 9)), FLAT,
                             OUT), None, "pool"),
    ("shape", "error", stack(FLAT, hidden(activation=None), PReLU(id="pre", shared_axes=(2,)), OUT), None, "pre"),
    ("too_large", "error", stack(FLAT, Dense(id="big", units=1_000_000, activation="relu", kernel_initializer=HE),
                                 Dense(id="wide", units=1000, activation="relu", kernel_initializer=HE), OUT,
                                 training=Training(early_stopping=EarlyStopping(patience=3))), None, "wide"),
    ("too_many_layers", "error", stack(*MANY, OUT), None, "layers"),
    ("output_not_flat", "error", stack(hidden(), OUT), None, "hid"),
    ("output_not_flat", "error", stack(Reshape(id="re", target_shape=(8, 8, 1)),
                                       Conv2D(id="conv", filters=10, kernel_size=(8, 8), activation="softmax")),
     None, "conv"),
    ("output_units", "error", stack(FLAT, hidden(), OUT.replaced(units=9)), None, "out"),
    ("output_units", "warning", stack(FLAT, hidden(), OUT.replaced(units=11)), None, "out"),
    ("output_units", "error", stack(FLAT, hidden(), OUT.replaced(units=2)), BINARY, "out"),
    ("output_units", "error", stack(hidden(), OUT.replaced(units=3, activation=None)), NUMBER, "out"),
    ("output_activation", "error", stack(FLAT, hidden(), OUT.replaced(activation=None)), None, "out"),
    ("output_activation", "error", stack(FLAT, hidden(), OUT.replaced(activation="tanh")), None, "out"),
    ("output_activation", "error", stack(FLAT, hidden(), OUT.replaced(units=1, activation=None)), BINARY, "out"),
    ("output_activation", "error", stack(FLAT, hidden(), OUT.replaced(units=1, activation="relu")), BINARY, "out"),
    ("output_activation", "warning", stack(hidden(), OUT.replaced(units=1, activation="sigmoid")), NUMBER, "out"),
    ("output_activation", "error", stack(FLAT, hidden(), OUT.replaced(activation=None), ELU(id="elu")), None, "elu"),
    ("sigmoid_classes", "warning", stack(FLAT, hidden(), OUT.replaced(activation="sigmoid")), None, "out"),
    ("softmax_one_unit", "error", stack(FLAT, hidden(), OUT.replaced(units=1)), BINARY, "out"),
    ("softmax_one_unit", "error", stack(Input(id="in", shape=(3,)), hidden(), OUT.replaced(units=1),
                                        data=Data(source=Npz(path="x.npz"))), None, "out"),
    ("loss", "error", stack(FLAT, hidden(), OUT, loss="binary_crossentropy"), None, "loss"),
    ("loss", "error", stack(FLAT, hidden(), OUT, loss="mean_squared_error"), None, "loss"),
    ("loss", "error", stack(hidden(), OUT.replaced(units=1, activation=None), loss="binary_crossentropy"), NUMBER,
     "loss"),
    ("loss", "error", stack(FLAT, hidden(), OUT.replaced(units=1, activation="sigmoid"),
                            loss="sparse_categorical_crossentropy"), BINARY, "loss"),
    ("dropout_after_output", "warning", stack(FLAT, hidden(), OUT, Dropout(id="late", rate=0.5)), None, "late"),
    ("no_file", "error", stack(FLAT, hidden(), OUT, data=Data(source=Npz(path=""))), TEN, "data.source.path"),
    ("half_a_test", "error", stack(FLAT, hidden(), OUT, data=Data(source=Idx(
        train_images="a", train_labels="b", test_images="c"))), TEN, "data.source.test_labels"),
    ("kept_classes", "error", stack(FLAT, hidden(), OUT.replaced(units=3), data=Data(classes=Classes(keep=(1, 2, 1)))),
     None, "data.classes.keep"),
    ("kept_classes", "error", stack(FLAT, hidden(), OUT.replaced(units=3), data=Data(classes=Classes(keep=(1, 2, 10)))),
     None, "data.classes.keep"),
    ("positive_class", "error", stack(FLAT, hidden(), OUT.replaced(units=1, activation="sigmoid"),
                                      data=Data(classes=Classes(keep=(1, 2, 3), positive=4))), None,
     "data.classes.positive"),
    ("classes_of_a_number", "error", stack(hidden(), OUT.replaced(units=1, activation=None), data=Data(
        source=Csv(path="x.csv", target="number"), classes=Classes(keep=(1, 2)), target_scaling="standard")), NUMBER,
     "data.classes.keep"),
    ("nothing_left", "error", stack(FLAT, hidden(), OUT, data=Data(validation=FirstRows(count=1437))), None,
     "data.validation.count"),
    ("unscaled", "warning", stack(FLAT, hidden(), OUT, data=Data(scaling="none")), None, "data.scaling"),
    ("augmented_table", "error", stack(hidden(), OUT, data=Data(augmentation=PictureAugmentation())),
     DataSummary((9,), tuple("0123456789"), False, (800, 100, 100)), "data.augmentation"),
    ("parts_as_classes", "warning", stack(FLAT, hidden(), Dense(id="out", units=3, activation="softmax"),
                                          data=Data(source=ImageFolder(path="p"))),
     DataSummary((28, 28), ("Test", "train", "val"), False, (800, 100, 100)), "data.source"),
    ("selu_initializer", "warning", stack(FLAT, hidden("selu", "selu"), OUT, data=STANDARD), None, "selu"),
    ("selu_initializer", "warning", stack(FLAT, hidden("selu", None), Activation(id="act", activation="selu"), OUT,
                                          data=STANDARD), None, "selu"),
    ("selu_dropout", "warning", stack(FLAT, SELU, Dropout(id="drop", rate=0.1), OUT, data=STANDARD), None, "drop"),
    ("selu_dropout", "warning", stack(FLAT, GaussianDropout(id="drop", rate=0.1), SELU, OUT, data=STANDARD), None,
     "drop"),
    ("selu_scaling", "warning", stack(FLAT, SELU, OUT), None, "data.scaling"),
    ("selu_batch_normalization", "hint", stack(FLAT, SELU, BatchNormalization(id="bn"), OUT, data=STANDARD), None,
     "bn"),
    ("selu_penalty", "hint", stack(FLAT, SELU.replaced(kernel_regularizer=L1L2(l2=0.1)), OUT, data=STANDARD), None,
     "selu"),
    ("selu_penalty", "hint", stack(FLAT, SELU.replaced(kernel_constraint=MaxNorm()), OUT, data=STANDARD), None,
     "selu"),
    ("kernel_alike", "warning", stack(FLAT, hidden(kernel_initializer=Zeros()), OUT), None, "hid"),
    ("kernel_alike", "warning", stack(FLAT, hidden(), OUT.replaced(kernel_initializer=Constant(value=0.1))), None,
     "out"),
    ("relu_initializer", "hint", stack(FLAT, hidden(kernel_initializer=GlorotNormal()), OUT), None, "hid"),
    ("relu_initializer", "hint", stack(FLAT, hidden(activation=None, kernel_initializer=GlorotNormal()),
                                       LeakyReLU(id="leaky"), OUT), None, "hid"),
    ("part_misfit", "error", stack(FLAT, hidden(bias_initializer=Orthogonal()), OUT), None, "hid"),
    ("part_misfit", "error", stack(FLAT, BatchNormalization(id="bn", gamma_initializer=Identity()), hidden(), OUT),
     None, "bn"),
    ("part_misfit", "error", stack(FLAT, hidden(bias_regularizer=OrthogonalRegularizer()), OUT), None, "hid"),
    ("part_misfit", "error", stack(FLAT, hidden(kernel_constraint=MaxNorm(axis=2)), OUT), None, "hid"),
    ("part_misfit", "error", stack(FLAT, hidden(kernel_constraint=MaxNorm(axis=(0, -2))), OUT), None, "hid"),
    ("constraint_axis", "hint", stack(
        Reshape(id="re", target_shape=(8, 8, 1)), Conv2D(id="conv", filters=2, kernel_size=(3, 3), activation="relu",
        kernel_initializer=HE, kernel_constraint=MaxNorm()), FLAT, OUT), None, "conv"),
    ("bias_before_normalization", "hint", stack(FLAT, hidden(activation=None), BatchNormalization(id="bn"),
                                                Activation(id="act", activation="relu"), OUT), None, "hid"),
    ("dropout_before_normalization", "warning", stack(FLAT, hidden(), Dropout(id="drop", rate=0.1),
                                                      BatchNormalization(id="bn"), OUT), None, "drop"),
    ("normalization_axis", "hint", stack(BatchNormalization(id="bn"), FLAT, hidden(), OUT), None, "bn"),
    ("normalization_axis", "hint", stack(Reshape(id="re", target_shape=(8, 8, 1)), BatchNormalization(id="bn", axis=1),
                                         FLAT, hidden(), OUT), None, "bn"),
    ("normalization_axis", "hint", stack(Reshape(id="re", target_shape=(8, 8, 2)),
                                         BatchNormalization(id="bn", axis=(1, 3)), FLAT, hidden(), OUT,
                                         data=Data(source=Csv(path="a"))),
     DataSummary(input_shape=(128,), class_names=tuple("0123456789"), binary=False, counts=(9999, 1, 1)), "bn"),
    ("normalization_axis", "hint", stack(Normalization(id="norm"), FLAT, hidden(), OUT), None, "norm"),
    ("normalization_after_learning", "warning", stack(FLAT, hidden(), Normalization(id="norm"), hidden("two"), OUT),
     None, "norm"),
    ("normalized_twice", "hint", stack(FLAT, Normalization(id="norm"), hidden(), OUT, data=STANDARD), None, "norm"),
    ("flat_already", "hint", stack(FLAT, Flatten(id="again"), hidden(), OUT), None, "again"),
    ("two_activations", "hint", stack(FLAT, hidden(), ELU(id="elu"), OUT), None, "elu"),
    ("two_activations", "hint", stack(FLAT, hidden(activation=None), ELU(id="elu"), LeakyReLU(id="leaky"), OUT), None,
     "leaky"),
    ("no_activation", "warning", stack(FLAT, hidden(activation=None), OUT), None, "hid"),
    ("hidden_softmax", "warning", stack(FLAT, hidden(activation="softmax"), OUT), None, "hid"),
    ("vanishing", "hint", stack(FLAT, *(hidden(f"h{i}", "sigmoid") for i in range(4)), OUT), None, "h0"),
    ("some_monte_carlo", "hint", stack(FLAT, Dropout(id="a", rate=0.1, monte_carlo=True), hidden(),
                                       Dropout(id="b", rate=0.1), OUT), None, "b"),
    ("many_parameters", "hint", stack(FLAT, hidden().replaced(units=1000), OUT, data=Data(train_limit=50)), None,
     "layers"),
    ("frozen", "hint", stack(FLAT, hidden(trainable=False), OUT), None, "hid"),
    ("all_frozen", "error", stack(FLAT, hidden(trainable=False), OUT.replaced(trainable=False)), None, "hid"),
    ("high_rate", "warning", stack(FLAT, hidden(), OUT, optimizer=SGD(learning_rate=2.0)), None,
     "optimizer.learning_rate"),
    ("high_rate", "warning", stack(FLAT, hidden(), OUT, optimizer=Adam(learning_rate=0.5)), None,
     "optimizer.learning_rate"),
    ("high_schedule", "warning", stack(FLAT, hidden(), OUT, schedule=OneCycle(max_rate=9.0)), None, "schedule"),
    ("low_schedule", "warning", stack(FLAT, hidden(), OUT, schedule=OneCycle(max_rate=1e-8)), None, "schedule"),
    ("large_batch", "hint", stack(FLAT, hidden(), OUT, training=Training(batch_size=2000)), None,
     "training.batch_size"),
    ("no_accuracy", "error", stack(hidden(), OUT.replaced(units=1, activation=None), training=Training(
        early_stopping=EarlyStopping(patience=2, monitor="val_accuracy"))), NUMBER, "training.early_stopping.monitor"),
    ("long_patience", "hint", stack(FLAT, hidden(), OUT, training=Training(early_stopping=EarlyStopping(patience=10))),
     None, "training.early_stopping.patience"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "severity", "experiment", "summary", "place"),
    CASES,
    ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)],
)
def test_the_problem_is_found_alone_and_its_fix_clears_it(
    code: str, severity: str, experiment: Experiment, summary: DataSummary | None, place: str
) -> None:
    problem = only(experiment, summary)
    assert (problem.code, problem.severity, problem.place) == (code, severity, place)
    assert has_errors([problem]) is (severity == "error")
    if place in {layer.id for layer in experiment.layers}:
        assert place in problem.layers
    if problem.fix is not None:
        mended(experiment, code, summary)


def codes_in_the_sources() -> set[str]:
    """Every code that some check can give: where it stands in the calls that make a problem."""
    place = {"Problem": 1, "_activation_problem": 2, "_class_problem": 0}
    found: set[str] = set()
    for path in Path(checks.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in place:
                argument = node.args[place[node.func.id]]
                choices = [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]
                found |= {str(item.value) for item in choices if isinstance(item, ast.Constant)}
    return found


def test_every_check_has_a_case() -> None:
    """Advice that no case above shows is advice that nobody has seen."""
    codes, shown = codes_in_the_sources(), {case[0] for case in CASES}
    others = ("test_check_transfer.py", "test_check_targets.py")
    elsewhere = "".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in others)
    assert shown <= codes
    assert {code for code in codes - shown if f'"{code}"' not in elsewhere} == set()


@pytest.mark.parametrize(
    "experiment",
    [
        GOOD,
        stack(FLAT, hidden(kernel_initializer=HeUniform()), OUT),
        stack(FLAT, hidden(kernel_initializer=VarianceScaling(scale=2.0, mode="fan_avg", distribution="uniform")), OUT),
        stack(FLAT, hidden(activation="tanh", kernel_initializer=GlorotNormal()), OUT),
        stack(FLAT, hidden("s", "selu", kernel_initializer=VarianceScaling()), OUT, data=STANDARD),
        stack(FLAT, BatchNormalization(id="bn"), SELU, OUT),
        stack(FLAT, Normalization(id="norm"), SELU, OUT, data=Data(scaling="none")),
        stack(Normalization(id="norm", axis=(1, 2)), BatchNormalization(id="bn", axis=(1, 2)), FLAT, hidden(), OUT),
        stack(Normalization(id="norm", axis=None), FLAT, hidden(), OUT),
        stack(FLAT, SELU, AlphaDropout(id="drop", rate=0.1), OUT, data=STANDARD),
        stack(FLAT, Dropout(id="drop", rate=0.1), hidden(), OUT),
        stack(FLAT, hidden(activation=None, use_bias=False), BatchNormalization(id="bn"), ELU(id="e"), OUT),
        stack(FLAT, hidden(), OUT.replaced(activation=None), Activation(id="act", activation="softmax")),
        stack(Rescaling(id="re", scale=0.01), FLAT, hidden(), OUT, data=Data(scaling="none")),
        stack(FLAT, hidden(activation=None).replaced(enabled=False), hidden("two"), OUT),
        stack(Input(id="in", shape=(8, 8)), FLAT, hidden(), OUT),
        stack(FLAT, hidden(), OUT.replaced(units=2), loss="sparse_categorical_crossentropy",
              data=Data(classes=Classes(keep=(1, 2), positive=1))),
        stack(FLAT, hidden(), OUT, data=Data(source=FashionMNIST(), validation=FirstRows(count=5000))),
    ],
    ids=range(18),
)  # fmt: skip
def test_good_networks_are_left_alone(experiment: Experiment) -> None:
    assert codes(experiment) == []


def test_the_reason_says_what_batch_normalization_averages_over() -> None:
    """On 28 × 28 pixels axis −1 keeps a mean for each column, as the chapter's readers are surprised to learn."""
    before = stack(BatchNormalization(id="bn"), FLAT, hidden(), OUT, data=Data(source=FashionMNIST()))
    problem = only(before)
    assert problem.title == "bn keeps 28 means, one a column."
    assert "all 28 rows" in problem.reason
    assert problem.fix is not None and problem.fix.label == "Keep 784 means, one a pixel"
    after = problem.fix.apply(before)
    assert [layer.id for layer in after.layers] == ["flat", "bn", "hid", "out"]


def test_the_fix_for_an_empty_stack_is_a_network_that_can_be_trained() -> None:
    for summary in (None, BINARY, NUMBER, TEN):
        after = mended(stack(), "no_layers", summary)
        assert codes(after, summary) == []


def test_all_selu_layers_are_named_once_and_mended_together() -> None:
    layers = [hidden(f"h{i}", "selu") for i in range(5)]
    problem = only(stack(FLAT, *layers, OUT, data=STANDARD))
    assert problem.layers == ("h0", "h1", "h2", "h3", "h4")
    assert problem.title == "SELU without LeCun normal: h0, h1 and 3 more."
    after = mended(stack(FLAT, *layers, OUT, data=STANDARD), "selu_initializer")
    assert all(layer.kernel_initializer == LECUN for layer in after.layers[1:6])


def test_alpha_dropout_takes_over_the_rate() -> None:
    before = stack(FLAT, SELU, Dropout(id="drop", rate=0.3, monte_carlo=True), OUT, data=STANDARD)
    after = mended(before, "selu_dropout")
    assert after.layers[2] == AlphaDropout(id="drop", rate=0.3, monte_carlo=True)


def test_a_missing_activation_becomes_the_one_that_the_others_have() -> None:
    before = stack(FLAT, hidden("a", "elu"), hidden("b", "elu"), hidden("c", None), OUT)
    after = mended(before, "no_activation")
    assert after.layers[3] == hidden("c", "elu")


def test_a_convolution_on_grey_images_gets_its_channel() -> None:
    before = stack(
        Conv2D(id="conv", filters=2, kernel_size=(3, 3), activation="relu", kernel_initializer=HE), FLAT, OUT
    )
    after = mended(before, "shape")
    assert after.layers[0] == Reshape(id="reshape_1", target_shape=(8, 8, 1))
    assert codes(after) == []


def test_units_and_activation_of_the_output_are_mended_together() -> None:
    after = mended(stack(FLAT, hidden(), OUT), "output_units", BINARY)
    assert after.layers[-1] == OUT.replaced(units=1, activation="sigmoid")
    assert codes(after, BINARY) == []


def test_parameters_far_above_the_rows_are_fine_once_something_holds_them_back() -> None:
    wide = hidden().replaced(units=1000)
    data = Data(train_limit=50)
    assert codes(stack(FLAT, wide, OUT, data=data)) == ["many_parameters"]
    assert codes(stack(FLAT, wide.replaced(kernel_regularizer=L1L2(l2=0.1)), OUT, data=data)) == []
    assert codes(stack(FLAT, Dropout(id="d", rate=0.2), wide, OUT, data=data)) == []


def test_without_knowledge_of_the_data_nothing_is_said_about_it() -> None:
    unknown = Data(source=Npz(path="x.npz"))
    assert codes(stack(FLAT, hidden(), OUT.replaced(units=3), data=unknown)) == []
    assert codes(stack(FLAT, hidden(), OUT.replaced(units=3), data=Data(source=Digits()))) == ["output_units"]


def test_problems_come_worst_first() -> None:
    messy = stack(
        FLAT, Flatten(id="again"), hidden(activation=None), OUT.replaced(units=9), optimizer=SGD(learning_rate=5.0)
    )
    assert [problem.severity for problem in find_problems(messy)] == ["error", "warning", "warning", "hint"]


def test_a_thousand_layers_are_checked_in_a_blink() -> None:
    """20 ms is the promise on a quiet machine; the best of several tries is what the code can do."""
    kinds = (
        lambda i: hidden(f"d{i}", "selu", kernel_initializer=GlorotNormal()),
        lambda i: BatchNormalization(id=f"b{i}"),
        lambda i: Dropout(id=f"r{i}", rate=0.1),
        lambda i: hidden(f"e{i}", None, kernel_regularizer=L1L2(l2=0.1)),
    )
    experiment = stack(FLAT, *(kinds[i % 4](i) for i in range(1000)), OUT)
    tries = []
    for _ in range(7):
        start = time.perf_counter()
        assert find_problems(experiment)
        tries.append(time.perf_counter() - start)
    assert min(tries) < 0.06, f"{min(tries) * 1000:.0f} ms"

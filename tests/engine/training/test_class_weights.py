"""Class weights: an epoch is that of `model.fit(class_weight=…)`, eagerly and compiled, and figures stay unweighted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, recall_score
from sklearn.utils.class_weight import compute_class_weight

from dnnstudio.core.experiment.layers import BatchNormalization, Dense
from dnnstudio.core.experiment.optimizers import SGD
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.targets.class_weights import BalancedWeights, ClassWeight, OwnWeights
from dnnstudio.core.experiment.weights import L1L2
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.engine.backend.builder import build, to_keras
from dnnstudio.engine.backend.objective import training_objective
from dnnstudio.engine.training.step_loop import StepLoop

from .test_step_loop import BATCH, Batches

Make = Callable[..., Any]
OWN = OwnWeights(weights=(ClassWeight(name="b", weight=5.0), ClassWeight(name="yes", weight=0.25)))


def weighed(experiment: Make, task: str, rule: Any) -> Experiment:
    made: Experiment = experiment(
        BatchNormalization(id="bn"),
        Dense(id="hidden", units=8, activation="relu", kernel_regularizer=L1L2(l2=0.01)),
        outputs=1 if task == "binary" else 3,
        activation="sigmoid" if task == "binary" else "softmax",
        optimizer=SGD(learning_rate=0.1, momentum=0.9),
        training=Training(epochs=2, batch_size=BATCH, class_weight=rule),
    )
    return made


def counted(rows: Make, task: str) -> Any:
    """The rows with the counts of their classes, as reading gives them."""
    data = rows(task)
    counts = np.bincount(data.train.y, minlength=len(data.summary.class_names))
    return replace(data, summary=replace(data.summary, class_counts=tuple(counts.tolist())))


@pytest.mark.parametrize("fast", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("rule", [BalancedWeights(), OWN], ids=["balanced", "own"])
@pytest.mark.parametrize("task", ["classes", "binary"])
def test_an_epoch_is_that_of_fit(task: str, rule: Any, fast: bool, experiment: Make, rows: Make) -> None:
    data = counted(rows, task)
    rule = rule if task == "classes" or rule is not OWN else OwnWeights(weights=OWN.weights[1:])
    rule = OwnWeights(weights=OWN.weights[:1]) if rule is OWN else rule
    given, x, y = weighed(experiment, task, rule), data.train.x, data.train.y
    order = np.random.default_rng(5).permutation(len(x)).astype(np.int32)
    steps = [order[start : start + BATCH] for start in range(0, len(x), BATCH)]

    keras.utils.set_random_seed(3)
    ours = build(given, data.summary.input_shape)
    how = {"batch": BATCH, "compile_from": 0} if fast else {}
    loop = StepLoop(ours, to_keras(given.optimizer), training_objective(given, data.summary), x, y, **how)
    losses = [float(loop.run(batch[None], np.full(1, 0.1)).losses[0]) for batch in steps]

    keras.utils.set_random_seed(3)
    theirs = build(given, data.summary.input_shape)
    loss = "binary_crossentropy" if task == "binary" else "sparse_categorical_crossentropy"
    theirs.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss=loss)
    if isinstance(rule, BalancedWeights):
        weights = dict(enumerate(compute_class_weight("balanced", classes=np.unique(y), y=y).tolist()))
    else:
        weights = {1: rule.weights[0].weight}
    batches = Batches([(x[batch], y[batch]) for batch in steps])
    history = theirs.fit(batches, class_weight=weights, shuffle=False, verbose=0).history
    sizes = np.array([len(batch) for batch in steps])
    assert np.average(losses, weights=sizes) == pytest.approx(history["loss"][0], rel=1e-5)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_weights_are_in_the_loss_of_the_training_alone(recorder: Any, experiment: Make, rows: Make) -> None:
    data = counted(rows, "classes")
    heavy = OwnWeights(weights=tuple(ClassWeight(name=name, weight=100.0) for name in "abc"))
    given = weighed(experiment, "classes", heavy).replaced(optimizer=SGD(learning_rate=1e-12))
    given = given.replaced(layers=given.layers[2:])
    result = recorder.train(given, data)
    row = read_rows(recorder.folder / "history.csv")[-1]
    assert row["loss"] == pytest.approx(100 * result.metrics["train"]["loss"], rel=1e-4)
    assert row["val_loss"] == result.metrics["validation"]["loss"] < 10
    assert row["accuracy"] == pytest.approx(result.metrics["train"]["accuracy"])


def test_the_figures_of_classes_equal_scikit_learn_s(recorder: Any, experiment: Make, rows: Make) -> None:
    data = counted(rows, "classes")
    result = recorder.train(experiment(), data)
    model = keras.models.load_model(recorder.folder / "model.keras")
    for part in ("train", "test"):
        labels = getattr(data, part).y
        said = model.predict(getattr(data, part).x, verbose=0).argmax(axis=1)
        found = result.metrics[part]
        assert found["accuracy"] == pytest.approx(accuracy_score(labels, said), abs=1e-6)
        assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, said), abs=1e-9)
        recalls = recall_score(labels, said, average=None, labels=[0, 1, 2])
        assert [found[f"recall:{name}"] for name in "abc"] == pytest.approx(recalls.tolist(), abs=1e-9)
        usual = int(np.bincount(data.train.y).argmax())
        assert found["majority_baseline"] == np.mean(labels == usual)


def test_other_weights_are_another_training(recorders: Make, experiment: Make, rows: Make) -> None:
    from dnnstudio.core.errors import UserError

    first, second, data = recorders("first"), recorders("second"), counted(rows, "classes")
    given = experiment(training=Training(epochs=2, batch_size=16))
    first.train(given, data, stop_after=1)
    changed = given.replaced(training=given.training.replaced(class_weight=BalancedWeights()))
    with pytest.raises(UserError, match="class weights changed"):
        second.train(changed, data, resume_from=first.folder)

"""Which weight each class has: balanced as in scikit-learn, own by name, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.datasets import load_breast_cancer
from sklearn.utils.class_weight import compute_class_weight

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.targets.class_weights import BalancedWeights, ClassWeight, OwnWeights
from dnnstudio.core.experiment.transfer import Rotation
from dnnstudio.core.planning.class_weights import balanced_weights, class_weights_of

TWO = DataSummary((30,), ("malignant", "benign"), binary=True, class_counts=(212, 357))
NUMBER = DataSummary((30,), (), binary=False)


def given(rule: object) -> Experiment:
    return Experiment(training=Training(class_weight=rule))


def test_balanced_weights_are_scikit_learn_s() -> None:
    labels = load_breast_cancer().target
    expected = compute_class_weight("balanced", classes=np.unique(labels), y=labels)
    found = class_weights_of(given(BalancedWeights()), TWO)
    assert found == pytest.approx(expected.tolist(), rel=1e-12)
    assert found == pytest.approx([1.341981, 0.796919], abs=1e-6)
    assert balanced_weights((3, 0, 1)) == pytest.approx([2 / 3, 1.0, 2.0])


def test_own_weights_go_by_name_and_others_count_once() -> None:
    rule = OwnWeights(weights=(ClassWeight(name="benign", weight=0.5),))
    assert class_weights_of(given(rule), TWO) == (1.0, 0.5)
    assert class_weights_of(given(None), TWO) is None
    assert class_weights_of(given(rule).replaced(pretraining=Rotation(until="one")), TWO) is None


def test_what_cannot_be_weighed_is_refused_in_a_sentence() -> None:
    with pytest.raises(UserError, match="a number is predicted"):
        class_weights_of(given(BalancedWeights()), NUMBER)
    with pytest.raises(UserError, match=r'the class "cat"; the data has malignant and benign\.'):
        class_weights_of(given(OwnWeights(weights=(ClassWeight(name="cat", weight=2.0),))), TWO)
    one = ClassWeight(name="a", weight=0.0)
    with pytest.raises(ValidationError, match="at least one class must count"):
        OwnWeights(weights=(one,))
    with pytest.raises(ValidationError, match='"a" twice'):
        OwnWeights(weights=(one, one))


def test_the_file_keeps_the_weights_and_an_old_one_has_none() -> None:
    rule = OwnWeights(weights=(ClassWeight(name="benign", weight=0.5),))
    plain = codec.to_plain(given(rule))
    assert plain["training"]["class_weight"] == {"kind": "own", "weights": [{"name": "benign", "weight": 0.5}]}
    assert codec.from_plain(plain, name="x") == given(rule)
    assert "class_weight" not in codec.to_plain(given(None))["training"]
    assert "target_scaling" not in codec.to_plain(given(None))["data"]

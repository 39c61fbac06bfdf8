"""Code of what is learnt from the labels: a number in its standardized form, and classes by their weights."""

from __future__ import annotations

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.targets.class_weights import BalancedWeights
from dnnstudio.core.export.code import call, literal
from dnnstudio.core.planning.class_weights import class_weights_of

UNIT = """target_mean = float(y_train.mean(dtype=np.float64))
target_std = float(y_train.std(dtype=np.float64)) or 1.0"""
BALANCED = """counts = np.bincount(y_train)
class_weight = {
    place: len(y_train) / (np.count_nonzero(counts) * count) if count else 1.0
    for place, count in enumerate(counts)
}"""


def learns_standardized(experiment: Experiment, summary: DataSummary) -> bool:
    """Whether the target is standardized; pretraining asks a question of its own."""
    return summary.target_unit is not None and experiment.pretraining is None


def target_lines(experiment: Experiment, summary: DataSummary) -> str:
    """Code of `target_mean`, `target_std` and `loss_weight`; empty where the target is learnt as it is."""
    if not learns_standardized(experiment, summary):
        return ""
    power = "" if experiment.loss == "mean_absolute_error" else "**2"
    return f"{UNIT}\nloss_weight = 1 / target_std{power}  # of the standardized target: rates mean the same in any unit"


def unit_code() -> str:
    """The last layer, which brings answers to the target's own unit."""
    given = {"scale": "target_std", "offset": "target_mean", "name": literal("target_unit")}
    return call("keras.layers.Rescaling", given)


def compiled_with(experiment: Experiment, summary: DataSummary, loss: str, metric: str) -> dict[str, str]:
    """The arguments `loss`, `loss_weights` and `metrics` of `compile`."""
    metrics = [literal(metric)]
    if metric == "mae" and experiment.pretraining is None:
        metrics += ["keras.metrics.RootMeanSquaredError()", "keras.metrics.R2Score()"]
    given = {"loss": literal(loss), "metrics": f"[{', '.join(metrics)}]"}
    if learns_standardized(experiment, summary):
        given["loss_weights"] = "[loss_weight]"
        if loss == "huber":
            given["loss"] = "keras.losses.Huber(delta=target_std)"
    return given


def class_weight_lines(experiment: Experiment, summary: DataSummary) -> str:
    """Code of `class_weight`; empty where all rows count alike. Raises `UserError` as `class_weights_of`."""
    weights = class_weights_of(experiment, summary)
    if weights is None:
        return ""
    if isinstance(experiment.training.class_weight, BalancedWeights):
        return BALANCED
    inner = ", ".join(f"{place}: {literal(weight)}" for place, weight in enumerate(weights))
    return f"class_weight = {{{inner}}}"

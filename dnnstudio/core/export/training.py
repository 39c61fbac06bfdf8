"""Code for compile and fit, once or once per stage, for reused layers, and for the final evaluation."""

from __future__ import annotations

from pathlib import Path

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.layers import WeightedLayer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import OneCycle
from dnnstudio.core.experiment.targets.loss_choice import resolve_loss
from dnnstudio.core.experiment.transfer import Autoencoder, Rotation
from dnnstudio.core.export.augmentation import is_augmented
from dnnstudio.core.export.code import call, given_arguments, literal
from dnnstudio.core.export.network import stacked_ids
from dnnstudio.core.export.rates import callback_lines, rate_code
from dnnstudio.core.export.targets import class_weight_lines, compiled_with, learns_standardized
from dnnstudio.core.planning.stages import Stage, stages
from dnnstudio.core.text import count_of

TURNING = '''
def turned(X, random):
    """Each image turned once, and by how many quarters."""
    quarters = random.permutation(np.arange(len(X)) % 4)
    X = X.copy()
    for count in range(4):
        X[quarters == count] = np.rot90(X[quarters == count], count, axes=(1, 2))
    return X, quarters
'''


def question_lines(experiment: Experiment) -> str:
    """The labels of the pretraining task; empty without pretraining."""
    match experiment.pretraining:
        case Autoencoder():
            return "y_train, y_valid, y_test = X_train, X_valid, X_test  # the labels are not looked at"
        case Rotation():
            parts = ("train", "valid", "test")
            calls = [
                f"X_{part}, y_{part} = turned(X_{part}, np.random.default_rng([{experiment.seed}, {number}]))"
                for number, part in enumerate(parts)
            ]
            return TURNING.strip() + "\n\n\n" + "\n".join(calls)
    return ""


def reuse_lines(experiment: Experiment) -> str:
    """Load the source model; empty without a transfer."""
    transfer = experiment.transfer
    if transfer is None:
        return ""
    source = Path(transfer.source)
    made = f"the run folder or model file that {source.name} was trained into" if source.suffix == ".json" else ""
    place = transfer.source.removesuffix(".json")
    return (
        f"SOURCE = Path({literal(place)})  # {made or 'a run folder or a model file'}\n"
        'source = keras.models.load_model(SOURCE / "model.keras" if SOURCE.is_dir() else SOURCE)'
    )


def clone_lines(experiment: Experiment) -> str:
    """Copy the weights of cloned layers."""
    transfer = experiment.transfer
    cloned = [item for item in transfer.reuse if item.mode == "clone"] if transfer is not None else []
    if not cloned:
        return ""
    pairs = "".join(f"    {literal(item.layer)}: {literal(item.source)},\n" for item in cloned)
    return (
        f"cloned = {{  # layer here: layer of the source\n{pairs}}}\n"
        "for name, origin in cloned.items():\n"
        "    if model.get_layer(name).count_params():\n"
        "        model.get_layer(name).set_weights(source.get_layer(origin).get_weights())"
    )


def training_lines(experiment: Experiment, summary: DataSummary) -> str:
    """Every stage: trainable layers, a new compile, a fit."""
    found = stages(experiment, summary.input_shape)
    loss = resolve_loss(experiment, summary)
    drawn = isinstance(experiment.pretraining, Autoencoder)
    metric = "accuracy" if summary.classes and not drawn else "mae"
    parts: list[str] = []
    schedule = experiment.schedule
    if isinstance(schedule, OneCycle) and schedule.momentum_low is not None:
        parts.append("# The momentum stays: plain Keras has no momentum that mirrors the learning rate.")
    if schedule.adaptive and schedule.warmup is not None:
        parts.append("# No warm-up: Keras cannot lower a rate that a schedule sets.")
    if schedule.adaptive and experiment.rate_changes:
        steps = ", ".join(f"{change.at:g}" for change in experiment.rate_changes)
        parts.append(f"# The rate was changed by hand at step {steps}, which ReduceLROnPlateau cannot follow.")
    for number, stage in enumerate(found, start=1):
        if len(found) > 1:
            parts.append(f"# Phase {number}: {_what_learns(stage)}.")
        parts.append(_stage(experiment, summary, stage, number, loss, metric, several=len(found) > 1))
    return "\n".join(parts)


def ending_lines(experiment: Experiment) -> str:
    """Evaluate on the test part and save the model."""
    lines = ["print(model.evaluate(X_test, y_test, verbose=0, return_dict=True))"]
    if experiment.transfer is not None and experiment.transfer.shared:
        lines.append("# Shared layers are one layer in both networks: the source has changed too, and may be saved.")
    return "\n".join([*lines, 'model.save("model.keras")'])


def _what_learns(stage: Stage) -> str:
    count = len(stage.frozen)
    frozen = f"{count_of(count, 'layer')} frozen" if count else "everything learns"
    return f"{count_of(stage.epochs, 'epoch')}, {frozen}"


def _stage(
    experiment: Experiment, summary: DataSummary, stage: Stage, number: int, loss: str, metric: str, *, several: bool
) -> str:
    training, model, lines = experiment.training, "model", []
    if several:
        own = {layer.id for layer in experiment.layers if isinstance(layer, WeightedLayer) and not layer.trainable}
        names = [name for name in stacked_ids(experiment) if name in stage.frozen | own]
        wanted = f"layer.name not in [{', '.join(literal(name) for name in names)}]" if names else "True"
        lines += ["for layer in model.layers:", f"    layer.trainable = {wanted}"]
    if stage.layers is not None:
        model = "part"
        listed = ", ".join(literal(name) for name in stage.layers)
        lines.append(
            "part = keras.Sequential(\n"
            f"    [keras.Input(X_train.shape[1:]), *(model.get_layer(name) for name in [{listed}])]\n)"
        )
    compiled = {"optimizer": _optimizer(experiment, stage, number)}
    compiled |= compiled_with(experiment, summary, loss, metric)
    lines.append(call(f"{model}.compile", compiled))
    fitted = {
        "epochs": str(stage.epochs),
        "batch_size": str(training.batch_size),
        "validation_data": "(X_valid, y_valid)",
    }
    rows = ["X_train", "y_train"]
    if is_augmented(experiment):  # its batches are made and mixed already
        rows = ["train"]
        del fitted["batch_size"]
    if is_augmented(experiment) or not training.shuffle:
        fitted["shuffle"] = "False"
    if class_weight_lines(experiment, summary):
        fitted["class_weight"] = "class_weight"
    callbacks = callback_lines(experiment, weighs_loss=learns_standardized(experiment, summary))
    if callbacks:
        fitted["callbacks"] = f"[{', '.join(callbacks)}]"
    lines.append("history = " + call(f"{model}.fit", fitted, first=rows))
    return "\n".join(lines)


def _optimizer(experiment: Experiment, stage: Stage, number: int) -> str:
    optimizer = stage.optimizer
    given = given_arguments(optimizer)
    given.pop("learning_rate", None)
    rate = rate_code(experiment, number, optimizer.learning_rate, stage.epochs)
    return call(f"keras.optimizers.{optimizer.keras_class}", {"learning_rate": rate} | given, depth=1)

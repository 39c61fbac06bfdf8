"""Checks of the data section: files not chosen, labels that do not exist, a split without rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dnnstudio.core.analysis.checks.problem import Fix, Problem
from dnnstudio.core.analysis.checks.stack import Stack
from dnnstudio.core.experiment.data import Fraction, Idx, ImageFolder, PictureAugmentation, Pictures, likely_parts
from dnnstudio.core.experiment.edits import set_value
from dnnstudio.core.experiment.fields import field_hint
from dnnstudio.core.experiment.layers import Role, times
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.text import count_of, listed

NORMALIZING = (Role.NORMALIZATION, Role.SCALING)


def check_data(stack: Stack) -> Iterator[Problem]:
    """Check source, classes, split and scaling."""
    yield from _files(stack.experiment)
    yield from _parts_as_classes(stack)
    yield from _classes(stack)
    yield from _split(stack)
    yield from _unscaled(stack)
    yield from _augmentation(stack)


def _files(experiment: Experiment) -> Iterator[Problem]:
    source = experiment.data.source
    for name, field in type(source).model_fields.items():
        if field.is_required() and field_hint(field, "widget") and not getattr(source, name).strip():
            yield Problem(
                "error",
                "no_file",
                f"data.source.{name}",
                f"{field.title}: nothing is chosen yet.",
                f"{type(source).label} needs it: {(field.description or '').rstrip('.').lower()}.",
            )
    if isinstance(source, Idx) and bool(source.test_images) != bool(source.test_labels):
        missing = "test_labels" if source.test_images else "test_images"
        yield Problem(
            "error",
            "half_a_test",
            f"data.source.{missing}",
            f"The test part has {'images but no labels' if source.test_images else 'labels but no images'}.",
            "Both files are needed; with neither, a fifth of the training rows is kept for the test.",
            Fix("Keep a fifth for the test", _without_test_files),
        )


def _parts_as_classes(stack: Stack) -> Iterator[Problem]:
    source, summary = stack.experiment.data.source, stack.summary
    if not isinstance(source, ImageFolder) or summary is None or not likely_parts(summary.class_names):
        return
    pictures = Pictures(path=source.path, height=source.height, width=source.width, color=source.color)
    yield Problem(
        "warning",
        "parts_as_classes",
        "data.source",
        f"The classes are called {listed(summary.class_names)}, as the parts of a data set are.",
        "The network would learn to tell training pictures from the others, not what is in them.",
        Fix("Read the folders as parts", partial(set_value, path="data.source", value=pictures)),
    )


def _without_test_files(experiment: Experiment) -> Experiment:
    experiment = set_value(experiment, "data.source.test_images", None)
    return set_value(experiment, "data.source.test_labels", None)


def _classes(stack: Stack) -> Iterator[Problem]:
    classes, source = stack.experiment.data.classes, stack.experiment.data.source
    if source.predicts_number:
        if classes.keep is not None or classes.positive is not None:
            yield _class_problem(
                "classes_of_a_number",
                "A number is predicted, so there are no classes to choose.",
                "Choose classes only where classes are predicted.",
                Fix("Choose none", partial(set_value, path="data.classes", value={})),
            )
        return
    known = len(source.class_names) or None
    keep = classes.keep
    if keep is not None:
        good = tuple(dict.fromkeys(label for label in keep if label >= 0 and (known is None or label < known)))
        if good != keep:
            twice = next((label for label in keep if keep.count(label) > 1), None)
            bad = next((label for label in keep if label not in good), None)
            title = f"Class {twice} is kept twice." if bad is None else f"There is no class {bad}."
            yield _class_problem(
                "kept_classes",
                title,
                f"Labels go from 0 to {known - 1}, each at most once." if known else "Each label is kept at most once.",
                Fix(
                    "Keep the others" if len(good) > 1 else "Keep all classes",
                    partial(set_value, path="data.classes.keep", value=list(good) if len(good) > 1 else None),
                ),
            )
    positive = classes.positive
    if positive is not None and ((keep is not None and positive not in keep) or (known and positive >= known)):
        yield _class_problem(
            "positive_class",
            f"Class {positive} is to be the positive one, but it does not take part.",
            "The positive class must be one of those that are kept.",
            Fix("Tell all classes apart", partial(set_value, path="data.classes.positive", value=None)),
            "data.classes.positive",
        )


def _class_problem(code: str, title: str, reason: str, fix: Fix, place: str = "data.classes.keep") -> Problem:
    return Problem("error", code, place, title, reason, fix)


def _split(stack: Stack) -> Iterator[Problem]:
    data, summary = stack.experiment.data, stack.summary
    if data.validation.kind != "first":
        return
    total = data.source.rows[0] if data.source.rows is not None else None
    if summary is not None and summary.counts is not None and data.train_limit is None:
        total = summary.counts[0] + summary.counts[1]
    if total is not None and data.validation.count >= total:
        yield Problem(
            "error",
            "nothing_left",
            "data.validation.count",
            f"Validation takes {data.validation.count:,} of {count_of(total, 'row')} and leaves none to train on.",
            "Validation rows come out of the training part and are never trained on.",
            Fix("Validate on a fifth", partial(set_value, path="data.validation", value=Fraction(fraction=0.2))),
        )


def _unscaled(stack: Stack) -> Iterator[Problem]:
    if stack.experiment.data.scaling != "none" or not stack.weighted:
        return
    if any(entry.role in NORMALIZING for entry in stack.entries[: stack.weighted[0]]):
        return
    yield Problem(
        "warning",
        "unscaled",
        "data.scaling",
        "The input comes as it is stored, for images up to 255.",
        "Large inputs make large sums and large gradients: training jumps about or breaks off.",
        Fix("Bring it to 0…1", partial(set_value, path="data.scaling", value="unit")),
    )


def _augmentation(stack: Stack) -> Iterator[Problem]:
    augmentation, summary = stack.experiment.data.augmentation, stack.summary
    if not isinstance(augmentation, PictureAugmentation) or summary is None:
        return
    shape = summary.input_shape
    if len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3)):
        return
    yield Problem(
        "error",
        "augmented_table",
        "data.augmentation",
        f"Pictures are to be flipped and turned, but a row is {times(shape)} numbers.",
        "The rows of a table can be varied by noise alone.",
        Fix("Do without it", partial(set_value, path="data.augmentation", value=None)),
    )

"""Code that reads, splits and scales the data, with the same rows in the same parts as the program."""

from __future__ import annotations

from dataclasses import dataclass

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.codec import to_plain
from dnnstudio.core.experiment.data import MNIST, Data, Digits, FashionMNIST, FirstRows, Idx, Source
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.export.borrowed import constants, definitions
from dnnstudio.core.export.code import literal

READ_IDX = '''
def read_idx(path):
    """The array of an IDX file of bytes, plain or .gz."""
    data = gzip.open(path).read() if path.endswith(".gz") else Path(path).read_bytes()
    shape = np.frombuffer(data, ">i4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)
'''


@dataclass(frozen=True, slots=True)
class _Reading:
    """Code that creates `X_full`, `y_full` and, with `has_test`, `X_test`, `y_test`; "unit" divides by `full_scale`."""

    code: str
    has_test: bool
    full_scale: float = 255.0


def data_lines(experiment: Experiment) -> str:
    """Code that creates `X_train`, `y_train`, `X_valid`, `y_valid`, `X_test` and `y_test`.

    Raises `UserError` if the source cannot be written as code.
    """
    data, seed = experiment.data, experiment.seed
    if not data.source.in_plain_keras:
        return _by_this_program(data, seed)
    reading = _reading(data.source)
    lines = [reading.code]
    if not reading.has_test or not isinstance(data.validation, FirstRows):
        lines.insert(0, f"Index = Array = np.ndarray\n\n\n{definitions('drawing')['draw']}\n")
    lines += [_splitting(data, seed, has_test=reading.has_test), _scaling(data, reading.full_scale)]
    return "\n\n".join(lines)


def _reading(source: Source) -> _Reading:
    match source:
        case Digits():
            code = "digits = sklearn.datasets.load_digits()\nX_full, y_full = digits.images, digits.target"
            return _Reading(code, has_test=False, full_scale=16.0)
        case FashionMNIST() | MNIST():
            code = f"(X_full, y_full), (X_test, y_test) = keras.datasets.{source.kind}.load_data()"
            return _Reading(code, has_test=True)
        case Idx():
            made = f"{READ_IDX}\n\n{_read_pair('full', source.train_images, source.train_labels)}"
            if source.test_images is not None:
                made += "\n" + _read_pair("test", source.test_images, source.test_labels)
            return _Reading(made.strip(), has_test=source.test_images is not None)
    raise UserError(
        f"How a script reads {source.label or source.kind} is not known, so the experiment cannot become one.",
        "Export the model instead, or save the rows as an NPZ file and use that as the source.",
    )


def _read_pair(part: str, images: str, labels: str | None) -> str:
    return f"X_{part}, y_{part} = read_idx({literal(images)}), read_idx({literal(labels)})"


def _splitting(data: Data, seed: int, *, has_test: bool) -> str:
    lines: list[str] = []
    kept = data.classes.keep
    picks = kept is not None or data.classes.positive is not None
    lines += ["rest = np.arange(len(X_full))"]
    if not has_test:
        test_seed = constants("drawing")["TEST_SEED"]
        draws = [
            f"test, rest = draw(rest, y_full, math.ceil(len(rest) * {data.test_share!r}), {test_seed})",
            "X_test, y_test = X_full[test], y_full[test]",
        ]
        lines += draws
    first = f"rest[{getattr(data.validation, 'count', 0)}:]"
    if isinstance(data.validation, FirstRows):
        lines += [f"train, valid = {first}, rest[:{data.validation.count}]  # the first rows validate"]
        if picks:
            lines += _choosing(data)
            lines += ["train, valid = train[takes_part(y_full[train])], valid[takes_part(y_full[valid])]"]
    else:
        if picks:
            lines += _choosing(data)
            lines += ["rest = rest[takes_part(y_full[rest])]"]
        count = f"max(1, round(len(rest) * {data.validation.fraction!r}))"
        lines += [f"valid, train = draw(rest, y_full[rest], {count}, seed={seed})"]
    if data.train_limit is not None:
        lines += [f"train = train[:{data.train_limit}]"]
    if picks:
        lines += ["test = takes_part(y_test)", "X_test, y_test = X_test[test], classes_of(y_test[test])"]
        labels = ("classes_of(y_full[train])", "classes_of(y_full[valid])")
    else:
        labels = ("y_full[train]", "y_full[valid]")
    lines += [f"X_train, y_train = X_full[train], {labels[0]}", f"X_valid, y_valid = X_full[valid], {labels[1]}"]
    return "\n".join(lines)


def _choosing(data: Data) -> list[str]:
    """Code for the class filter and the renumbering of labels."""
    kept, positive = data.classes.keep, data.classes.positive
    if positive is None:
        assert kept is not None
        classes = "{" + ", ".join(f"{label}: {place}" for place, label in enumerate(kept)) + "}"
    elif kept is None:
        classes = f"{{int(label): int(label == {positive}) for label in np.unique(y_full)}}"
    else:
        classes = "{" + ", ".join(f"{label}: {int(label == positive)}" for label in kept) + "}"
    return [
        f"classes = {classes}  # label in the data: class of the task",
        "takes_part = lambda y: np.isin(y, list(classes))",
        "classes_of = lambda y: np.array([classes[int(label)] for label in y])",
    ]


def _scaling(data: Data, full_scale: float) -> str:
    parts = "for X in (X_train, X_valid, X_test)"
    match data.scaling:
        case "none":
            return f"X_train, X_valid, X_test = (X.astype(np.float32) {parts})"
        case "standardize":
            return (
                "mean, std = X_train.mean(axis=0, dtype=np.float64), X_train.std(axis=0, dtype=np.float64)\n"
                "std[std == 0] = 1.0  # a pixel that never changes stays 0\n"
                f"X_train, X_valid, X_test = (((X - mean) / std).astype(np.float32) {parts})"
            )
    return f"X_train, X_valid, X_test = (X.astype(np.float32) / {full_scale} {parts})"


def _by_this_program(data: Data, seed: int) -> str:
    """Code for sources that only this program can read, such as tables and image folders; it must then be installed."""
    import json

    plain = json.dumps(to_plain(data), ensure_ascii=False)
    return (
        "from dnnstudio.core.experiment.data import Data  # such files have many rules: they are read by dnnstudio\n"
        "from dnnstudio.engine.data import load_dataset\n\n"
        f"data = Data.model_validate_json({plain!r})\n"
        f"rows = load_dataset(data, seed={seed})\n"
        "X_train, y_train = rows.train.x, rows.train.y\n"
        "X_valid, y_valid = rows.validation.x, rows.validation.y\n"
        "X_test, y_test = rows.test.x, rows.test.y"
    )

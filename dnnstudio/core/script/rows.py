"""Reading, splitting and scaling the data, as code: the same rows in the same parts as the program's."""

from __future__ import annotations

from dnnstudio.core.codec import to_plain
from dnnstudio.core.data import Csv, Data, Digits, FirstRows, Idx, ImageFolder, Npz, Source
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.script.borrowed import source_of
from dnnstudio.core.script.code import literal

TEST_SEED = 20_170_825
"""As in `engine.data.splitting`: a test of the two scripts' rows holds them together."""
READ_IDX = '''
def read_idx(path):
    """The array of an IDX file of bytes, plain or .gz."""
    data = gzip.open(path).read() if path.endswith(".gz") else Path(path).read_bytes()
    shape = np.frombuffer(data, ">i4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)
'''


def data_lines(experiment: Experiment) -> str:
    """Code that makes `X_train`, `y_train`, `X_valid`, `y_valid`, `X_test` and `y_test`."""
    data, seed = experiment.data, experiment.seed
    if isinstance(data.source, Csv | ImageFolder | Npz):
        return _by_this_program(data, seed)
    has_test = not isinstance(data.source, Digits) and getattr(data.source, "test_images", "") is not None
    lines = [_reading(data.source)]
    if not has_test or not isinstance(data.validation, FirstRows):
        draw = source_of("engine/data/splitting.py", "draw")
        lines.insert(0, f"Index = Array = np.ndarray\n\n\n{draw}\n")
    lines += [_splitting(data, seed, has_test=has_test), _scaling(data)]
    return "\n\n".join(lines)


def _reading(source: Source) -> str:
    match source:
        case Digits():
            return "digits = sklearn.datasets.load_digits()\nX_full, y_full = digits.images, digits.target"
        case Idx():
            made = f"{READ_IDX}\n\nX_full, y_full = read_idx({literal(source.train_images)}), "
            made += f"read_idx({literal(source.train_labels)})\n"
            if source.test_images is None:
                return made.strip().removesuffix(",")
            return (made + f"X_test, y_test = read_idx({literal(source.test_images)}), "
                    f"read_idx({literal(source.test_labels)})").strip()  # fmt: skip
    kind = source.kind  # type: ignore[attr-defined]
    return f"(X_full, y_full), (X_test, y_test) = keras.datasets.{kind}.load_data()"


def _splitting(data: Data, seed: int, *, has_test: bool) -> str:
    lines: list[str] = []
    kept = data.classes.keep
    picks = kept is not None or data.classes.positive is not None
    lines += ["rest = np.arange(len(X_full))"]
    if not has_test:
        draws = [
            f"test, rest = draw(rest, y_full, math.ceil(len(rest) * 0.2), {TEST_SEED})",
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
    """Which labels take part, and the class that each becomes."""
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


def _scaling(data: Data) -> str:
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
    full = "16.0" if isinstance(data.source, Digits) else "255.0"
    return f"X_train, X_valid, X_test = (X.astype(np.float32) / {full} {parts})"


def _by_this_program(data: Data, seed: int) -> str:
    """Tables, arrays of any name and folders of images: their rules are this program's, which must be installed."""
    import json

    plain = json.dumps(to_plain(data), ensure_ascii=False)
    return (
        "from dnnstudio.core.data import Data  # such files have many rules: they are read by dnnstudio\n"
        "from dnnstudio.engine.data import load_dataset\n\n"
        f"data = Data.model_validate_json({plain!r})\n"
        f"rows = load_dataset(data, seed={seed})\n"
        "X_train, y_train = rows.train.x, rows.train.y\n"
        "X_valid, y_valid = rows.validation.x, rows.validation.y\n"
        "X_test, y_test = rows.test.x, rows.test.y"
    )

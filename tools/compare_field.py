"""Hold what `dnnstudio new` proposes for 20 real tables against scikit-learn's linear models and perceptrons.

All learn from the same training rows, prepared alike, with nothing tuned by hand: the program with its proposal (which
stops early by its validation rows), `LogisticRegression` or `RidgeCV`, and `MLPClassifier` or `MLPRegressor` with their
defaults. The test rows decide: accuracy within 3 points, or the root of the mean squared error within 5 per cent, of
the better of the two. The table is written to resources/bench/tables.md; the tables are those that tools/field.py
fetches.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from field import fetch

TABLES = (
    ("MASS__Boston", "medv"),
    ("Ecdat__Computers", "price"),
    ("Ecdat__Housing", "price"),
    ("Ecdat__Wages1", "wage"),
    ("Ecdat__Bwages", "wage"),
    ("car__SLID", "wages"),
    ("car__Salaries", "salary"),
    ("plm__Wages", "lwage"),
    ("Ecdat__Caschool", "testscr"),
    ("Ecdat__Star", "tmathssk"),
    ("MASS__biopsy", "class"),
    ("Ecdat__Participation", "lfp"),
    ("Ecdat__Hdma", "deny"),
    ("COUNT__titanic", "survived"),
    ("car__Chile", "vote"),
    ("Ecdat__Mroz", "work"),
    ("MASS__Pima.te", "type"),
    ("MASS__fgl", "type"),
    ("Ecdat__Males", "union"),
    ("penguins", "species"),
)
"""Name of the file and the column to predict: ten numbers, then ten sets of classes."""
SEEDS = (42, 43, 44)
"""Each splits the rows otherwise; the mean over them is compared, for a test part may have 50 rows."""
POINTS, SHARE = 0.03, 0.05
OUT = Path(__file__).resolve().parent.parent / "resources" / "bench" / "tables.md"


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of one table, means over the seeds: accuracy, or RMSE of a number."""

    name: str
    target: str
    rows: int
    number: bool
    ours: float
    linear: float
    perceptron: float

    @property
    def best(self) -> float:
        """The better of scikit-learn's two."""
        return (min if self.number else max)(self.linear, self.perceptron)

    @property
    def near(self) -> bool:
        """Whether the program is within the bound of the better one, or better."""
        if self.number:
            return self.ours <= (1 + SHARE) * self.best
        return self.ours >= self.best - POINTS


def proposed(path: Path, target: str, folder: Path) -> Any:
    """The experiment that `dnnstudio new` makes of a table. Raises `RuntimeError` where it refuses."""
    from dnnstudio.cli.main import main
    from dnnstudio.core.experiment import codec

    out = folder / f"{path.stem}.json"
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main(["new", str(path), "--predict", target, "--out", str(out)])
    if code:
        raise RuntimeError(f"{path.name}: {said.getvalue()}")
    return codec.load(out)


def measured(experiment: Any, seed: int, folder: Path) -> tuple[int, bool, float, float, float]:
    """Rows, whether a number is predicted, and the three figures on the test rows of one seed."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.preprocessing import StandardScaler

    from dnnstudio.core.jobs.control import Control
    from dnnstudio.engine.data import load_dataset
    from dnnstudio.engine.training.trainer import train

    given = experiment.replaced(seed=seed)
    data = load_dataset(given.data, seed=seed)
    result = train(given, data, folder=folder, run="r", control=Control(), emit=lambda event: None)
    number = not data.summary.class_names
    found = result.metrics["test"]["root_mean_squared_error" if number else "accuracy"]
    if number:
        models: tuple[Any, ...] = (
            RidgeCV(np.logspace(-2, 3, 11)),
            TransformedTargetRegressor(MLPRegressor(random_state=seed, max_iter=1000), transformer=StandardScaler()),
        )
    else:
        models = LogisticRegression(max_iter=5000), MLPClassifier(random_state=seed, max_iter=1000)
    figures = []
    for model in models:
        said = model.fit(data.train.x, data.train.y).predict(data.test.x)
        wrong = said - data.test.y
        figures.append(float(np.sqrt(np.mean(wrong**2)) if number else np.mean(wrong == 0)))
    return len(data.train.x) + len(data.validation.x) + len(data.test.x), number, float(found), figures[0], figures[1]


def compared(tables: Path) -> list[Line]:
    """A line a table, told as they come."""
    lines = []
    with tempfile.TemporaryDirectory() as place:
        for name, target in TABLES:
            path = next(iter(sorted(tables.rglob(f"*__{name}.csv"))))
            experiment = proposed(path, target, Path(place))
            each = [measured(experiment, seed, Path(place) / f"{path.stem} {seed}") for seed in SEEDS]
            rows, number = each[0][:2]
            means = np.mean([figures[2:] for figures in each], axis=0).tolist()
            lines.append(Line(name.rpartition("__")[2], target, rows, number, *means))
            print(written(lines[-1]), flush=True)
    return lines


def written(line: Line) -> str:
    """A line of the Markdown table."""
    kind = "RMSE" if line.number else "accuracy"
    figures = [f"{value:.4g}" if line.number else f"{value:.1%}" for value in (line.ours, line.linear, line.perceptron)]
    words = (f"{line.name}: {line.target}", f"{line.rows:,}", kind, *figures, "yes" if line.near else "no")
    return f"| {' | '.join(words)} |"


def page(lines: list[Line]) -> str:
    """The whole page."""
    near = sum(line.near for line in lines)
    heads = ("table: predicted", "rows", "figure", "dnnstudio", "linear", "MLP", "within")
    return "\n".join(
        [
            "# Real tables",
            "",
            "What `dnnstudio new` proposes, trained as it is, against scikit-learn's logistic or ridge regression and",
            "its `MLPClassifier` or `MLPRegressor`, on the same rows; means over three seeds, test rows. Within: no",
            f"more than 3 points of accuracy or 5 % of RMSE behind the better of the two: {near} of {len(lines)}.",
            "Made by `tools/compare_field.py`; the tables are of the packages pydataset and palmerpenguins.",
            "",
            f"| {' | '.join(heads)} |",
            f"|{' --- |' * len(heads)}",
            *map(written, lines),
            "",
        ]
    )


def main() -> int:
    """Compare, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", type=Path, nargs="?", help="where the tables are; fetched if left out")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.tables
        if folder is None:
            fetch(folder := Path(temporary))
        lines = compared(folder)
    given.out.write_text(page(lines), encoding="utf-8")
    return 0 if sum(line.near for line in lines) >= 17 else 1


if __name__ == "__main__":
    sys.exit(main())

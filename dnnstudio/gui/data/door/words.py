"""The words and icons of the data window: roles, kinds, ways of reading, splits, and the sentences with figures."""

from __future__ import annotations

from dataclasses import dataclass

from dnnstudio.core.experiment.data.sources.table import Decimal, Encoding, Kind, Missing, Role, Separator, Thousands
from dnnstudio.core.jobs.proposals import ColumnFacts, DataProposal
from dnnstudio.core.text import count_of, shortened

ROLES: dict[Role, tuple[str, str]] = {
    "feature": ("Feature", "The network sees it."),
    "target": ("Target", "What the network predicts."),
    "ignored": ("Left out", "The network does not see it."),
    "group": ("Group", "Rows of one group stay in one part of the split."),
    "time": ("Time", "Later rows are kept for the test."),
    "split": ("Split", "It says train, validation or test."),
}
KINDS: dict[Kind, tuple[str, str, str]] = {
    "number": ("number", "hash", "A quantity; it is standardized."),
    "category": ("category", "list-bullets", "One of several values; each gets an input."),
    "yes_no": ("yes/no", "toggle-left", "Two values, given as 0 and 1."),
    "date": ("date", "calendar-blank", "Given as year, month, day of week, and days since the first."),
    "text": ("text", "text-aa", "Free text; it is left out."),
    "id": ("id", "key", "It only tells the rows apart; it is left out."),
}
MEDIAN, FREQUENT = "Fill in the median", "Fill in the most frequent value"
DROP, REFUSE = "Leave their rows out", "Refuse them"
ENCODINGS: dict[Encoding, str] = {"utf-8": "UTF-8", "utf-16": "UTF-16", "windows-1252": "Windows-1252"}
SEPARATORS: dict[Separator, str] = {
    "comma": "comma",
    "semicolon": "semicolon",
    "tab": "tab",
    "pipe": "vertical bar",
    "blanks": "blanks",
}
DECIMALS: dict[Decimal, str] = {"point": "decimal point", "comma": "decimal comma"}
THOUSANDS: dict[Thousands, str] = {
    "none": "1000",
    "comma": "1,000",
    "point": "1.000",
    "space": "1 000",
    "apostrophe": "1'000",
}
HEADERS = {"yes": "names in line 1", "no": "no names"}


def fillings(kind: Kind) -> tuple[tuple[Missing, str], ...]:
    """What may become of the empty cells of a column of that kind."""
    filled: tuple[Missing, str] = ("median", MEDIAN) if kind in ("number", "date") else ("most_frequent", FREQUENT)
    return filled, ("drop_rows", DROP), ("refuse", REFUSE)


@dataclass(frozen=True, slots=True)
class SplitChoice:
    """Shares of all rows in per cent, and those of `ProposeData` that give them."""

    train: int
    validation: int
    test: int

    @property
    def title(self) -> str:
        return f"{self.train} % train, {self.validation} % validation, {self.test} % test"

    @property
    def shares(self) -> tuple[float, float]:
        """The validation share of what is not kept for the test, and the test share."""
        return round(self.validation / (self.train + self.validation), 4), self.test / 100


SPLITS = (
    SplitChoice(64, 16, 20),
    SplitChoice(70, 15, 15),
    SplitChoice(80, 10, 10),
    SplitChoice(60, 20, 20),
    SplitChoice(50, 25, 25),
)


def headline(proposal: DataProposal, *, with_inputs: bool = True) -> str:
    """Predicts Zusage from 17 inputs."""
    summary = proposal.summary
    if summary is None:
        return "Nothing to predict yet."
    name = shortened(proposal.target, 40)
    if proposal.table is None:
        return f"Tells {count_of(summary.classes, 'class')} apart." if summary.classes else f"Predicts {name}."
    inputs = count_of(int(summary.input_shape[0]), "input")
    return f"Predicts {name} from {inputs}." if with_inputs else f"Predicts {name}."


def counted_columns(columns: tuple[ColumnFacts, ...]) -> str:
    """6 features, 1 target, 1 column left out."""
    features = sum(column.role == "feature" for column in columns)
    targets = sum(column.role == "target" for column in columns)
    out = sum(column.role == "ignored" for column in columns)
    parts = [count_of(features, "feature"), count_of(targets, "target")]
    parts += [f"{count_of(sum(column.role == role for column in columns), 'column')} for the {word}"
              for role, word in (("group", "groups"), ("time", "time"), ("split", "split"))
              if any(column.role == role for column in columns)]  # fmt: skip
    if out:
        parts.append(f"{count_of(out, 'column')} left out")
    return f"{', '.join(parts)}."


def split_words(proposal: DataProposal, seed: int) -> str:
    """What decides the part of a row: a column, files or folders of the parts, or chance."""
    table = proposal.table
    roles = {column.role: column.name for column in table.columns} if table is not None else {}
    if "split" in roles:
        return f"as {shortened(roles['split'], 20)} says"
    if "time" in roles:
        return f"the latest by {shortened(roles['time'], 20)}"
    if "group" in roles:
        return f"whole groups of {shortened(roles['group'], 20)}"
    if "validation" in proposal.given_parts:
        return "as given in the files"
    if "test" in proposal.given_parts:
        return f"test rows given, seed {seed}"
    if proposal.summary is not None and proposal.summary.classes:
        return f"same class shares, seed {seed}"
    return f"drawn by chance, seed {seed}"


def said_of(column: ColumnFacts) -> str:
    """A column's head in one sentence, for who hears it."""
    missing = f"{column.missing:,} missing" if column.missing else "none missing"
    return (
        f"{column.name}: {ROLES[column.role][0].lower()}, {KINDS[column.kind][0]}, {column.span}, {missing}. "
        f"{column.reason}"
    )

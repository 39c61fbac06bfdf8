"""A table file of the user's own: how to read it, and the role of each column."""

from typing import Literal, Self

from pydantic import model_validator

from dnnstudio.core.experiment.data.sources.base import Source
from dnnstudio.core.experiment.fields import Option, option

Role = Literal["feature", "target", "group", "split", "time", "ignored"]
Kind = Literal["number", "category", "yes_no", "date", "text", "id"]
Missing = Literal["refuse", "drop_rows", "median", "most_frequent"]
Encoding = Literal["utf-8", "utf-16", "windows-1252"]
Separator = Literal["comma", "semicolon", "tab", "pipe", "blanks"]
Decimal = Literal["point", "comma"]
Thousands = Literal["none", "comma", "point", "space", "apostrophe"]

FEATURE_KINDS: frozenset[Kind] = frozenset({"number", "category", "yes_no", "date"})
"""The kinds that a network can be given; ids and free text are left out."""
ONLY_ONCE: tuple[Role, ...] = ("target", "group", "split", "time")
MAX_COLUMNS = 10_000


class Column(Option):
    """One column of a table: its role, its kind of values, and how missing cells are filled."""

    label = "Column"
    help = "What a column of a table is for, what it holds, and what becomes of its empty cells."
    name: str = option(
        title="Name", help="The column's name in the first line of the table.", initial="column", min_length=1
    )
    role: Role = option(
        "feature",
        title="Role",
        help="Feature: the network sees it. Target: what it predicts. Group: its rows stay in one part. Split: it "
        "names the part. Time: later rows are for the test.",
    )
    kind: Kind = option(
        "number", title="Kind", help="What its cells are; ids and free text are never shown to a network."
    )
    missing: Missing = option(
        "refuse",
        title="Empty cells",
        help="Refuse them, leave their rows out, or fill in the training rows' median or most frequent value.",
        advanced=True,
    )
    indicator: bool = option(
        False,
        title="Say where it was empty",
        help="One more input that is 1 where the cell was empty.",
        advanced=True,
    )
    min_frequency: int = option(
        1,
        title="Rare below",
        help="Categories with fewer training rows share one input.",
        ge=1,
        unit="rows",
        advanced=True,
    )
    categories: tuple[str, ...] | None = option(
        None,
        title="Categories",
        help="The categories in their order; empty means all that the table holds, in the order of the alphabet.",
        min_length=1,
        advanced=True,
    )
    date_format: str | None = option(
        None,
        title="Date format",
        help="How its dates are written, in the signs of strftime: %d.%m.%Y; empty means found out when reading.",
        initial="%Y-%m-%d",
        min_length=2,
        advanced=True,
    )
    missing_values: tuple[str, ...] | None = option(
        None,
        title="Signs of an empty cell",
        help="Texts that stand for an empty cell in this column, besides the table's own.",
        advanced=True,
    )


class Table(Source):
    """A text table (plain or .gz), Parquet, Excel or ODS file. Settings left at None are inferred when the file is
    read.
    """

    kind: Literal["table"] = "table"
    label = "Table"
    help = (
        "A table of any kind: text (.csv, .tsv, .gz), Excel, ODS or Parquet, with columns of numbers, categories, "
        "yes/no and dates."
    )
    path: str = option(title="File", help="The file that holds the table.", initial="", widget="file")
    test_path: str | None = option(
        None,
        title="Test file",
        help="A second table with the same columns; left out, a share of the rows is kept for the test.",
        widget="file",
    )
    target: Literal["classes", "number"] = option(
        "classes", title="Predict", help="Classes to tell apart, or a number to estimate."
    )
    sheet: str | None = option(
        None, title="Sheet", help="The sheet of an Excel or ODS file; empty means the first.", advanced=True
    )
    encoding: Encoding | None = option(
        None, title="Encoding", help="How the file's bytes become letters.", initial="utf-8", advanced=True
    )
    separator: Separator | None = option(
        None, title="Separator", help="What stands between two cells.", initial="comma", advanced=True
    )
    header: Literal["yes", "no"] | None = option(
        None,
        title="Names in the first line",
        help="Whether the first line names the columns.",
        initial="yes",
        advanced=True,
    )
    decimal: Decimal | None = option(None, title="Decimal sign", help="1.5 or 1,5.", initial="point", advanced=True)
    thousands: Thousands | None = option(
        None, title="Thousands sign", help="What groups the digits of large numbers.", initial="none", advanced=True
    )
    missing_values: tuple[str, ...] | None = option(
        None,
        title="Signs of an empty cell",
        help="Texts that stand for an empty cell, besides no text at all; empty means the usual ones.",
        advanced=True,
    )
    columns: tuple[Column, ...] = option(
        (),
        title="Columns",
        help="Role and kind of each column; empty means that they are guessed when the table is read.",
        advanced=True,
        max_length=MAX_COLUMNS,
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f'columns has "{twice}" twice; each column stands there once')
        for role in ONLY_ONCE:
            if sum(column.role == role for column in self.columns) > 1:
                raise ValueError(f"columns has the role {role} more than once; one column at most may have it")
        if self.columns and not any(column.role == "target" for column in self.columns):
            raise ValueError("columns has no target; one column must be the one to predict")
        return self

    @property
    def target_column(self) -> Column | None:
        """The column to predict, once the columns are known."""
        return next((column for column in self.columns if column.role == "target"), None)

    def column(self, role: Role) -> Column | None:
        """The column with a role that at most one column has."""
        return next((column for column in self.columns if column.role == role), None)

    @property
    def features(self) -> tuple[Column, ...]:
        """The input columns of the network, in order."""
        return tuple(column for column in self.columns if column.role == "feature")

    @property
    def predicts_number(self) -> bool:
        return self.target == "number"

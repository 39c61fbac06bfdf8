"""CSV tables with one example per row."""

from typing import Literal

from dnnstudio.core.experiment.data.sources.base import Source
from dnnstudio.core.experiment.fields import option


class Csv(Source):
    kind: Literal["csv"] = "csv"
    label = "CSV of numbers"
    help = "A .csv file with numbers in all columns but that of the labels. For any other table choose Table."
    path: str = option(title="File", help="The .csv file; the first line names the columns.", initial="", widget="file")
    label_column: str = option("", title="Label column", help="The column to predict; empty means the last.")
    target: Literal["classes", "number"] = option(
        "classes", title="Predict", help="Classes to tell apart, or a number to estimate."
    )
    empty_cells: Literal["refuse", "drop_rows", "median"] = option(
        "refuse",
        title="Empty cells",
        help="Refuse them, leave their rows out, or fill in the median of the column's training rows.",
        advanced=True,
    )

    @property
    def predicts_number(self) -> bool:
        return self.target == "number"

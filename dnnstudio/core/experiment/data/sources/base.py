"""Base class of the data sources: facts known before reading, and the traits of each kind."""

from typing import ClassVar, Self

from dnnstudio.core.experiment.kinds import Family, Kinded


class Source(Kinded):
    """Base of all data sources. `shape` and `class_names` are known before reading only for the built-in data sets."""

    kinds: ClassVar[Family[Self]] = Family("source")
    shape: ClassVar[tuple[int, ...] | None] = None
    class_names: ClassVar[tuple[str, ...]] = ()
    rows: ClassVar[tuple[int, int] | None] = None
    """Training rows (validation still among them) and test rows, where known."""
    downloadable: ClassVar[bool] = False
    """Whether the program can fetch it from the internet where it is not on this computer."""
    in_plain_keras: ClassVar[bool] = False
    """Whether an exported script reads it by Keras and NumPy alone; the others need this program for it."""

    @property
    def main_path(self) -> str:
        """The file or folder that a person chose, or the first of several; empty for a data set that is built in."""
        return str(getattr(self, "path", ""))

    @property
    def predicts_number(self) -> bool:
        """Whether the target is a number (regression) instead of a class."""
        return False

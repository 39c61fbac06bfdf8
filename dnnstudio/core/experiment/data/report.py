"""What reading a data set made of its files: used, left out and why, without a label."""

from collections.abc import Iterator
from dataclasses import dataclass

from dnnstudio.core.text import count_of

LISTED = 1_000
"""So many of the files left out are named; all are counted."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is not used, named from the data's folder on, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingReport:
    """How the files of a data set were understood.

    `layout` is a sentence. `parts` holds the pictures used to train, to validate and for the test, where the files
    themselves decide that. `left_out` names at most `LISTED` of the `left_out_count` files; `unlabelled` pictures
    have no class and can only be predicted. `notes` are sentences on what was converted, and how.
    """

    layout: str
    used: int
    parts: tuple[int, int, int] | None = None
    left_out: tuple[LeftOut, ...] = ()
    left_out_count: int = 0
    unlabelled: int = 0
    unlabelled_folders: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def sentences(self, *, shown: int = 3) -> Iterator[str]:
        """What a person should know besides the layout, the first `shown` files left out among it."""
        yield from self.notes
        if self.unlabelled:
            places = f" in {', '.join(self.unlabelled_folders[:shown])}" if self.unlabelled_folders else ""
            yield f"{count_of(self.unlabelled, 'picture')} without a class{places}: not trained on."
        if self.left_out_count:
            named = "; ".join(f"{item.name}: {item.reason}" for item in self.left_out[:shown])
            more = self.left_out_count - min(shown, len(self.left_out))
            rest = f" and {more:,} more" if more else ""
            yield f"{count_of(self.left_out_count, 'file')} left out: {named}{rest}."

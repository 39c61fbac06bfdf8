"""What has to be asked before a data set can be read: a field of its source, and the answers there are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """`field` is a field of the source; `choices` are the values it can take, the likeliest first.

    `titles` say more of each choice, such as the shape of an array; empty where the values speak for themselves.
    """

    field: str
    text: str
    choices: tuple[str, ...]
    titles: tuple[str, ...] = ()

"""The three kinds of failure: an error the user can fix (`UserError`), a cancellation (`Cancelled`), and all else, a
bug.
"""

from __future__ import annotations

from enum import StrEnum

from dnnstudio.core.text import cut_within, harmless


class Code(StrEnum):
    """The codes of a `UserError` for programs to decide by. Its sentences are for people and may be reworded."""

    NAME_TAKEN = "name_taken"
    """The name is in use."""
    IN_USE = "in_use"
    """Another program, or another part of this one, works on the folder."""
    CANNOT_READ = "cannot_read"
    """The system does not let the file be read; nothing is known of what it holds."""
    EXTRA_MISSING = "extra_missing"
    """An optional package is not installed."""
    WORKSPACE_GONE = "workspace_gone"
    """Where runs and models are kept cannot be read any more."""
    DISK_FULL = "disk_full"
    """There is no room for what is to be written, or the quota is used up."""
    NOT_THE_SAME = "not_the_same"
    """What was written does not compute as the network does."""


LONGEST = 400
"""Characters of a refusal; longer ones are not read."""


class UserError(Exception):
    """An error that the user can fix.

    `message` says what was given and what was expected; `hint` says how to fix it. Both are full sentences; `str()`
    joins them, as the message bar and the command line show them, in at most `LONGEST` characters, none of which
    controls a terminal: what a file or a path holds may be quoted as it is. `code` marks the few cases that a caller
    handles specially.
    """

    def __init__(self, message: str, hint: str = "", *, code: Code | None = None) -> None:
        message, hint = harmless(message), harmless(hint)
        if len(message) + len(hint) >= LONGEST:
            hint = cut_within(hint, max(LONGEST - 1 - len(message), LONGEST // 3))
            message = cut_within(message, LONGEST - 1 - len(hint))
        super().__init__(message, hint)
        self.message = message
        self.hint = hint
        self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Cancelled(Exception):  # noqa: N818 - a wish, not an error
    """A job was cancelled on request; nothing is shown to the user."""

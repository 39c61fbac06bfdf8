"""The three kinds of failure: for the person (`UserError`), wished for (`Cancelled`), and everything else, a bug."""


class UserError(Exception):
    """Something that a person can mend.

    `message` says what was given and what was expected; `hint` says how to mend it. Both are full sentences;
    `str()` joins them, which is what the message bar and the command line print.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Cancelled(Exception):  # noqa: N818 - a wish, not an error
    """A job ended because it was asked to; nobody is told."""

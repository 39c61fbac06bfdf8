"""Above which doubt a person is asked: the threshold, where it comes from, and why one cannot be taken over. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from dnnstudio.core.text import within_words
from dnnstudio.core.uncertainty.scores import PRIMARY, SCORES
from dnnstudio.core.workspace.runs import Weights
from dnnstudio.gui.predict.asking import Asking
from dnnstudio.gui.predict.cases import Cases
from dnnstudio.gui.predict.subjects import Network, weights_of

Find = Callable[[Network, Weights], tuple[str, float] | None]
"""The score and the threshold of the Decision tab of a network with these weights, if somebody looked at it."""
OWN = "You chose it."
TENTH = "The most doubtful tenth of the rows to calibrate on is above it. Type another, or choose it by cost."
NO_SCORE = "New cases have not got the score of the Decision tab."
OTHER_WEIGHTS = "The threshold of the Decision tab is of other weights."


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the Decision tab's threshold is not in force, and what helps."""

    lead: str
    text: str


class Deciding:
    """Sets the cases' score and threshold. A person's own one stays, as does the score that it is of."""

    def __init__(self, cases: Cases, asking: Asking, find: Find) -> None:
        self._cases, self._asking, self._find = cases, asking, find
        self._origin: Literal["own", "tab", "proposed"] = "proposed"
        self._score = ""
        """The one that a person's own threshold is of."""
        self.refused: Refused | None = None
        """Why the threshold of the Decision tab was not taken, where there is one."""

    @property
    def is_proposed(self) -> bool:
        """Whether nobody has chosen it."""
        return self._origin == "proposed"

    @property
    def help(self) -> str:
        """By what it is measured, and where it comes from."""
        if self._cases.is_number or self._origin == "proposed":
            return OWN if self._origin == "own" else TENTH
        of = f"It is of the {_name(self._cases.score)}."
        if self._origin == "own":
            return f"{OWN} {of}"
        return f"It is the one of the Decision tab, chosen for {self._these}. {of}"

    def forget(self) -> None:
        """Another network answers, or other weights."""
        self._cases.threshold, self._origin, self.refused = None, "proposed", None

    def begin(self) -> None:
        """Other answers are to come, of which doubt is measured in the usual way: what was chosen stays in force."""
        self.refused = None
        if self._asking.facts is None:
            return
        if self._origin == "own":
            if self._cases.can_tell(self._score):
                self._cases.score = self._score
            return
        found = self._find(self._asking.network, self._asking.weights)
        if found is not None and not self._take(*found) and self._origin == "tab":
            self._origin = "proposed"
            self.propose()

    def propose(self) -> None:
        """Propose one by the rows to calibrate on, unless one was chosen."""
        if self._origin == "proposed":
            self._cases.threshold = self._cases.proposed_threshold()

    def choose(self, value: float) -> None:
        """A person has typed one."""
        self._cases.threshold, self._origin, self._score = value, "own", self._cases.score

    def take_from_tab(self) -> bool:
        """Take the Decision tab's, if there is one of these weights; False where its tab has to be opened.

        `refused` says why none is in force afterwards.
        """
        self.refused = None
        network, weights = self._asking.network, self._asking.weights
        found = self._find(network, weights)
        if found is not None:
            self._take(*found)
            return True
        others = (kind for kind, _ in weights_of(network) if kind != weights)
        if (other := next((kind for kind in others if self._find(network, kind) is not None), None)) is not None:
            text = f"It was chosen for the {self._weights(other)}, and new cases are answered by the "
            text += f"{self._weights(weights)}. Choose one for these in the window that has opened, and press again."
            self.refused = Refused(OTHER_WEIGHTS, text)
        return False

    def _take(self, score: str, threshold: float) -> bool:
        if self._cases.can_tell(score):
            self._cases.score, self._cases.threshold, self._origin = score, threshold, "tab"
            return True
        if not self._cases.is_number:
            like = PRIMARY if self._cases.passes else "predictive_entropy"
            text = f"It decides by the {_name(score)}, so its threshold is not used. Choose another score there, such "
            self.refused = Refused(NO_SCORE, f"{text}as the {_name(like)}.")
        return False

    @property
    def _these(self) -> str:
        """The weights that answer; a network with one kind of them needs no word for which."""
        several = len(weights_of(self._asking.network)) > 1
        return f"the {self._weights(self._asking.weights)}" if several else "these weights"

    def _weights(self, weights: Weights) -> str:
        return dict(weights_of(self._asking.network)).get(weights, "last weights")


def _name(score: str) -> str:
    return within_words(SCORES[score].title) if score in SCORES else score

"""The contents of the stack's cards, derived from the document without any painting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dnnstudio.core.analysis.checks import Problem
from dnnstudio.core.experiment.layers import DropoutLayer, Layer, Shape, WeightedLayer, times
from dnnstudio.core.experiment.shapes import LayerShape
from dnnstudio.core.planning.pretraining import added_layers, left_out
from dnnstudio.core.text import count_of
from dnnstudio.gui.base.document import Document

Tone = Literal["neutral", "accent", "hint"]
Origin = Literal["own", "cloned", "shared", "new"]


@dataclass(frozen=True, slots=True)
class BadgeText:
    """A badge: its word, its icon for narrow cards, and its meaning."""

    word: str
    icon: str
    tone: Tone
    meaning: str


MONTE_CARLO = BadgeText("MC", "dice-five", "accent", "drops units when predicting too (Monte Carlo)")
ORIGINS: Mapping[Origin, BadgeText] = {
    "cloned": BadgeText("CLONED", "copy", "neutral", "starts from copied weights"),
    "shared": BadgeText("SHARED", "link-simple", "hint", "shares its weights with another model"),
    "new": BadgeText("NEW", "sparkle", "accent", "starts from fresh weights"),
}
ADDED = BadgeText("ADDED", "sparkle", "accent", "is trained in the pretraining only")
CHANGED = BadgeText("CHANGED", "pencil-simple", "hint", "was changed by another training")
SHORT_FINGERPRINT = 6
"""Digits of a fingerprint shown on a card: enough to recognize equal ones at a glance."""
INFERENCE = "Frozen, it normalizes as in predicting (inference mode): by the averages that it has learnt."
ADDED_SENTENCE = (
    "The pretraining adds it above the encoder and trains it; it follows from the layers that are mirrored."
)
LEFT_OUT_SENTENCE = "It lies above the encoder: the pretraining leaves it out."
SEVERITIES = ("error", "warning", "hint")


@dataclass(frozen=True, slots=True)
class Identity:
    """The origin of a layer's weights.

    `since` says in a word what happened to them since the transfer ("changed", "unchanged", or ""); `altered` that
    another training changed them; `sentence` says all of it.
    """

    origin: Origin = "own"
    fingerprint: str = ""
    since: str = ""
    altered: bool = False
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One card: the layer, its shapes, its problems, and the origin of its weights."""

    layer: Layer
    shape: LayerShape
    problems: tuple[Problem, ...] = field(default=(), compare=False)
    """Left out of comparisons, for a fix is a fresh function each time; `problem_titles` stand for them."""
    problem_titles: tuple[str, ...] = ()
    identity: Identity = field(default_factory=Identity)
    held: bool = False
    """Whether the phase that is being trained freezes it."""
    is_output: bool = False
    left_out: bool = False
    """Whether it lies above the encoder of a pretraining, which does not train it."""
    added: bool = False
    """Whether a pretraining adds it; it is no layer of the experiment and cannot be edited."""

    @property
    def is_used(self) -> bool:
        """Whether the next training has this layer."""
        return self.layer.enabled and not self.left_out

    @property
    def icon(self) -> str:
        return "target" if self.is_output else self.layer.icon

    @property
    def frozen(self) -> bool:
        return isinstance(self.layer, WeightedLayer) and (self.held or not self.layer.trainable)

    @property
    def badges(self) -> tuple[BadgeText, ...]:
        found = [ORIGINS[self.identity.origin]] if self.identity.origin in ORIGINS else []
        found += [CHANGED] if self.identity.altered else []
        found += [ADDED] if self.added else []
        if isinstance(self.layer, DropoutLayer) and self.layer.monte_carlo:
            found.append(MONTE_CARLO)
        return tuple(found)

    @property
    def caption(self) -> str:
        words = self.layer.caption(self.shape.input_shape) or self.layer.label
        if not self.layer.enabled:
            return f"off · {words}"
        if self.left_out:
            return f"not in the pretraining · {words}"
        if not self.identity.fingerprint:
            return words
        # The initializer is left out in favour of the weights' origin; the form shows it.
        mark = f"#{self.identity.fingerprint[:SHORT_FINGERPRINT]}"
        return " · ".join(filter(None, (words.split(" · ")[0], mark, self.identity.since)))

    @property
    def parameters(self) -> str:
        """The parameter count; a dash if unknown."""
        known = self.shape.input_shape is not None and not self.shape.error
        return f"{self.shape.count:,}" if known or not self.layer.enabled else "–"

    @property
    def output(self) -> str:
        """ "→ 300", or the shape error."""
        return f"→ {shape_text(self.shape.output_shape)}" if self.shape.output_shape is not None else "→ ?"

    @property
    def severity(self) -> str:
        """The worst of its problems: "error", "warning", "hint", or ""."""
        found = {problem.severity for problem in self.problems}
        return next((severity for severity in SEVERITIES if severity in found), "")

    @property
    def problem_line(self) -> str:
        """The third line: "1 hint: kernel initializer", or the error message."""
        if not self.problems:
            return ""
        worst = [problem for problem in self.problems if problem.severity == self.severity]
        if self.severity == "error":
            return worst[0].title
        count = count_of(len(worst), self.severity)
        return f"{count}: {', '.join(dict.fromkeys(self._topic(problem) for problem in worst))}"

    def _topic(self, problem: Problem) -> str:
        """The field a problem is about, else its title."""
        known = type(self.layer).model_fields.get(problem.field)
        return first_lower((known.title if known else None) or problem.title.rstrip("."))

    @property
    def description(self) -> str:
        """All texts of the card, for a screen reader."""
        parts = [self.layer.label, self.caption]
        parts += ["frozen"] if self.frozen else []
        parts += [badge.meaning for badge in self.badges]
        parts += [self.identity.sentence.rstrip(".")] if self.identity.sentence else []
        if self.shape.output_shape is not None:
            parts.append(f"{count_of(self.shape.count, 'parameter')}, puts out {shape_text(self.shape.output_shape)}")
        parts += [f"{problem.severity}: {problem.title.rstrip('.')}" for problem in self.problems]
        return "; ".join(parts) + "."

    @property
    def tooltip(self) -> str:
        lines = [f"{self.layer.label}: {self.layer.help}"]
        lines += [self.identity.sentence] if self.identity.sentence else []
        lines += [ADDED_SENTENCE] if self.added else []
        lines += [LEFT_OUT_SENTENCE] if self.left_out else []
        if self.frozen:
            norm = self.layer.averages_over == "batch"
            lines += [INFERENCE if norm else "Frozen: its weights stay as they are."]
        lines += [f"{problem.title.rstrip('.')}. {problem.reason}" for problem in self.problems]
        return "\n".join(lines)


NOBODY = Identity()


def shape_text(shape: Shape) -> str:
    """300 or 28 × 28."""
    return times(shape)


def first_lower(text: str) -> str:
    """The text with a lower-case first letter, except for acronyms and names (ELU, He)."""
    word = text.split(" ", 1)[0].rstrip(".,:")
    return text[0].lower() + text[1:] if len(word) > 2 and word[1:].islower() else text


def make_rows(
    document: Document,
    identities: Mapping[str, Identity] | None = None,
    held: frozenset[str] = frozenset(),
    *,
    before: Sequence[LayerRow] = (),
) -> list[LayerRow]:
    """The cards of the document's stack, in order; `held` are the layers frozen by the current phase.

    Rows of `before`, those displayed so far, are reused if nothing has changed and there is no problem.
    """
    identities = identities or {}
    above = left_out(document.experiment)
    known = {id(row.shape): row for row in before if not row.problem_titles}
    problems: dict[str, list[Problem]] = {}
    for problem in document.problems:
        for layer_id in problem.layers or (problem.place,):
            problems.setdefault(layer_id, []).append(problem)
    last = next((row.layer for row in reversed(document.shapes) if row.layer.enabled), None)
    rows: list[LayerRow] = []
    for shape in document.shapes:
        layer, name = shape.layer, shape.layer.id
        found, kept = problems.get(name, ()), known.get(id(shape))
        identity, is_held = identities.get(name, NOBODY), name in held
        is_left_out = name in above
        is_output = layer is last and layer.has_weights and "units" in type(layer).model_fields
        if (
            kept is not None
            and not found
            and (kept.held, kept.is_output, kept.left_out) == (is_held, is_output, is_left_out)
            and (kept.identity is identity or kept.identity == identity)
        ):
            rows.append(kept)
            continue
        titles = tuple(problem.title for problem in found)
        rows.append(LayerRow(layer, shape, tuple(found), titles, identity, is_held, is_output, is_left_out))
    return rows


def added_rows(document: Document) -> list[LayerRow]:
    """The cards of the layers that a pretraining adds above the encoder, in order."""
    shape = document.summary.input_shape if document.summary is not None else None
    return [LayerRow(row.layer, row, added=True) for row in added_layers(document.experiment, shape)]

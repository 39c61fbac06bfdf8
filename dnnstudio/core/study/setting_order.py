"""Which of an experiment's settings a person asks for first: the one order of names, columns and differences."""

from __future__ import annotations

from functools import lru_cache

from dnnstudio.core.study.setting_words import is_advanced

HEADLINES = ("optimizer.kind", "optimizer.learning_rate", "training.batch_size")
"""What is told of a training in one breath, besides its layers."""


@lru_cache(maxsize=4096)
def importance(path: str) -> tuple[int, int]:
    """To sort settings by, the most important first: the headlines and what is set of a layer itself; then all else;
    last an optimizer's constants, and what forms fold away. Beside that, the place among the headlines or after them.
    """
    parts = tuple(path.split("."))
    place = HEADLINES.index(path) if path in HEADLINES else len(HEADLINES)
    if any(is_advanced(parts[:end]) for end in range(1, len(parts) + 1)):
        return 2, place
    if path in HEADLINES or (parts[0] == "layers" and len(parts) == 3):
        return 0, place
    return (2 if parts[0] == "optimizer" else 1), place

"""The bundled example experiments: plain experiment files in `resources/recipes`, each with a title and its lesson."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.resources import resource_folder

FIRST = "digits"
"""The experiment shown at the first start: real data that is always available, one click from training."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One bundled experiment. `teaches` is one sentence; `order` its place in the gallery, from 0."""

    name: str
    title: str
    teaches: str
    experiment: Experiment
    order: int


def list_recipes() -> tuple[Recipe, ...]:
    """All recipes in the gallery's order."""
    return tuple(_read(order) for order in range(len(_index())))


def load_recipe(name: str) -> Recipe:
    """The recipe of this name. Raises `UserError` with the names there are."""
    names = [entry["name"] for entry in _index()]
    if name not in names:
        raise UserError(f'There is no recipe "{name}".', f"There are {', '.join(names)}.")
    return _read(names.index(name))


@cache
def _index() -> tuple[dict[str, str], ...]:
    return tuple(json.loads((_folder() / "index.json").read_text(encoding="utf-8"))["recipes"])


@cache
def _read(order: int) -> Recipe:
    entry = _index()[order]
    experiment = codec.load(_folder() / f"{entry['name']}.json")
    return Recipe(entry["name"], entry["title"], entry["teaches"], experiment, order)


def _folder() -> Path:
    return resource_folder() / "recipes"

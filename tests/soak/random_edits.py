"""Random edits, undone and redone, saved and loaded, each time held against what the document should hold."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec, edits
from dnnstudio.core.experiment.layers import LAYER_KINDS
from dnnstudio.core.experiment.recipes import list_recipes
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.gui.base.document import Document

MOST_LAYERS = 30
FILE_EVERY = 50
"""Saving waits for the disk; every fiftieth step does."""


def random_edit(experiment: Experiment, chance: random.Random) -> Experiment:
    """One edit of the kinds that the window makes; it may be refused."""
    ids = list(edits.ids_of(experiment))
    some = chance.sample(ids, chance.randint(0, min(3, len(ids))))
    match chance.randrange(8):
        case 0 if len(ids) < MOST_LAYERS:
            layer = edits.new_layer(experiment, chance.choice(list(LAYER_KINDS)))
            return edits.add_layer(experiment, layer, chance.randint(0, len(ids)))
        case 1 if len(ids) < MOST_LAYERS:
            return edits.duplicate_layers(experiment, some)
        case 2:
            return edits.remove_layers(experiment, some)
        case 3:
            return edits.move_layers(experiment, some, chance.randint(0, len(ids)))
        case 4:
            return edits.change_layers(experiment, some or ids[:1], units=chance.randint(-3, 500))
        case 5:
            return edits.set_value(experiment, "training.epochs", chance.randint(-1, 100))
        case 6:
            return edits.set_value(experiment, "data.classes.keep", chance.choice([None, [0, 1], [3], [2, 1, 0]]))
        case _:
            rate = chance.choice([0.1, 0.01, 0.0, float("nan")])
            return edits.set_value(experiment, "optimizer.learning_rate", rate)


@dataclass(frozen=True, slots=True)
class Found:
    """How many steps were taken without a difference, how many edits were refused, and files written and read."""

    steps: int
    refused: int
    files: int


def random_steps(steps: int, *, seed: int, path: Path) -> Found:
    """So many random steps on a document. Raises `AssertionError` at the first difference."""
    chance = random.Random(seed)
    document = Document(list_recipes()[0].experiment)
    states, at = [document.experiment], 0
    refused = files = 0
    for step in range(steps):
        choice = chance.random()
        if choice < 0.6:
            before = codec.to_json(document.experiment)
            try:
                after = random_edit(document.experiment, chance)
            except UserError:
                refused += 1
                assert codec.to_json(document.experiment) == before
                continue
            if after != document.experiment:
                document.push(after, "edit")
                states[at + 1 :] = [after]
                at += 1
        elif choice < 0.8 and at > 0:
            document.undo_stack.undo()
            at -= 1
        elif choice < 0.95 and at < len(states) - 1:
            document.undo_stack.redo()
            at += 1
        elif step % FILE_EVERY == 0:
            files += 1
            document.save(path)
            assert codec.load(path) == document.experiment
        assert document.experiment == states[at]
        assert codec.from_json(codec.to_json(document.experiment)) == states[at]
    return Found(steps, refused, files)

"""Why actions cannot be done: the sentences that stand beside grey buttons, and what helps."""

from __future__ import annotations

from functools import partial

from dnnstudio.core.analysis.checks import Problem
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.theme import Cure

NO_NETWORK = "There is no trained network yet. Press Train first, or open a model."
NO_TRAINING = "No training is running."
UNDER_WAY = "A training is running. Wait until it has ended, or stop it."
STOPPING = "The training is ending already."
NO_RUN = "No run is chosen. Choose one in the table of runs."

Refusal = tuple[str, Cure | None]
"""The arguments of `Actions.set_reason` after the name: a sentence or "", and what helps."""


def training_refusal(document: Document, controller: RunController, actions: Actions) -> Refusal:
    """Why the experiment cannot be trained now: the first error of its checks, or a training under way."""
    error = next((problem for problem in document.problems if problem.severity == "error"), None)
    if error is not None:
        return error.title, _cure_of(error, document)
    return busy_refusal(controller, actions)


def busy_refusal(controller: RunController, actions: Actions) -> Refusal:
    """Why nothing else can be trained while a training is under way."""
    return (UNDER_WAY, actions.doing("stop")) if controller.training else ("", None)


def no_network_refusal(controller: RunController, actions: Actions) -> Refusal:
    """Why no network can be asked, where there is none."""
    if controller.training:
        return "The first network is being trained. It can be asked when that has ended.", actions.doing("stop")
    return NO_NETWORK, actions.doing("train")


def idle_refusal(controller: RunController, actions: Actions, *, ending: bool = False) -> Refusal:
    """Why a training cannot be paused or ended; `ending` says that one in its end cannot either."""
    match controller.activity:
        case "idle":
            return NO_TRAINING, actions.doing("train")
        case "stopping":
            return STOPPING, None
        case "queued" if not ending:
            return "The training waits for its turn.", None
        case "repeating" if not ending:
            return "Several trainings run in processes of their own. They can be stopped, and go on later.", None
    return "", None


def _cure_of(problem: Problem, document: Document) -> Cure | None:
    """The one-click fix of a problem as an undo step; without one, the layer that it is about."""
    if problem.fix is not None:
        fix = problem.fix
        return Cure(fix.label, lambda: document.push(fix.apply(document.experiment), fix.label))
    if document.layer(problem.place) is not None:
        return Cure(f"Show {problem.place}", partial(document.select, (problem.place,)))
    return None

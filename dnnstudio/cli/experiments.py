"""The commands for experiment files: `check`, `schema` and `recipes`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dnnstudio.cli.common import ExperimentPath, as_sentence, describe, read_experiment, say

app = typer.Typer()


@app.command()
def check(experiment: ExperimentPath) -> int:
    """Say what is wrong with an experiment.

    The exit code is 1 if it cannot be trained.
    """
    from dnnstudio.core.analysis.checks import find_problems, has_errors
    from dnnstudio.core.analysis.shared_changes import changed_by, changes_sentence
    from dnnstudio.core.experiment.data import known_summary
    from dnnstudio.core.text import printable, shortened

    read = read_experiment(experiment)
    problems = find_problems(read, known_summary(read.data) or describe(read.data, read.seed).summary)
    for problem in problems:
        place = f"{problem.place}: " if problem.place else ""
        fix = f" Fix: {problem.fix.label}." if problem.fix is not None else ""
        say(f"{problem.severity}: {place}{as_sentence(problem.title)} {as_sentence(problem.reason)}{fix}".rstrip())
    changes = changes_sentence(changed_by(read, base=experiment if experiment.is_dir() else experiment.parent))
    if changes:
        say(f"warning: {changes} The command run wants --change-shared for that.")
    elif not problems:
        say(f"{printable(shortened(read.name))}: nothing wrong.")
    return 1 if has_errors(problems) else 0


@app.command()
def schema() -> None:
    """Print the JSON Schema of an experiment file."""
    from dnnstudio.core.experiment.record import Experiment

    say(json.dumps(Experiment.model_json_schema(), indent=2, ensure_ascii=False))


@app.command()
def recipes(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Print this experiment's file.")] = None,
) -> None:
    """List the bundled experiments, or print one of them."""
    from dnnstudio.core.experiment.codec import to_json
    from dnnstudio.core.experiment.recipes import list_recipes, load_recipe

    if name is not None:
        say(to_json(load_recipe(name).experiment), end="")
        return
    found = list_recipes()
    width = max(len(recipe.name) for recipe in found)
    for recipe in found:
        say(f"{recipe.name:<{width}}  {recipe.title}: {recipe.teaches}")

"""How much of the spread of a sweep's figure each varied field explains, by Optuna, in a process of its own.

A window asks by `question`, gives it to `COMMAND` and reads the answer: importing what the forest needs takes a second.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence

from pydantic import TypeAdapter

from dnnstudio.core.study.sweep import SweepPlan
from dnnstudio.core.study.trials import Trial
from dnnstudio.core.study.varied import Listed, Varied, value_text
from dnnstudio.runner.choosing import distribution_of

ENOUGH = 20
"""Below so many trials the order of the fields is mostly chance."""
COMMAND = (sys.executable, "-m", "dnnstudio.runner.importance")
"""Reads a question from its standard input and prints the answer."""
_VARY = TypeAdapter(tuple[Varied, ...])


def counted(plan: SweepPlan, trials: Sequence[Trial]) -> list[Trial]:
    """The trials that an importance is told from: those that are done and have the figure."""
    return [
        trial for trial in trials if trial.status == "done" and math.isfinite(trial.figures.get(plan.target, math.nan))
    ]


def question(plan: SweepPlan, trials: Sequence[Trial]) -> str:
    """What the process is asked, as JSON; "" below `ENOUGH` trials, and where all have the same figure."""
    known = counted(plan, trials)
    figures = [trial.figures[plan.target] for trial in known]
    if len(known) < ENOUGH or len(set(figures)) < 2:
        return ""
    vary = _VARY.dump_python(plan.vary, mode="json")
    values = [[trial.values[path] for path in plan.paths] for trial in known]
    return json.dumps({"vary": vary, "values": values, "figures": figures, "seed": plan.experiment.seed})


def answer(asked: str) -> dict[str, float]:
    """Path → share of the figure's variance that the field explains, largest first; they sum to 1.

    By fANOVA (Hutter, Hoos and Leyton-Brown, 2014) over a forest of the experiment's seed.
    """
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    plain = json.loads(asked)
    vary = _VARY.validate_python(plain["vary"], strict=False)
    distributions = {one.path: distribution_of(one) for one in vary}
    study = optuna.create_study()
    for values, figure in zip(plain["values"], plain["figures"], strict=True):
        params = {
            one.path: value_text(value) if isinstance(one, Listed) else value
            for one, value in zip(vary, values, strict=True)
        }
        study.add_trial(optuna.create_trial(params=params, distributions=distributions, value=figure))
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=plain["seed"]))
    shares = {one.path: float(found.get(one.path, 0.0)) for one in vary}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


if __name__ == "__main__":
    print(json.dumps(answer(sys.stdin.read())))

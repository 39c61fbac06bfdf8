"""Which values the trials of a sweep have: a grid's by themselves, others by Optuna, which is imported here alone.

Optuna is asked and told in this process only. What it knows lies in a journal file, never in SQLite, where a queue of
trials loses and repeats some.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dnnstudio.core.errors import UserError
from dnnstudio.core.os_errors import reason_of
from dnnstudio.core.study.sweep import SweepPlan, grid_values
from dnnstudio.core.study.trials import Trial
from dnnstudio.core.study.varied import Listed, Ranged, value_text

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.storages import JournalStorage
    from optuna.trial import FrozenTrial

JOURNAL = "journal.log"
_STUDY = "sweep"
_SEEDS = 2**32


class Chooser(Protocol):
    """Gives the trials their values, in the order of their numbers, and hears how they ended."""

    def values(self, number: int) -> dict[str, Any]:
        """Path → value of the trial; the same ones however often it is asked."""

    def told(self, trial: Trial, *, epochs: int) -> None:
        """How a trial that is over ended, after so many epochs."""


def chooser_of(folder: Path, plan: SweepPlan, trials: Iterable[Trial]) -> Chooser:
    """Who chooses for the sweep in `folder`, where these trials have ended. Raises `UserError`."""
    return GridChooser(plan) if plan.sampler is None else OptunaChooser(folder, plan, trials)


class GridChooser:
    """Every combination of the lists once, as `itertools.product` gives them."""

    def __init__(self, plan: SweepPlan) -> None:
        self._values = tuple(grid_values(plan))

    def values(self, number: int) -> dict[str, Any]:
        """The combination with that number."""
        return self._values[number]

    def told(self, trial: Trial, *, epochs: int) -> None:
        """Nothing to learn from."""


class OptunaChooser:
    """Optuna's random or TPE sampler over a study in `journal.log`, whose trials have the numbers of the sweep's.

    The random sampler's values are the same whether a sweep was interrupted or not. TPE learns from what is done, so
    its values depend on the order in which trials end.
    """

    def __init__(self, folder: Path, plan: SweepPlan, trials: Iterable[Trial]) -> None:
        """The caller must be the only one that works on the folder. Raises `UserError` for a damaged journal."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._plan = plan
        self._distributions = {one.path: distribution_of(one) for one in plan.vary}
        self._path = folder / JOURNAL
        self._sampler = _sampler(plan, 0)
        self._storage = self._opened()
        self._study = optuna.create_study(
            storage=self._storage,
            sampler=self._sampler,
            study_name=_STUDY,
            load_if_exists=True,
            direction="maximize" if plan.higher_is_better else "minimize",
        )
        for trial in trials:
            self.told(trial, epochs=0)
        made = self._study.get_trials(deepcopy=False)
        if plan.sampler == "random":
            self._draw_again(made)
        else:
            self._study.sampler = _sampler(plan, len(made))

    def values(self, number: int) -> dict[str, Any]:
        """The values of the trial: those that it has in the journal, or new ones. Raises `UserError`."""
        from optuna.trial import Trial as Asked

        made = len(self._study.get_trials(deepcopy=False))
        if number > made:
            raise UserError(f"{self._path} lacks trials that were made.", "Sweep into a new folder.")
        if number == made:
            params = self._study.ask(self._distributions).params
        else:  # the program may have ended before all its values were in the journal
            asked = Asked(self._study, self._id_of(number))
            params = {path: _suggested(asked, one) for path, one in zip(self._plan.paths, self._plan.vary, strict=True)}
        return {one.path: _given(one, params[one.path]) for one in self._plan.vary}

    def told(self, trial: Trial, *, epochs: int) -> None:
        """Let the sampler learn from a trial that is over; what it knows already it is not told again."""
        from optuna.trial import Trial as Asked
        from optuna.trial import TrialState

        known = self._study.get_trials(deepcopy=False)
        if not trial.is_over or trial.number >= len(known) or known[trial.number].state.is_finished():
            return
        figure = trial.figures.get(self._plan.target)
        if trial.status == "done" and figure is not None:
            self._study.tell(trial.number, figure)
        elif trial.status == "pruned":
            if figure is not None:
                Asked(self._study, self._id_of(trial.number)).report(figure, epochs)
            self._study.tell(trial.number, state=TrialState.PRUNED)
        else:
            self._study.tell(trial.number, state=TrialState.FAIL)

    def _draw_again(self, made: Sequence[FrozenTrial]) -> None:
        """Draw what was drawn before, so that the next draw is a new one, and complete a trial that was cut off."""
        import optuna

        past = optuna.create_study(sampler=self._sampler)
        for trial in made:
            drawn = past.ask(self._distributions).params
            for path in drawn.keys() - trial.params.keys():
                distribution = self._distributions[path]
                internal = distribution.to_internal_repr(drawn[path])
                self._storage.set_trial_param(self._id_of(trial.number), path, internal, distribution)

    def _opened(self) -> JournalStorage:
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

        try:
            _mend(self._path)
            lock = JournalFileOpenLock(str(self._path))
            return JournalStorage(JournalFileBackend(str(self._path), lock_obj=lock))
        except OSError as error:
            raise UserError(f"{self._path} cannot be opened: {reason_of(error)}.", "Check its permissions.") from None
        except (ValueError, KeyError, TypeError, AssertionError):
            raise UserError(f"{self._path} is damaged.", "Sweep into a new folder.") from None

    def _id_of(self, number: int) -> int:
        study = self._storage.get_study_id_from_name(_STUDY)
        return self._storage.get_trial_id_from_study_id_trial_number(study, number)


def _mend(path: Path) -> None:
    """Clear what a killed program left: half a last line, to which the next would be joined, and the lock."""
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    if not path.exists():
        return
    with path.open("r+b") as file:
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)


def _sampler(plan: SweepPlan, made: int) -> BaseSampler:
    from optuna.samplers import RandomSampler, TPESampler

    if plan.sampler == "random":
        return RandomSampler(seed=plan.experiment.seed)
    # TPE cannot be brought back to where it stood: with another seed it goes on, with the same it would begin again.
    return TPESampler(seed=(plan.experiment.seed + made) % _SEEDS)


def distribution_of(one: Listed | Ranged) -> BaseDistribution:
    """How Optuna draws the values of a field. Listed values are choices by their texts."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(one, Listed):  # by their texts: a choice must be hashable, and 1 and true must differ
        return CategoricalDistribution([value_text(value) for value in one.values])
    if one.whole:
        return IntDistribution(int(one.low), int(one.high), log=one.log)
    return FloatDistribution(one.low, one.high, log=one.log)


def _suggested(asked: Any, one: Listed | Ranged) -> Any:
    if isinstance(one, Listed):
        return asked.suggest_categorical(one.path, [value_text(value) for value in one.values])
    if one.whole:
        return asked.suggest_int(one.path, int(one.low), int(one.high), log=one.log)
    return asked.suggest_float(one.path, one.low, one.high, log=one.log)


def _given(one: Listed | Ranged, param: Any) -> Any:
    """The value that the experiment takes, of what Optuna chose."""
    return {value_text(value): value for value in one.values}[param] if isinstance(one, Listed) else param

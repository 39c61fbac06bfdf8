"""The command `uncertainty`, and its files and output."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from dnnstudio.cli.common import AsJson, AskedPath, DataFrom, WhichWeights, as_weights, experiment_for, run_job, say
from dnnstudio.core.errors import UserError

if TYPE_CHECKING:
    from dnnstudio.core.uncertainty.number_samples import NumberSamples
    from dnnstudio.core.uncertainty.samples import Samples

app = typer.Typer()


@app.command()
def uncertainty(
    model: AskedPath,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.npz", help="The file that the arrays are written to.")],
    data: DataFrom = None,
    samples: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100_000,
            help="How many passes with dropout on; for an ensemble, of each member. 100 if left out.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Same seed, same passes; the experiment's, as in the window, if left out.")
    ] = None,
    weights: WhichWeights = "last",
    as_json: AsJson = False,
) -> None:
    """Pass the test part through a model many times with its dropout on, and write what each pass said.

    A model without dropout answers once; with --samples it is refused. The passes of an ensemble are its members: each
    answers once with its dropout off; with --samples each makes so many, in turn.
    """
    from dnnstudio.core.jobs.requests import SampleModel
    from dnnstudio.core.uncertainty.number_samples import NumberSamples
    from dnnstudio.core.workspace.ensembles import absent_note

    check_target(out)
    experiment = experiment_for(model, data)
    passes = 100 if samples is None else samples
    drawn = experiment.seed if seed is None else seed
    job = SampleModel(
        model=model,
        experiment=experiment,
        passes=passes,
        seed=drawn,
        stochastic=None if samples is None else True,
        weights=as_weights(weights),
    )
    found = run_job(job)
    write(found, out)
    if absent := absent_note(model):
        say(absent, file=sys.stderr)
    if isinstance(found, NumberSamples):
        say(json.dumps(numbers_as_object(found, out)) if as_json else numbers_as_text(found, out))
    else:
        say(json.dumps(as_object(found, out)) if as_json else as_text(found, out))


def check_target(out: Path) -> None:
    """Refuse an unsupported file type before spending minutes on the passes. Raises `UserError`."""
    if out.suffix.lower() != ".npz":
        raise UserError(f"--out is {out}; the arrays are written as an .npz file.", "For example: --out samples.npz.")
    if not out.parent.is_dir():
        raise UserError(f"The folder {out.parent} does not exist.", "Make it first, or choose another.")


def write(samples: Samples | NumberSamples, out: Path) -> None:
    """Write all arrays as an .npz file. Raises `UserError`."""
    import numpy as np

    from dnnstudio.core.atomic_files import write_atomically

    def fill(file: BinaryIO) -> None:
        np.savez(file, **samples.arrays())  # type: ignore[arg-type]

    write_atomically(out, fill)


def as_object(samples: Samples, out: Path) -> dict[str, Any]:
    """The figures for `--json`."""
    from dnnstudio.core.uncertainty.calibration import brier, nll, reliability
    from dnnstudio.core.uncertainty.scores import reported_scores

    scores, rows = samples.scores, samples.rows
    return {
        "file": str(out),
        "samples": samples.passes,
        "images": len(rows),
        "classes": scores.classes,
        "seed": samples.seed,
        "accuracy": float(samples.correct.mean()),
        "accuracy_vote": float((scores.vote == rows.labels).mean()),
        "accuracy_deterministic": float((rows.deterministic.argmax(axis=1) == rows.labels).mean()),
        **{one.file_key: float(scores.values[one.name].mean()) for one in reported_scores()},
        "ece": reliability(scores.max_probability, samples.correct).ece,
        "brier": brier(scores.mean, rows.labels),
        "nll": nll(scores.mean, rows.labels),
        "seconds": round(samples.seconds, 3),
    }


def as_text(samples: Samples, out: Path) -> str:
    """The figures as text."""
    from dnnstudio.core.text import count_of
    from dnnstudio.core.uncertainty.scores import reported_scores

    means = [
        (one.title, samples.scores.uncertainty(one.name).mean())
        for one in reported_scores()
        if one.of_single_pass or not samples.is_single
    ]
    found = as_object(samples, out)
    accuracy = f"accuracy {found['accuracy']:.4f}"
    if not samples.is_single:
        accuracy = (
            f"accuracy: mean {found['accuracy']:.4f}, vote {found['accuracy_vote']:.4f}, "
            f"dropout off {found['accuracy_deterministic']:.4f}"
        )
    passes = count_of(found["samples"], "pass")
    lines = [
        f"{passes} over {count_of(found['images'], 'row')} and {count_of(found['classes'], 'class')}.",
        accuracy,
        ", ".join(f"{title.lower()} {mean:.4f}" for title, mean in means),
        f"calibration error {found['ece']:.4f}, Brier {found['brier']:.4f}, log loss {found['nll']:.4f}",
        f"Written to {out}",
    ]
    if samples.is_single:
        lines.insert(1, "Nothing in this network is random, so there is one answer for each row and no spread.")
    elif not samples.has_spread:
        lines.insert(1, "Every pass said the same: the dropout of this network changes nothing.")
    return "\n".join(lines)


def numbers_as_object(samples: NumberSamples, out: Path) -> dict[str, Any]:
    """The figures of a predicted number for `--json`, in the target's own unit."""
    from dnnstudio.core.uncertainty.numbers import gaussian_intervals

    scores, summary = samples.scores, samples.summary
    found: dict[str, Any] = {
        "file": str(out),
        "samples": samples.passes,
        "rows": len(samples.rows),
        "seed": samples.seed,
        "mean_absolute_error": scores.mae,
        "root_mean_squared_error": scores.rmse,
        "r2_score": scores.r2,
        "baseline_mean_absolute_error": samples.baseline,
        "std": float(summary.std.mean()),
        "seconds": round(samples.seconds, 3),
    }
    if not samples.is_single:
        intervals = gaussian_intervals(summary.mean, summary.std, 0.9)
        found["coverage_of_90"] = intervals.coverage(samples.rows.truth).value
    return found


def numbers_as_text(samples: NumberSamples, out: Path) -> str:
    """The figures of a predicted number as text."""
    from dnnstudio.core.text import count_of

    found = numbers_as_object(samples, out)
    lines = [
        f"{count_of(samples.passes, 'pass')} over {count_of(len(samples.rows), 'row')}.",
        f"mean absolute error {found['mean_absolute_error']:.6g} (always saying the training mean: "
        f"{found['baseline_mean_absolute_error']:.6g}), root mean squared error "
        f"{found['root_mean_squared_error']:.6g}, R² {found['r2_score']:.4f}",
    ]
    if samples.is_single:
        lines.append("Nothing in this network is random, so there is one answer for each row and no spread.")
    else:
        lines.append(
            f"mean spread of passes {found['std']:.6g}; intervals of 90 % from it alone hold "
            f"{100 * found['coverage_of_90']:.1f} % of the true numbers"
        )
    return "\n".join([*lines, f"Written to {out}"])

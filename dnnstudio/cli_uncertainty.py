"""The command `uncertainty`, what it writes and prints; `dnnstudio.cli` registers it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from dnnstudio.core.errors import UserError

if TYPE_CHECKING:
    from dnnstudio.core.uncertainty.samples import Samples


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(uncertainty)


def uncertainty(
    model: Annotated[Path, typer.Argument(metavar="MODEL_OR_RUN", help="A .keras or .h5 file or a run folder.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.npz", help="The file that the arrays are written to.")],
    data: Annotated[
        Path | None, typer.Option("--data", metavar="EXPERIMENT", help="Whose data to use; a run has its own.")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, max=100_000, help="How many passes with dropout on.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same passes.")] = 42,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Pass the test part through a model many times with its dropout on, and write what each pass said."""
    from dnnstudio import cli
    from dnnstudio.core.jobs import SampleModel

    check_target(out)
    experiment = cli._experiment_for(model, data)
    found = cli._do(SampleModel(model=model, experiment=experiment, passes=samples, seed=seed))
    write(found, out)
    print(json.dumps(as_object(found, out)) if as_json else as_text(found, out))


def check_target(out: Path) -> None:
    """Refuse another kind of file before minutes are spent on the passes. Raises `UserError`."""
    if out.suffix.lower() != ".npz":
        raise UserError(f"--out is {out}; the arrays are written as an .npz file.", "For example: --out samples.npz.")
    if not out.parent.is_dir():
        raise UserError(f"The folder {out.parent} does not exist.", "Make it first, or choose another.")


def write(samples: Samples, out: Path) -> None:
    """Write all arrays as an .npz file. Raises `UserError`."""
    import numpy as np

    from dnnstudio.core.files import write_atomically

    def fill(file: BinaryIO) -> None:
        np.savez(file, **samples.arrays())  # type: ignore[arg-type]

    write_atomically(out, fill)


def as_object(samples: Samples, out: Path) -> dict[str, Any]:
    """The figures for `--json`."""
    from dnnstudio.core.uncertainty.calibration import brier, nll, reliability

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
        "entropy": float(scores.predictive_entropy.mean()),
        "expected_entropy": float(scores.expected_entropy.mean()),
        "mutual_information": float(scores.mutual_information.mean()),
        "ece": reliability(scores.max_probability, samples.correct).ece,
        "brier": brier(scores.mean, rows.labels),
        "nll": nll(scores.mean, rows.labels),
        "seconds": round(samples.seconds, 3),
    }


def as_text(samples: Samples, out: Path) -> str:
    """The same for a person."""
    found = as_object(samples, out)
    lines = [
        f"{found['samples']:,} passes over {found['images']:,} rows and {found['classes']} classes.",
        f"accuracy: mean {found['accuracy']:.4f}, vote {found['accuracy_vote']:.4f}, "
        f"dropout off {found['accuracy_deterministic']:.4f}",
        f"predictive entropy {found['entropy']:.4f}, expected entropy {found['expected_entropy']:.4f}, "
        f"mutual information {found['mutual_information']:.4f}",
        f"calibration error {found['ece']:.4f}, Brier {found['brier']:.4f}, log loss {found['nll']:.4f}",
        f"Written to {out}",
    ]
    if not samples.has_spread:
        lines.insert(1, "Every pass said the same: the dropout of this network changes nothing.")
    return "\n".join(lines)

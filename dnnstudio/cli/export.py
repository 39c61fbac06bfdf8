"""The command `export`: an experiment as a script or notebook, a trained network in the format of another program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dnnstudio.cli.common import WhichWeights, as_weights, describe, opened_bundle, read_experiment, run_job, say
from dnnstudio.core.errors import UserError
from dnnstudio.core.export.formats import EXPORTERS, Exporter

if TYPE_CHECKING:
    from dnnstudio.core.workspace.runs import Weights

app = typer.Typer()


def _names() -> tuple[str, ...]:
    return tuple(row.name for row in EXPORTERS.values() if row.on_command_line)


@app.command()
def export(
    place: Annotated[
        Path,
        typer.Argument(
            metavar="EXPERIMENT_OR_RUN",
            help="An experiment file, a run or ensemble folder, a model file, a bundle.",
            callback=opened_bundle,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file that is written.")],
    to: Annotated[
        str, typer.Option("--to", metavar="FORMAT", help=f"What it becomes: one of {', '.join(_names())}.")
    ] = "python",
    weights: WhichWeights = "last",
    stochastic: Annotated[
        bool, typer.Option("--stochastic", help="Keep dropout active, so that each run of the file is another opinion.")
    ] = False,
    limits: Annotated[
        str, typer.Option("--limits", metavar="TEXT", help="Of a report: what the network is not for.")
    ] = "",
    without: Annotated[
        list[str], typer.Option("--without", metavar="SECTION", help="Leave a section out of a report.")
    ] = [],  # noqa: B006 - typer reads it
) -> None:
    """Write an experiment as a Python script or notebook of plain Keras, or a run's network for another program.

    ONNX, LiteRT and SavedModel files are run on 100 rows after writing, and refused where they compute otherwise.
    """
    from dnnstudio.core.atomic_files import write_atomically

    if not out.parent.is_dir():
        raise UserError(f"The folder {out.parent} does not exist.", "Make it first, or choose another.")
    if to not in _names():
        raise UserError(f"--to is {to}; there is no such format.", f"Use one of {', '.join(_names())}.")
    chosen = EXPORTERS[to]
    if stochastic and not chosen.runtime:
        raise UserError(f"--stochastic is for networks in another program's format, not for {to}.", "Leave it out.")
    if chosen.name == "bundle":
        _bundle(place, out, chosen)
        return
    if chosen.of_run:
        _report(place, out, limits, without)
        say(f"Written to {out}")
        return
    if chosen.runtime:
        _export_network(place, out, chosen, as_weights(weights), stochastic=stochastic)
        return
    if chosen.needs_weights:
        _export_model(place, out, chosen, as_weights(weights))
        return
    write_atomically(out, _code(place, chosen).encode())
    say(f"Written to {out}")


def _code(place: Path, to: Exporter) -> str:
    from dnnstudio.core.experiment.data import known_summary

    experiment = read_experiment(place)
    summary = known_summary(experiment.data) or describe(experiment.data, experiment.seed).summary
    text: str = to.load()(experiment, summary)
    return text


def _export_model(place: Path, out: Path, to: Exporter, weights: Weights) -> None:
    from dnnstudio.core.jobs.requests import SaveModel

    _require(place, out, to)
    saved = run_job(SaveModel(model=place, path=out, weights=weights))
    say(f"Written to {out}")
    if saved.note:
        say(saved.note)


def _require(place: Path, out: Path, to: Exporter) -> None:
    if to.suffix and out.suffix.lower() != to.suffix:
        raise UserError(f"--out is {out}; with --to {to.name} it ends in {to.suffix}.", "Rename it.")
    if place.suffix.lower() == ".json":
        raise UserError(f"{place} is an experiment, which has no weights yet.", "Train it, and give its run folder.")


def _export_network(place: Path, out: Path, to: Exporter, weights: Weights, *, stochastic: bool) -> None:
    from dnnstudio.core.jobs.exports import ExportNetwork

    _require(place, out, to)
    done = run_job(ExportNetwork(model=place, path=out, to=to.name, weights=weights, stochastic=stochastic))
    say(f"Written to {done.path}")
    for sentence in done.sentences:
        say(sentence)


def _report(place: Path, out: Path, limits: str, without: list[str]) -> None:
    """Write the report on a run, an ensemble or a sweep, as a page or a PDF."""
    from dnnstudio.core.jobs.report_figures import MeasureForReport
    from dnnstudio.report.gathering import gather, network_of
    from dnnstudio.report.sections import TITLES
    from dnnstudio.report.writing import require_report_place, write_report

    require_report_place(out)
    unknown = [name for name in without if name not in TITLES]
    if unknown:
        raise UserError(f"A report has no section {unknown[0]}.", f"There are {', '.join(TITLES)}.")
    gather(place)  # refused before the network is asked
    figures = None
    try:
        figures = run_job(MeasureForReport(model=network_of(place)))
    except UserError as error:  # its data is elsewhere, or it was pretrained on a task of its own
        say(f"Without what the network would say of its test rows: {error.message}")
    report = gather(place, limits=limits, figures=figures)
    if out.suffix.lower() == ".pdf":
        from dnnstudio.gui.exporting.pdf import write_pdf_without_window

        write_pdf_without_window(report, out, without=without)
    else:
        write_report(report, out, without=without)


def _bundle(place: Path, out: Path, to: Exporter) -> None:
    from dnnstudio.core.jobs.bundles import WriteBundle

    _require(place, out, to)
    done = run_job(WriteBundle(model=place, path=out))
    say(f"Written to {done.path}")
    for sentence in done.sentences:
        say(sentence)


@app.command("open-bundle")
def open_bundle(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A .dnnstudio file.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The new folder that becomes the run.")],
) -> None:
    """Open a run that another person bundled, and say whether it computes the same here."""
    from dnnstudio.core.jobs.bundles import OpenBundle

    done = run_job(OpenBundle(path=bundle, folder=out))
    say(f"Written to {done.folder}")
    say(done.sentence)

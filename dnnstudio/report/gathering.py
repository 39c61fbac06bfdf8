"""What a report says, read from the folder of a run, a repeat or a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import known_summary
from dnnstudio.core.experiment.layers import Layer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Autoencoder, Phase, Reuse, Rotation
from dnnstudio.core.jobs.report_figures import ReportFigures
from dnnstudio.core.study.listing import settings_of
from dnnstudio.core.study.repeat_record import mean_rows, member_rows
from dnnstudio.core.study.setting_words import setting_text, setting_title
from dnnstudio.core.study.sweep import read_sweep, trial_folder
from dnnstudio.core.study.trials import best_trial, read_trials
from dnnstudio.core.text import count_of, date_text, duration, figure, share_text, unbroken, with_spread, within_words
from dnnstudio.core.uncertainty.figure_names import BASELINE, RECALL
from dnnstudio.core.workspace.ensembles import is_ensemble, read_ensemble, trained_members
from dnnstudio.core.workspace.figures import measured
from dnnstudio.core.workspace.history import FILE as HISTORY
from dnnstudio.core.workspace.history import Row, read_rows
from dnnstudio.core.workspace.runs import EXPERIMENT, is_run, is_sweep, read_metrics
from dnnstudio.core.workspace.training_record import TrainedWith
from dnnstudio.report.sections import TITLES, Cell, Chart, Line, Report, Section, Table, plain

PARTS = ("train", "validation", "test", "ensemble")
SHARES = ("accuracy", "balanced_accuracy", BASELINE)


def gather(folder: Path, *, limits: str = "", figures: ReportFigures | None = None) -> Report:
    """The whole report on a run, a repeat or a sweep. `limits` is what a person wrote, `figures` what was measured.

    Raises `UserError` where the folder holds none of them, or nothing is trained there yet.
    """
    trials: tuple[Section, ...] = ()
    place = folder
    seeds: tuple[int, ...] = ()
    if is_sweep(folder):
        section, place = _trials(folder)
        trials = (section,)
    if is_ensemble(place):
        record = read_ensemble(place)
        experiment, rows = record.experiment, mean_rows(member_rows(place, record.seeds).values())[0]
        seeds = record.seeds
    elif is_run(place):
        experiment, rows = codec.load(place / EXPERIMENT), read_rows(place / HISTORY)
    else:
        raise UserError(f"{folder} holds no run, repeat or sweep.", "Give the folder of one.")
    metrics = read_metrics(place) or {}
    if not metrics:
        raise UserError(f"The run in {place} has not ended yet.", "Let it finish, or go on with it.")
    found = [
        Section("task", TITLES["task"], tuple(_task(experiment, figures))),
        _data(experiment, metrics),
        _network(experiment, metrics),
        _settings("training", experiment, _of_one_network(place, metrics)),
        Section("curves", TITLES["curves"], charts=tuple(_curves(rows))),
        _result(experiment, metrics),
        *trials,
        *_measured(figures, networks=max(len(seeds), 1)),
        Section("limits", TITLES["limits"], tuple(limits.strip().split("\n\n")) if limits.strip() else (NO_LIMITS,)),
        _origin(experiment, metrics, seeds),
    ]
    order = list(TITLES)
    found.sort(key=lambda section: order.index(section.name))
    when = metrics.get("started")
    trained = f"Trained {date_text(float(when))}. " if isinstance(when, int | float) else ""
    return Report(experiment.name, f"{trained}{folder.name}", tuple(found))


def network_of(folder: Path) -> Path:
    """Where the network of a report lies: the folder itself, or a sweep's best trial. Raises `UserError`."""
    return _trials(folder)[1] if is_sweep(folder) else folder


NO_LIMITS = "Nobody has written down yet what this network is not for."


def _task(experiment: Experiment, figures: ReportFigures | None) -> Iterator[str]:
    source = _source_words(experiment)
    if isinstance(experiment.pretraining, Autoencoder):
        yield f"Draw each row again from fewer numbers, without labels. The rows are those of {source}."
        return
    if isinstance(experiment.pretraining, Rotation):
        yield f"Tell by how many quarters a picture was turned, without labels. The rows are those of {source}."
        return
    summary = known_summary(experiment.data)
    classes = figures.classes if figures is not None else summary.class_names if summary is not None else ()
    if classes:
        yield f"Tell {count_of(len(classes), 'class')} apart: {', '.join(classes)}. The rows are those of {source}."
    elif figures is not None:
        yield f"Predict a number. The rows are those of {source}."
    else:
        yield f"Learn from the rows of {source}."


def _source_words(experiment: Experiment) -> str:
    """Where the rows are from: the name of the data, or of the file or folder that holds them."""
    source = experiment.data.source
    path = getattr(source, "path", "")
    return PurePath(path).name or source.label if isinstance(path, str) else source.label


def _data(experiment: Experiment, metrics: Mapping[str, Any]) -> Section:
    section = _settings("data", experiment, metrics)
    prints = metrics.get("data_fingerprint")
    said = (f"Fingerprint of the rows and their preparation: {prints}.",) if prints else ()
    return Section("data", TITLES["data"], said, section.tables)


def _settings(part: str, experiment: Experiment, metrics: Mapping[str, Any]) -> Section:
    """A table of the settings of a part of the experiment; the loss is the one that was trained with."""
    wanted = ("data.",) if part == "data" else ("training.", "optimizer.", "schedule.", "loss", "transfer")
    rows = tuple(
        (plain(_title_within(path)), plain(setting_text(value)))
        for path, value in (settings_of(experiment) | _transfer_words(experiment) | _found_in(metrics)).items()
        if path.startswith(wanted)
    )
    return Section(part, TITLES[part], tables=(Table(("Setting", "Value"), rows),))


def _transfer_words(experiment: Experiment) -> dict[str, str]:
    """The reused layers and the phases in words."""
    transfer = experiment.transfer
    if transfer is None:
        return {}
    cloned = tuple(item for item in transfer.reuse if item not in transfer.shared)
    ways = (("cloned", cloned), ("shared", transfer.shared))
    words = {"transfer.reuse": "; ".join(f"{', '.join(map(_reuse_words, of))} {way}" for way, of in ways if of)}
    if transfer.phases:
        words["transfer.phases"] = "; ".join(map(_phase_words, transfer.phases))
    return words


def _reuse_words(reuse: Reuse) -> str:
    return reuse.layer if reuse.layer == reuse.source else f"{reuse.layer} (from {reuse.source})"


def _phase_words(phase: Phase) -> str:
    frozen = f"{', '.join(phase.frozen)} frozen" if phase.frozen else "nothing frozen"
    rate = "" if phase.learning_rate is None else f", learning rate {figure(phase.learning_rate)}"
    return f"{count_of(phase.epochs, 'epoch')} with {frozen}{rate}"


def _of_one_network(place: Path, metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    """The figures that say how the network was trained; of an ensemble, those of a member."""
    if not is_ensemble(place):
        return metrics
    return next(iter(trained_members(place, read_ensemble(place)).values()), metrics)


def _found_in(metrics: Mapping[str, Any]) -> dict[str, str]:
    """The settings that the data decided."""
    trained = TrainedWith.read(metrics)
    return {} if trained is None else {"loss": trained.loss}


def _title_within(path: str) -> str:
    """A setting's title, with that of what it belongs to: "Validation share", where "Share" alone says nothing."""
    above = path.rpartition(".")[0]
    title = setting_title(path)
    if above.count(".") == 0 or path.endswith(".kind"):
        return title
    return f"{setting_title(above)} {within_words(title)}"


def _network(experiment: Experiment, metrics: Mapping[str, Any]) -> Section:
    rows = tuple(
        (plain(layer.id), plain(layer.label), plain(_layer_words(layer))) for layer in experiment.active_layers
    )
    count = metrics.get("parameters")
    said = (f"{count_of(count, 'parameter')}.",) if isinstance(count, int) else ()
    return Section("network", TITLES["network"], said, (Table(("Layer", "Kind", "Settings"), rows),))


def _layer_words(layer: Layer) -> str:
    """How large a layer is, which its card tells by the shape behind it, and its other settings."""
    for name, noun in (("units", "unit"), ("filters", "filter")):
        size = getattr(layer, name, None)
        if isinstance(size, int):
            return f"{count_of(size, noun)} · {layer.caption()}"
    return layer.caption()


def _curves(rows: list[Row]) -> Iterator[Chart]:
    names = {"loss": "Loss", "accuracy": "Accuracy", "r2_score": "R²", "learning_rate": "Learning rate"}
    for name, title in names.items():
        lines = []
        for column, said in ((name, "training"), (f"val_{name}", "validation")):
            points = tuple(
                (float(row["epoch"]), float(row[column])) for row in rows if column in row and _is_number(row[column])
            )
            if points:
                lines.append(Line(said if name != "learning_rate" else "rate", points, column.startswith("val_")))
        if lines:
            yield Chart(title, "epoch", tuple(lines))


def _result(experiment: Experiment, metrics: Mapping[str, Any]) -> Section:
    """The figures of every part, each with the exact number of metrics.json behind it.

    Those of a repeat stand in two tables: of its networks, and of the mean of their answers.
    """
    parts = {name: metrics[name] for name in PARTS if isinstance(metrics.get(name), dict) and metrics[name]}
    nested = {part: found for part, found in parts.pop("ensemble", {}).items() if isinstance(found, dict)}
    counts = {value["n"] for found in parts.values() for value in found.values() if isinstance(value, dict)}
    one = f"Mean and standard deviation over {count_of(max(counts), 'network')}." if counts else ""
    tables = [_figures(parts, caption=one, count=max(counts, default=0))]
    if nested:
        tables.append(_figures(nested, caption="Of the mean of their answers.", within="ensemble, "))
    said = (measured(metrics, experiment).sentence,) if "ensemble" not in metrics else ()
    return Section("result", TITLES["result"], said, tuple(tables))


def _figures(parts: Mapping[str, Mapping[str, Any]], *, caption: str, count: int = 0, within: str = "") -> Table:
    """A column a part, a row a figure; `count` is the number of networks that the caption names."""
    names = list(dict.fromkeys(name for found in parts.values() for name in found))
    rows = tuple(
        (
            plain(_words(name)),
            *(_figure(f"{within}{part}", name, found.get(name), count) for part, found in parts.items()),
        )
        for name in names
    )
    return Table(("Figure", *(part.capitalize() for part in parts)), rows, caption)


def _words(name: str) -> str:
    return f"recall of {name.removeprefix(RECALL)}" if name.startswith(RECALL) else name.replace("_", " ")


def _figure(part: str, name: str, value: Any, usual: int = 0) -> Cell:
    """A figure, or the mean and spread of one over seeds, with their number where it is not the `usual` one."""
    of = name.removeprefix("val_").removeprefix("test_")
    written = share_text if of in SHARES or of.startswith(RECALL) else figure
    if isinstance(value, dict):
        mean, std, count = value.get("mean"), value.get("std"), value.get("n")
        if not _is_number(mean):
            return plain("")
        text = written(float(mean))  # type: ignore[arg-type]
        if _is_number(std):
            text = with_spread(text, written(float(std)))  # type: ignore[arg-type]
        text += "" if count == usual else f" ({count})"
        return Cell(unbroken(text), float(mean), f"{part}.{name}")  # type: ignore[arg-type]
    return Cell(written(float(value)), float(value), f"{part}.{name}") if _is_number(value) else plain("")


def _setting(value: Any) -> Cell:
    """The value of a varied setting; a number stands at the right, as figures do."""
    return Cell(setting_text(value), float(value)) if _is_number(value) else plain(setting_text(value))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _trials(folder: Path) -> tuple[Section, Path]:
    """The table of a sweep's trials, and the folder of its best one. Raises `UserError` where none is done."""
    plan = read_sweep(folder)
    trials = read_trials(folder)
    best = best_trial(plan, trials)
    if best is None:
        raise UserError(f"No trial of the sweep in {folder} is done.", "Go on with it.")
    paths = list(dict.fromkeys(path for trial in trials.values() for path in trial.values))
    figures = list(dict.fromkeys(name for trial in trials.values() for name in trial.figures))
    rows = tuple(
        (
            plain(f"{trial.number}{' (best)' if trial.number == best.number else ''}"),
            plain(trial.status),
            *(_setting(trial.values.get(path)) for path in paths),
            *(_figure(f"trial {trial.number}", name, trial.figures.get(name)) for name in figures),
        )
        for trial in trials.values()
    )
    heads = ("Trial", "Status", *(setting_title(path) for path in paths), *(_words(name) for name in figures))
    said = f"{count_of(len(trials), 'trial')}; all other sections are about the best one, number {best.number}."
    return Section("trials", TITLES["trials"], (said,), (Table(heads, rows),)), trial_folder(folder, best.number)


def _measured(figures: ReportFigures | None, *, networks: int) -> Iterator[Section]:
    """What was asked of the network for this report, or of the `networks` of a repeat."""
    if figures is None:
        return
    of = f"Of {count_of(figures.rows, f'{figures.part} row')}."
    if figures.pairs:
        dots = Line("answer over true value", figures.pairs)
        away = Line("residual over true value", tuple((true, true - answer) for true, answer in figures.pairs))
        charts = (Chart("Answers", "true value", (dots,), dots=True), Chart("Residuals", "true value", (away,), True))
        yield Section("residuals", TITLES["residuals"], (of,), charts=charts)
        return
    rows = tuple(
        (plain(name), *(Cell(f"{count:,}", count) for count in row))
        for name, row in zip(figures.classes, figures.confusion, strict=True)
    )
    table = Table(("True class", *figures.classes), rows, "A row a true class, a column an answer.")
    yield Section("confusion", TITLES["confusion"], (of,), (table,))
    bins = tuple(
        (Cell(f"{one.rows:,}", one.rows), plain(share_text(one.confidence)), plain(share_text(one.accuracy)))
        for one in figures.bins
    )
    points = tuple((one.confidence, one.accuracy) for one in figures.bins)
    chart = Chart(
        "Accuracy over confidence", "confidence", (Line("network", points), Line("calibrated", DIAGONAL, True))
    )
    said = (
        f"{of} Expected calibration error {figure(figures.calibration_error or 0.0)}, Brier score "
        f"{figure(figures.brier or 0.0)}.",
    )
    yield Section(
        "calibration", TITLES["calibration"], said, (Table(("Rows", "Mean confidence", "Accuracy"), bins),), (chart,)
    )
    more, noun = "", "network" if figures.passes == networks > 1 else "pass"
    if figures.mutual_information is not None:
        more = f", and mutual information {figure(figures.mutual_information)} over {count_of(figures.passes, noun)}"
    kept = tuple(
        (plain(share_text(one.share)), Cell(figure(one.threshold), one.threshold), plain(share_text(one.accuracy)))
        for one in figures.kept
    )
    yield Section(
        "uncertainty",
        TITLES["uncertainty"],
        (
            f"Mean entropy {figure(figures.entropy or 0.0)}{more}. A case is decided by the network where its entropy "
            "is at most the threshold, and shown to a person where it is above.",
        ),
        (Table(("Decided", "Threshold of entropy", "Accuracy of those"), kept),),
    )


DIAGONAL = ((0.0, 0.0), (1.0, 1.0))


def _origin(experiment: Experiment, metrics: Mapping[str, Any], seeds: tuple[int, ...]) -> Section:
    """`seeds` are those of a repeat; () of a single network."""
    rows = [(plain("Seeds" if seeds else "Seed"), plain(", ".join(map(str, seeds or (experiment.seed,)))))]
    versions = metrics.get("versions")
    if isinstance(versions, dict):
        rows += [(plain(str(name)), plain(str(version))) for name, version in versions.items()]
    if (spent := metrics.get("seconds")) is not None and _is_number(spent):
        rows.append((plain("Time"), plain(duration(float(spent)))))
    if metrics.get("fingerprint"):
        rows.append((plain("Fingerprint of the weights"), plain(str(metrics["fingerprint"]))))
    return Section("origin", TITLES["origin"], tables=(Table(("", ""), tuple(rows)),))

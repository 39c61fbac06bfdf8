"""Each kind of file that somebody else may have written: how a whole one is made, and what reads it.

A reader may return or raise `UserError`; whatever else it raises is a bug.
"""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.schedules import SCHEDULE_KINDS
from tests.core.workspace.test_fuzzed_readers import mutated

ROWS = 40
_VALUE = re.compile(rb'[:\[,]\s*("[^"]*"|-?[\d.]+(?:e-?\d+)?|true|false|null|\[\]|\{\})')
VALUES = (
    *(b"0", b"-1", b"1", b"7", b"0.5", b"1e-300", b"1e300", b"1e999", b"-1e999", b"NaN", b"Infinity", b"9" * 400),
    *(
        b"null",
        b"true",
        b"[]",
        b"{}",
        b'""',
        b'"a"',
        b"[1, 2]",
        b"[[1]]",
        b'{"kind": "dense"}',
        b'"\\ud800"',
        b"2147483648",
    ),
    *(b'"\\u001b[2J"', b'"/dev/zero"', b'"../../x"', b"18446744073709551616", b"[" * 500, b'"' + b"x" * 5000 + b'"'),
)
"""What stands in place of a value of a record that stays a record."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`make` writes a whole file into a folder and gives its path; `read` reads that path. `dies` where the reader
    lies in a process of its own because a library may end it.
    """

    make: Callable[[Path], Path]
    read: Callable[[Path], object]
    dies: bool = False


def changed(content: bytes, chance: random.Random) -> bytes:
    """A mutated version; of an archive now and then one whose directory and checksums fit what was changed."""
    if content[:2] == b"PK" and chance.random() < 0.6:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        name = chance.choice(sorted(members))
        members[name] = mutated(members[name], chance)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
            for member, inside in members.items():
                archive.writestr(member, inside)
        return out.getvalue()
    if content[:1] in b"{[" and (values := list(_VALUE.finditer(content))) and chance.random() < 0.7:
        for _ in range(chance.randint(1, 2)):
            place = chance.choice(values)
            content = content[: place.start(1)] + chance.choice(VALUES) + content[place.end(1) :]
            values = list(_VALUE.finditer(content)) or values
        return content
    return mutated(content, chance)


# ---------------------------------------------------------------------------------------------- data files


def _table() -> dict[str, list[Any]]:
    draw = np.random.default_rng(1)
    return {
        "age": [int(value) for value in draw.integers(18, 80, ROWS)],
        "city": [("Ulm", "Köln", "Berlin")[number % 3] for number in range(ROWS)],
        "day": [f"2024-0{1 + number % 9}-1{number % 9}" for number in range(ROWS)],
        "size": [round(float(value), 3) for value in draw.normal(170, 9, ROWS)],
        "bought": [("no", "yes")[number % 2] for number in range(ROWS)],
    }


def _text_table(folder: Path) -> Path:
    rows = zip(*_table().values(), strict=True)
    lines = [";".join(_table()), *(";".join(map(str, row)) for row in rows)]
    (folder / "table.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder / "table.csv"


def _sheet(folder: Path) -> Path:
    """A workbook as small as one can be: its cells are texts and numbers in the sheet itself."""

    def cell(value: Any) -> str:
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
        return f"<c><v>{value}</v></c>"

    table = _table()
    rows = [list(table), *map(list, zip(*table.values(), strict=True))]
    body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    links = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    form = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    members = {
        "[Content_Types].xml": f'<Types xmlns="{types}"><Default Extension="rels" ContentType="application/vnd.'
        'openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType='
        f'"{form}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType='
        f'"{form}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{links}"><Relationship Id="r1" Type="{office}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{office}"><sheets><sheet name="A" sheetId="1" r:id="r1"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{links}"><Relationship Id="r1" Type="{office}/worksheet" '
        'Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"<worksheet {main}><sheetData>{body}</sheetData></worksheet>",
    }
    path = folder / "table.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + content)
    return path


def _old_sheet(folder: Path) -> Path:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("A")
    for column, (name, values) in enumerate(_table().items()):
        for row, value in enumerate([name, *values]):
            sheet.write(row, column, value)
    book.save(str(folder / "table.xls"))
    return folder / "table.xls"


def _parquet(folder: Path) -> Path:
    import polars as pl

    pl.DataFrame(_table()).write_parquet(folder / "table.parquet")
    return folder / "table.parquet"


def _arrays(folder: Path) -> Path:
    draw = np.random.default_rng(2)
    np.savez(folder / "rows.npz", x=draw.integers(0, 256, (ROWS, 4, 4), dtype=np.uint8), y=np.arange(ROWS) % 3)
    return folder / "rows.npz"


def _idx(folder: Path) -> Path:
    from tests.engine.data.conftest import idx_bytes

    draw = np.random.default_rng(3)
    pictures = draw.integers(0, 256, (ROWS, 4, 4), dtype=np.uint8)
    (folder / "train-labels-idx1-ubyte").write_bytes(idx_bytes((np.arange(ROWS) % 3).astype(np.uint8)))
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(idx_bytes(pictures))
    return path


def _picture(folder: Path, name: str) -> Path:
    from PIL import Image

    draw = np.random.default_rng(4)
    for label in ("cat", "dog"):
        (folder / label).mkdir()
        for number in range(4):
            made = Image.fromarray(draw.integers(0, 256, (9, 8, 3), dtype=np.uint8))
            made.save(folder / label / f"{number}{name}")
    return folder / "cat" / f"0{name}"


def _labels(folder: Path) -> Path:
    _picture(folder, ".png")
    names = [f"{label}/{number}.png" for label in ("cat", "dog") for number in range(4)]
    lines = ["file,label", *(f"{name},{name[:3]}" for name in names)]
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder / "labels.csv"


def _read_data(path: Path) -> object:
    """As `dnnstudio new` and then a training would: recognized, judged, proposed, read."""
    from dnnstudio.engine.data import forget, load_dataset
    from dnnstudio.engine.data.proposing import propose

    forget()
    found = propose(path).experiment
    dataset = load_dataset(found.data, seed=found.seed)
    for part in (dataset.train, dataset.validation, dataset.test):
        assert np.isfinite(np.asarray(part.x)).all()
    return dataset


def _above(read: Callable[[Path], object], levels: int) -> Callable[[Path], object]:
    return lambda path: read(path.parents[levels - 1])


# ---------------------------------------------------------------------------------------------- model files


def _model(form: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        from tests.engine.model_files.conftest import Craft

        craft = Craft()
        content = {"keras": craft.keras, "h5": craft.h5, "weights": craft.weights}[form]()
        (folder / f"model.{form}").write_bytes(content)
        return folder / f"model.{form}"

    return make


def _read_model(path: Path) -> object:
    from dnnstudio.engine.model_files.child import answer

    layers = [{"kind": "dense", "id": "dense", "units": 3}]
    request = json.dumps({"layers": layers, "input_shape": [4]}) if path.suffix == ".weights" else ""
    header, arrays = answer(path.read_bytes(), request)
    assert "bug" not in header, header["bug"]
    if "error" in header:
        assert not arrays
        raise UserError(header["error"], header["hint"])
    return header


# ------------------------------------------------------------------------------------------- files of a run


def _checkpoint(folder: Path) -> Path:
    from dnnstudio.engine.training.checkpoint import Checkpoint, Position, save_checkpoint

    numbers = [np.arange(12.0, dtype=np.float32).reshape(3, 4)]
    experiment = load_recipe("digits").experiment
    history = [{"epoch": 1, "loss": 0.5, "val_loss": 0.25}]
    position = Position(epoch=1, step=3, history=history)
    save_checkpoint(folder, Checkpoint(position, numbers, numbers, [], experiment, "fingerprint"))
    return folder / "checkpoint" / "state.npz"


def _read_checkpoint(path: Path) -> object:
    from dnnstudio.engine.training.checkpoint import load_checkpoint

    return load_checkpoint(path.parents[1])


def _bundle(folder: Path) -> Path:
    """The members of a bundle as a plain archive: the seal is put on when it has been changed."""
    from tests.engine.model_files.conftest import Craft

    proof = io.BytesIO()
    np.savez(proof, rows=np.zeros((2, 8, 8)), answers=np.zeros((2, 10)))
    members = {
        "bundle.json": b'{"format": 1, "dnnstudio": "0.1.0", "name": "0001 A"}',
        "experiment.json": codec.to_json(load_recipe("digits").experiment).encode(),
        "metrics.json": b'{"run": "a", "reason": "finished", "epochs": 2}',
        "preparation.json": b'{"kind": "scaler", "shape": [8, 8], "full_scale": 16.0}',
        "model.keras": Craft().keras(),
        "proof.npz": proof.getvalue(),
    }
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return folder / "a.zip"


def _read_bundle(path: Path) -> object:
    from dnnstudio.engine.exporting import bundle

    try:
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        content = bundle._sealed(members)
    except Exception:  # no archive any more: given as it is
        content = path.read_bytes()
    sealed = path.with_suffix(".dnnstudio")
    sealed.write_bytes(content)
    found = bundle.read_bundle(sealed)
    return bundle._proof(found[bundle.PROOF])


def _schedule(kind: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        plain = codec.to_plain(load_recipe("digits").experiment) | {"schedule": {"kind": kind}}
        if kind == "piecewise":
            plain["schedule"] |= {"boundaries": [2, 5], "rates_between": [0.1, 0.01, 0.001]}
        plain["rate_changes"] = [{"phase": 1, "at": 3.0, "unit": "steps", "factor": 0.5}]
        (folder / "experiment.json").write_text(json.dumps(plain, indent=1))
        codec.load(folder / "experiment.json")
        return folder / "experiment.json"

    return make


def _read_schedule(path: Path) -> object:
    """The rates of its first steps, and that every one is a number."""
    from dnnstudio.core.planning.rates import course_of

    experiment = codec.load(path)
    epochs = min(experiment.training.epochs, 50)
    rates = course_of(experiment, 1, experiment.optimizer.learning_rate, 7, epochs).rates(np.arange(7 * epochs))
    assert np.isfinite(rates).all()
    return rates


def _ensemble(folder: Path) -> Path:
    from dnnstudio.core.study.repeat import plan_repeat
    from dnnstudio.core.workspace.ensembles import write_ensemble

    write_ensemble(folder, plan_repeat(folder / "new", load_recipe("digits").experiment, (1, 2, 3), threads=1))
    return folder / "ensemble.json"


def _read_ensemble(path: Path) -> object:
    from dnnstudio.core.study.list_reading import read_listed
    from dnnstudio.core.workspace.ensembles import read_ensemble

    read_listed(path.parent)
    return read_ensemble(path.parent)


def _sweep(folder: Path) -> Path:
    from dnnstudio.core.study.sweep import plan_sweep, write_sweep
    from dnnstudio.core.study.trials import Trial, write_trials
    from dnnstudio.core.study.varied import parse_varied

    experiment = load_recipe("digits").experiment
    vary = parse_varied(("optimizer.learning_rate=0.1,0.01", "training.batch_size=16,32"), experiment)
    plan = plan_sweep(experiment, vary, trials=None, sampler=None, prune=False, threads=1, target="val_accuracy")
    write_sweep(folder, plan)
    figures = {"val_accuracy": 0.5, "val_loss": 0.25}
    values = {"optimizer.learning_rate": 0.1, "training.batch_size": 16}
    write_trials(folder, plan, {0: Trial(number=0, status="done", values=values, figures=figures)})
    return folder / "sweep.json"


def _trials(folder: Path) -> Path:
    _sweep(folder)
    return folder / "trials.json"


def _read_sweep(path: Path) -> object:
    from dnnstudio.core.study.list_reading import read_listed
    from dnnstudio.core.study.sweep import read_sweep
    from dnnstudio.core.study.trials import read_trials

    read_listed(path.parent)
    read_sweep(path.parent)
    return read_trials(path.parent)


def _window(name: str) -> Kind:
    def make(folder: Path) -> Path:
        from tests.gui.base.fuzzed_files import write_files

        write_files(folder)
        return folder / name

    def read(path: Path) -> object:
        from tests.gui.base.fuzzed_files import READERS

        return READERS[name](path.parent)

    return Kind(make, read)


KINDS: dict[str, Kind] = {
    "text table": Kind(_text_table, _read_data),
    "Excel table": Kind(_sheet, _read_data),
    "old Excel table": Kind(_old_sheet, _read_data),
    "Parquet table": Kind(_parquet, _read_data),
    "NumPy arrays": Kind(_arrays, _read_data),
    "IDX": Kind(_idx, _read_data),
    "PNG": Kind(lambda folder: _picture(folder, ".png"), _above(_read_data, 2)),
    "JPEG": Kind(lambda folder: _picture(folder, ".jpg"), _above(_read_data, 2)),
    "TIFF": Kind(lambda folder: _picture(folder, ".tif"), _above(_read_data, 2)),
    "table of labels": Kind(_labels, _above(_read_data, 1)),
    ".keras": Kind(_model("keras"), _read_model, dies=True),
    ".h5": Kind(_model("h5"), _read_model, dies=True),
    ".weights.h5": Kind(_model("weights"), _read_model, dies=True),
    "checkpoint": Kind(_checkpoint, _read_checkpoint),
    "bundle": Kind(_bundle, _read_bundle),
    "ensemble": Kind(_ensemble, _read_ensemble),
    "sweep": Kind(_sweep, _read_sweep),
    "trials": Kind(_trials, _read_sweep),
    "settings": _window("settings.json"),
    "unsaved work": _window("1-1.unsaved.json"),
    **{f"schedule {kind}": Kind(_schedule(kind), _read_schedule) for kind in SCHEDULE_KINDS},
}

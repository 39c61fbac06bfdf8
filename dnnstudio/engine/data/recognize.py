"""What a person dropped or named: files or a folder, told by name and content, ready to become the data or to open.

Nothing large is read. `engine.data.proposing` makes a whole experiment of what is found here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Pictures, Source, Table
from dnnstudio.core.experiment.data.questions import Question
from dnnstudio.core.text import listed
from dnnstudio.core.workspace.catalog import SUFFIXES as MODEL_SUFFIXES
from dnnstudio.core.workspace.runs import is_run
from dnnstudio.engine.data.arrays.propose import is_idx_name, propose_idx, propose_npz
from dnnstudio.engine.data.reading import Watch, as_path

RecognizedKind = Literal["data", "model", "experiment", "run", "unlabelled"]


@dataclass(frozen=True, slots=True)
class Recognized:
    """What the paths are.

    "data" comes with its `source`, and with `questions` that must be answered before it can be read; "unlabelled" are
    pictures without a class, which can be predicted alone. `paths` are the files or the folder it is about.
    """

    kind: RecognizedKind
    paths: tuple[Path, ...]
    source: Source | None = None
    questions: tuple[Question, ...] = ()


def recognize(paths: Sequence[Path], *, watch: Watch | None = None) -> Recognized:
    """What these paths are, together. Raises `UserError` where they are nothing that is known, or several things."""
    watch = watch or Watch()
    if not paths:
        raise UserError("No file is given.", "Give a file or a folder.")
    places = tuple(path.expanduser().absolute() for path in paths)
    for path in places:
        if not path.exists():
            raise UserError(f"{path} does not exist.", "Give a file or a folder that is there.")
    found = _one(places[0], watch) if len(places) == 1 else _several(places)
    if found.source is not None:  # it will be named in an experiment
        for path in places:
            as_path(str(path), what="the data")
    return found


def _one(path: Path, watch: Watch) -> Recognized:
    if path.is_dir():
        return _folder(path, watch)
    from dnnstudio.engine.data.tables.files import is_table_file

    suffix = path.suffix.lower()
    if suffix in MODEL_SUFFIXES:
        return Recognized("model", (path,))
    if suffix == ".json":
        return Recognized("experiment", (path,))
    if suffix == ".npz":
        source, questions = propose_npz(path)
        return Recognized("data", (path,), source, questions)
    if is_idx_name(path.name):
        return Recognized("data", (path,), propose_idx(path))
    if _is_picture(path):
        return Recognized("unlabelled", (path,))
    if is_table_file(path):
        return Recognized("data", (path,), Table(path=str(path)))
    raise UserError(
        f"{path.name} is no file that can be opened here.",
        "Give a table, pictures, an .npz or IDX file, a model (.keras, .h5) or an experiment (.json).",
    )


def _folder(path: Path, watch: Watch) -> Recognized:
    if is_run(path):
        return Recognized("run", (path,))
    if any(is_idx_name(entry.name) for entry in path.iterdir()):
        return Recognized("data", (path,), propose_idx(path))
    return _pictures(path, watch)


def _pictures(path: Path, watch: Watch) -> Recognized:
    from dnnstudio.engine.data.pictures.files import find_files, within_wrappers
    from dnnstudio.engine.data.pictures.layout import has_labels, layout_of
    from dnnstudio.engine.data.pictures.proposal import propose_pictures

    found = within_wrappers(find_files(path, watch))
    if not found.pictures and found.tables:
        if len(found.tables) == 1:
            return _one(found.path(found.tables[0]), watch)
        names = ["/".join(names) for names in found.tables]
        raise UserError(f"{path} holds several tables: {listed(names)}.", "Give one of them.")
    if found.pictures and not has_labels(found):
        if found.closed:
            raise UserError(
                f"Folders in {found.root} cannot be read ({listed(found.closed)}), and the others hold no two classes.",
                "Check who may read them.",
            )
        return Recognized("unlabelled", tuple(found.path(names) for names in found.pictures))
    source = Pictures(path=str(path))
    if found.pictures and layout_of(source, found) == "table":
        from dnnstudio.engine.data.pictures.labels import label_question

        question = label_question(source, found, watch)
        if question is not None:
            return Recognized("data", (path,), source, (question,))
    return Recognized("data", (path,), propose_pictures(path, watch))


def _several(paths: tuple[Path, ...]) -> Recognized:
    """Several files at once: IDX files of one set, or pictures; anything else is not one thing."""
    if all(is_idx_name(path.name) for path in paths):
        sets = {propose_idx(path) for path in paths}
        if len(sets) == 1:
            return Recognized("data", paths, sets.pop())
    if all(path.is_file() and _is_picture(path) for path in paths):
        return Recognized("unlabelled", paths)
    raise UserError(
        f"{listed([path.name for path in paths])} are not the files of one data set.",
        "Give one file, one folder, the IDX files of one set, or several pictures to predict.",
    )


def _is_picture(path: Path) -> bool:
    from dnnstudio.engine.data.pictures.files import SUFFIXES

    return bool(path.suffix) and path.suffix.lower() in SUFFIXES

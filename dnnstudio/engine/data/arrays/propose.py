"""Which source the files of arrays make: the siblings of an IDX file, the arrays of an .npz."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import PART_NAMES, Idx, Npz
from dnnstudio.core.experiment.data.questions import Question
from dnnstudio.core.text import listed
from dnnstudio.engine.data.arrays.npz import npz_members
from dnnstudio.engine.data.arrays.roles import (
    Choices,
    Member,
    counterpart,
    find_roles,
    roles_by_choice,
    roles_by_name,
    roles_by_shape,
    shown,
    validation_by_name,
)
from dnnstudio.engine.data.reading import unreadable

_IDX = re.compile(r"(?P<before>.*?)(?P<what>images|labels)[.-]idx[0-9][.-]ubyte(\.gz)?", re.I)
_PART = re.compile(r"train(ing)?|t10k|test(ing)?|eval", re.I)


def is_idx_name(name: str) -> bool:
    """Whether a file is called as those of MNIST are: train-images-idx3-ubyte, plain or .gz."""
    return _IDX.fullmatch(name) is not None


def propose_idx(path: Path) -> Idx:
    """The source of which `path` is one of the four files, or the folder; the others lie beside it.

    A test part of which one file is missing is left out. Raises `UserError` where the training part is not whole.
    """
    folder = path if path.is_dir() else path.parent
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    except OSError as error:
        raise unreadable(folder, error) from None
    sets: dict[str, dict[str, str]] = {}
    for name in names:
        if (place := _place(name)) is not None:
            sets.setdefault(place[0], {}).setdefault(place[1], str(folder / name))
    if path.is_dir():
        if len(sets) > 1:
            raise UserError(
                f"{path} holds several sets of IDX files: {listed(sorted(_first(found) for found in sets.values()))}.",
                "Choose a file of one of them.",
            )
        found = next(iter(sets.values()), {})
    else:
        own = _place(path.name)
        if own is None:
            raise UserError(
                f"The name {path.name} does not say whether it holds images or labels.",
                "Name the files as MNIST does: train-images-idx3-ubyte, train-labels-idx1-ubyte.",
            )
        found = sets.get(own[0], {}) | {own[1]: str(path)}
    missing = [role for role in ("train_images", "train_labels") if role not in found]
    if missing:
        raise UserError(
            f"{path} belongs to a set of IDX files, but the training {' and '.join(m[6:] for m in missing)} are "
            "missing beside it.",
            "Put train-images-idx3-ubyte and train-labels-idx1-ubyte into one folder.",
        )
    if not {"test_images", "test_labels"} <= set(found):
        found = {role: name for role, name in found.items() if role.startswith("train")}
    return Idx(**found)  # type: ignore[arg-type]


def _place(name: str) -> tuple[str, str] | None:
    """The set that an IDX file belongs to, by what its name has besides the part, and its role in it."""
    match = _IDX.fullmatch(name)
    if match is None:
        return None
    before, what = match["before"], match["what"].lower()
    part = _PART.search(before)
    if part is None:
        return (before.lower(), f"train_{what}")
    role = "train" if PART_NAMES.get(part[0].lower()) == 0 else "test"
    return (_PART.sub("", before, count=1).lower(), f"{role}_{what}")


def _first(found: dict[str, str]) -> str:
    return Path(min(found.values())).name


def propose_npz(path: Path) -> tuple[Npz, tuple[Question, ...]]:
    """The source of an .npz file, and what must be asked where it is not clear which arrays are meant.

    Names are written down only where they are not the usual ones. Raises `UserError` where nothing could be meant.
    """
    members = npz_members(path)
    source = Npz(path=str(path))
    by_shape = roles_by_shape(members)
    try:
        named = roles_by_name(path.name, members)
        clear = {"x_train", "y_train"} <= set(named)
        found = named if clear else find_roles(path.name, members, {})
    except UserError:
        choices = by_shape if isinstance(by_shape, Choices) else None
        if choices is None or not choices.rows or not choices.labels:
            raise
        return source, (
            _question("x_train", "Which array holds the rows to train on?", choices.rows),
            _question("y_train", "Which array holds their labels?", choices.labels),
        )
    chosen = {} if clear else {role: member.name for role, member in found.items()}
    if "x_validation" not in found:
        chosen |= {role: member.name for role, member in validation_by_name(members).items()}
    return source.replaced(**chosen), ()


def implied_by(path: Path, chosen: Mapping[str, str]) -> dict[str, str]:
    """Role → array, where the chosen rows or labels leave one array alone for the other: that of the same length."""
    members = npz_members(path)
    found = counterpart(members, roles_by_choice(path.name, members, chosen))
    return {} if isinstance(found, Choices) else {role: member.name for role, member in found.items()}


def _question(field: str, text: str, members: Sequence[Member]) -> Question:
    names = tuple(member.name for member in members)
    return Question(field, text, names, tuple(shown(member.text) for member in members))

"""Which array of an .npz file is which: as chosen, else by its name, else by shapes that leave no doubt."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import PART_NAMES
from dnnstudio.core.text import listed, printable, shortened
from dnnstudio.engine.data.raw import MAX_CLASSES

NAMES: dict[str, tuple[str, ...]] = {
    "x_train": ("x_train", "train_images", "train_x", "trainx"),
    "y_train": ("y_train", "train_labels", "train_y", "trainy"),
    "x_test": ("x_test", "test_images", "test_x", "testx"),
    "y_test": ("y_test", "test_labels", "test_y", "testy"),
    "x": ("x", "data", "images", "features", "inputs"),
    "y": ("y", "labels", "label", "target", "targets"),
}
"""What the arrays may be called, whatever the case."""
VALIDATION_NAMES: dict[str, tuple[str, ...]] = {
    "x_validation": ("x_validation", "x_valid", "x_val", "x_dev", "validation_images", "val_images", "val_x", "valx"),
    "y_validation": ("y_validation", "y_valid", "y_val", "y_dev", "validation_labels", "val_labels", "val_y", "valy"),
}
"""Used where they are chosen, and proposed; files of old experiments go on being read without them."""
ROLES = ("x_train", "y_train", "x_validation", "y_validation", "x_test", "y_test")
PARTS = ("train", "validation", "test")
ADVICE = "Save the arrays with numpy.savez(path, x_train=…, y_train=…, x_test=…, y_test=…)."


@dataclass(frozen=True, slots=True)
class Member:
    """One array of the file, as its header describes it."""

    name: str
    info: zipfile.ZipInfo
    dtype: np.dtype[Any]
    fortran: bool
    shape: tuple[int, ...]
    offset: int

    @property
    def is_text(self) -> bool:
        return self.dtype.kind in "US"

    @property
    def text(self) -> str:
        return f"{self.name} {self.dtype.name} {' × '.join(f'{n:,}' for n in self.shape) or 'a single value'}"


@dataclass(frozen=True, slots=True)
class Choices:
    """The arrays that could be rows, and those that could be labels, where shapes leave a doubt."""

    rows: tuple[Member, ...]
    labels: tuple[Member, ...]


Found = dict[str, Member]


def find_roles(name: str, members: Sequence[Member], chosen: Mapping[str, str]) -> Found:
    """Role → array; `name` is the file's. Raises `UserError` that lists what could be meant where it is not clear."""
    found = roles_by_choice(name, members, chosen)
    taken = set(chosen.values())
    found |= roles_by_name(name, [member for member in members if member.name not in taken], known=frozenset(found))
    if "x_train" not in found or "y_train" not in found:
        by_shape = roles_by_shape(members) if not found else counterpart(members, found)
        if isinstance(by_shape, Choices):
            raise _unclear(name, members, found, by_shape)
        found |= by_shape
    for part in PARTS:
        x, y = f"x_{part}", f"y_{part}"
        if (x in found) != (y in found):
            here, gone = (x, y) if x in found else (y, x)
            raise UserError(f"{name} has {here} but no {gone}.", ADVICE)
    return found


def roles_by_choice(name: str, members: Sequence[Member], chosen: Mapping[str, str]) -> Found:
    """The arrays that a person named."""
    by_name = {member.name: member for member in members}
    for role, wanted in chosen.items():
        if wanted not in by_name:
            holds = listed([shown(member.text) for member in members], most=8)
            raise UserError(f'{name} has no array "{shown(wanted)}" for {role}. It holds: {holds}.', "Choose another.")
    return {role: by_name[wanted] for role, wanted in chosen.items()}


def roles_by_name(name: str, members: Sequence[Member], *, known: frozenset[str] = frozenset()) -> Found:
    """The arrays with one of the usual names, but for the `known` roles.

    Raises `UserError` where two have names for the same role.
    """
    found: Found = {}
    for role, names in NAMES.items():
        if role in known or (f"{role}_train" in known):
            continue
        matching = [member for member in members if member.name.lower() in names]
        if len(matching) > 1:
            texts = ", ".join(shown(member.text) for member in matching)
            raise UserError(
                f"{name}: more than one array could be {role}: {texts}.",
                f"Choose the arrays (data.source.{role if '_' in role else role + '_train'}).",
            )
        if matching:
            found[role] = matching[0]
    if "x_train" not in found and "x" in found:
        found["x_train"] = found["x"]
        if "y" in found:
            found.setdefault("y_train", found["y"])
    found.pop("x", None)
    found.pop("y", None)
    return found


def validation_by_name(members: Sequence[Member]) -> Found:
    """The arrays with the usual names of a validation part; both, or none."""
    found: Found = {}
    for role, names in VALIDATION_NAMES.items():
        matching = [member for member in members if member.name.lower() in names]
        if len(matching) != 1:
            return {}
        found[role] = matching[0]
    return found


def roles_by_shape(members: Sequence[Member]) -> Found | Choices:
    """One array of rows and one of labels for each length. Several lengths are parts, by the words in their names.

    Two pairs without such words are told by their size: more rows train, fewer are for the test. Where the other parts
    are named, the one pair without such a word trains.
    """
    rows, labels = _candidates(members)
    pairs: list[tuple[Member, Member]] = []
    for length in sorted({member.shape[0] for member in rows}, reverse=True):
        xs = [member for member in rows if member.shape[0] == length]
        ys = [member for member in labels if member.shape[0] == length]
        if len(xs) == 1 and len(ys) == 1:
            pairs.append((xs[0], ys[0]))
        elif ys or len(rows) == 1:
            return Choices(rows, labels)
    parts = [_part_of(x.name, y.name) for x, y in pairs]
    if len(pairs) == 1:
        parts = [0]
    elif len(pairs) == 2 and parts == [None, None] and pairs[0][0].shape[1:] == pairs[1][0].shape[1:]:
        parts = [0, 2]
    elif parts.count(None) == 1 and 0 not in parts and len({x.shape[1:] for x, _ in pairs}) == 1:
        parts = [0 if part is None else part for part in parts]
    if not pairs or None in parts or 0 not in parts or len(set(parts)) < len(parts):
        return Choices(rows, labels)
    found: Found = {}
    for part, (x, y) in zip(parts, pairs, strict=True):
        if part is not None:
            found |= {f"x_{PARTS[part]}": x, f"y_{PARTS[part]}": y}
    return found


def counterpart(members: Sequence[Member], found: Found) -> Found | Choices:
    """The one array of labels that is as long as the known rows, or the one array of rows for the known labels."""
    rows, labels = _candidates(members)
    taken = list(found.values())
    known, missing = ("x_train", "y_train") if "x_train" in found else ("y_train", "x_train")
    if known in found and found[known].shape:
        fits = [
            member
            for member in (labels if missing == "y_train" else rows)
            if member.shape[0] == found[known].shape[0] and member not in taken
        ]
        if len(fits) == 1:
            return {missing: fits[0]}
    return Choices(rows, labels)


def _candidates(members: Sequence[Member]) -> tuple[tuple[Member, ...], tuple[Member, ...]]:
    """The arrays that could be rows (numbers of two dimensions or more) and those that could be labels."""
    whole = [member for member in members if member.shape and member.shape[0] > 1]
    flat = [member for member in whole if member.shape[1:] in ((), (1,))]
    rows = [member for member in whole if not member.is_text and member not in flat]
    lengths = {member.shape[0] for member in flat}
    # One-hot labels are the narrower of two tables of the same length, where nothing else could be the labels.
    one_hot = [
        member
        for member in rows
        if member.shape[0] not in lengths
        and len(member.shape) == 2
        and member.shape[1] <= MAX_CLASSES
        and any(_width(other) > _width(member) and other.shape[0] == member.shape[0] for other in rows)
    ]
    return tuple(member for member in rows if member not in one_hot), (*flat, *one_hot)


def _width(member: Member) -> int:
    return int(np.prod(member.shape[1:]))


def _part_of(*names: str) -> int | None:
    """The part that words in the names say, where they say one."""
    words = {word for name in names for word in re.split(r"[^a-z]+", name.lower())}
    parts = {PART_NAMES[word] for word in words if word in PART_NAMES}
    return parts.pop() if len(parts) == 1 else None


def _unclear(name: str, members: Sequence[Member], found: Found, choices: Choices) -> UserError:
    missing = [role for role in ("x_train", "y_train") if role not in found]
    if not choices.rows or not choices.labels or not members:
        holds = "; ".join(shown(member.text) for member in members[:8]) or "no arrays"
        return UserError(f"{name} has no array {missing[0]}. It holds: {holds}.", ADVICE)
    rows = "; ".join(shown(member.text) for member in choices.rows[:8])
    labels = "; ".join(shown(member.text) for member in choices.labels[:8])
    return UserError(
        f"{name} has no array {missing[0]} by name, and shapes leave a doubt. Rows could be: {rows}. Labels could be: "
        f"{labels}.",
        f"Choose the arrays ({' and '.join(f'data.source.{role}' for role in missing)}).",
    )


def shown(text: str) -> str:
    """A name from the file, short and without control characters."""
    return shortened(printable(text))

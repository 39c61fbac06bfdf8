"""Links between models: the origin of a model's layers, which other models share them, and who changed them.

They are stored in `links.json` in the run folder, or in `NAME.links.json` beside a model file that is no run.

A shared layer is one layer in several networks. A link counts only if both sides name each other, so that a folder from
elsewhere cannot make this program overwrite models that do not know it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from dnnstudio.core.atomic_files import read_bounded, write_atomically
from dnnstudio.core.bounded_json import parse_record
from dnnstudio.core.checksums import write_checked
from dnnstudio.core.errors import UserError
from dnnstudio.core.folder_lock import held

FILE = "links.json"
MAX_BYTES = 2**20
CHANGES_KEPT = 50
WAIT_S = 2.0
"""How long another program may take that links the same run: that is done in a moment."""


@dataclass(frozen=True, slots=True)
class Link:
    """A layer that `place` (run folder or model file, absolute path) holds too, under the same id."""

    layer: str
    place: Path


@dataclass(frozen=True, slots=True)
class Change:
    """Training `by` (a run folder's name; its run id is `run`) changed these layers; `when` in seconds since 1970.

    `epoch` is how many epochs the changed run had behind it; None for a model file, and in files of before.
    """

    by: str
    run: str
    layers: tuple[str, ...]
    when: float = field(default_factory=time.time)
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class OriginLayer:
    """A layer that started from `source`, a layer of another model; `fingerprint` is that of its initial weights."""

    layer: str
    source: str
    mode: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The model that a training started from: its name, its path, and which layers were reused."""

    name: str
    place: Path | None
    layers: tuple[OriginLayer, ...]


@dataclass(frozen=True, slots=True)
class Links:
    shared: tuple[Link, ...] = ()
    changes: tuple[Change, ...] = ()
    origin: Origin | None = None


def links_file(place: Path) -> Path:
    """The path of the links file of a run folder or model file."""
    return place / FILE if place.is_dir() else place.with_name(f"{place.name}.{FILE}")


def read_links(place: Path) -> Links:
    """The links of a run folder or model file; empty if there is no links file. Raises `UserError`."""
    path = links_file(place)
    if not path.exists():
        return Links()
    hint = "Remove the file; the layers then count as not shared."
    plain = parse_record(read_bounded(path, MAX_BYTES, what="links between models"), name=str(path), hint=hint)
    try:
        return _parsed(plain, path.parent)
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path} is damaged.", hint) from None


def _parsed(plain: Any, base: Path) -> Links:
    shared = tuple(Link(_text(item["layer"]), _from(base, _text(item["place"]))) for item in plain["shared"])
    changes = tuple(
        Change(
            _text(item["by"]),
            _text(item["run"]),
            tuple(map(_text, item["layers"])),
            float(item["when"]),
            None if item.get("epoch") is None else int(item["epoch"]),
        )
        for item in plain["changes"]
    )
    given = plain.get("origin")
    if given is None:
        return Links(shared, changes)
    layers = tuple(
        OriginLayer(*(_text(item[key]) for key in ("layer", "source", "mode", "fingerprint")))
        for item in given["layers"]
    )
    place = None if given["place"] is None else _from(base, _text(given["place"]))
    return Links(shared, changes, Origin(_text(given["name"]), place, layers))


def set_origin(place: Path, origin: Origin) -> None:
    """Record where the layers of a run come from. Raises `UserError`."""
    _write(place, replace(read_links(place), origin=origin))


def link(one: Path, other: Path, layers: Iterable[str]) -> None:
    """Record on both sides that these layers are shared. Raises `UserError`."""
    names = tuple(layers)
    for place, far in ((one, other), (other, one)):
        with _held(place):
            links = read_links(place)
            known = {(item.layer, _key(item.place)) for item in links.shared}
            more = tuple(Link(name, far) for name in names if (name, _key(far)) not in known)
            if more:
                _write(place, replace(links, shared=(*links.shared, *more)))


def unlink(place: Path) -> None:
    """Remove all links of `place` on both sides: it shares no layer from now on. Raises `UserError`."""
    with _held(place):
        links = read_links(place)
        for far in {item.place for item in links.shared if item.place.exists()}:
            with _held(far):
                theirs = read_links(far)
                kept = tuple(item for item in theirs.shared if _key(item.place) != _key(place))
                _write(far, replace(theirs, shared=kept))
        if links.shared:
            _write(place, replace(links, shared=()))


def note_change(place: Path, change: Change) -> None:
    """Record that another training changed layers of `place`. Raises `UserError`."""
    links = read_links(place)
    _write(place, replace(links, changes=(*links.changes, change)[-CHANGES_KEPT:]))


def sharers(place: Path) -> dict[Path, tuple[str, ...]]:
    """The other models that share layers of `place`, directly or through others, and which layers."""
    found: dict[Path, list[str]] = {}
    for name in dict.fromkeys(item.layer for item in read_links(place).shared):
        seen, waiting = {_key(place)}, [place]
        while waiting:
            here = waiting.pop()
            for far in _linked(here, name):
                if _key(far) not in seen:
                    seen.add(_key(far))
                    waiting.append(far)
                    found.setdefault(far, []).append(name)
    return {far: tuple(names) for far, names in found.items()}


def will_change(source: Path, layers: Iterable[str]) -> dict[Path, tuple[str, ...]]:
    """The models, the source itself among them, that training the layers shared with `source` will change; for a
    warning.
    """
    names = tuple(layers)
    others = {place: tuple(name for name in shared if name in names) for place, shared in sharers(source).items()}
    return {source: names} | {place: shared for place, shared in others.items() if shared} if names else {}


def _linked(place: Path, layer: str) -> list[Path]:
    """The models that share this layer with `place` and confirm it; deleted ones are skipped."""
    return [
        item.place
        for item in read_links(place).shared
        if item.layer == layer and item.place.exists() and _names_back(item.place, layer, place)
    ]


def _names_back(far: Path, layer: str, place: Path) -> bool:
    return any(item.layer == layer and _key(item.place) == _key(place) for item in read_links(far).shared)


def _held(place: Path) -> AbstractContextManager[None]:
    """Nobody else changes a run's links meanwhile; for a model file there is no lock. Raises `UserError`."""
    return held(place, "a sharing of layers", wait_s=WAIT_S) if place.is_dir() else nullcontext()


def _write(place: Path, links: Links) -> None:
    path = links_file(place)
    plain: dict[str, Any] = {
        "shared": [{"layer": item.layer, "place": relative_to(path.parent, item.place)} for item in links.shared],
        "changes": [
            {"by": item.by, "run": item.run, "layers": list(item.layers), "when": round(item.when, 3)}
            | ({} if item.epoch is None else {"epoch": item.epoch})
            for item in links.changes
        ],
    }
    if (origin := links.origin) is not None:
        plain["origin"] = {
            "name": origin.name,
            "place": None if origin.place is None else relative_to(path.parent, origin.place),
            "layers": [asdict(item) for item in origin.layers],
        }
    write = write_checked if place.is_dir() else write_atomically
    write(path, (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode())


def relative_to(folder: Path, place: Path) -> str:
    """`place` relative to `folder`, with forward slashes; absolute if they are on different drives."""
    try:
        return Path(os.path.relpath(place.absolute(), folder.absolute())).as_posix()
    except ValueError:
        return str(place.absolute())


def _from(folder: Path, text: str) -> Path:
    return Path(os.path.normpath(folder.absolute() / text))


def _key(place: Path) -> str:
    return os.path.normcase(os.path.realpath(place))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value

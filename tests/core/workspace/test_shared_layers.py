"""Links between models: both sides must agree, chains are followed, damage is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.workspace.shared_layers import (
    Change,
    Origin,
    OriginLayer,
    link,
    links_file,
    note_change,
    read_links,
    set_origin,
    sharers,
    unlink,
    will_change,
)


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    folders = [tmp_path / "runs" / name for name in ("0001 a", "0002 b", "0003 c")]
    for folder in folders:
        folder.mkdir(parents=True)
    return folders


def test_a_chain_of_sharing_is_followed_from_every_end(runs: list[Path]) -> None:
    a, b, c = runs
    link(b, a, ["h1", "h2"])
    link(c, b, ["h2"])
    assert sharers(a) == {b: ("h1", "h2"), c: ("h2",)}
    assert sharers(c) == {b: ("h2",), a: ("h2",)}
    link(b, a, ["h1"])
    assert len(read_links(a).shared) == 2


def test_who_will_be_changed_is_known_before(runs: list[Path]) -> None:
    a, b, c = runs
    link(b, a, ["h1", "h2"])
    link(c, b, ["h2"])
    assert will_change(a, ["h1"]) == {a: ("h1",), b: ("h1",)}
    assert will_change(a, ["h2", "h9"]) == {a: ("h2", "h9"), b: ("h2",), c: ("h2",)}
    assert will_change(a, []) == {}


def test_a_link_that_the_other_side_does_not_know_counts_for_nothing(runs: list[Path]) -> None:
    a, b, _ = runs
    link(b, a, ["h1"])
    links_file(a).unlink()
    assert sharers(b) == {}
    assert read_links(b).shared[0].place == a


def test_a_model_file_has_its_links_beside_it(runs: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "models" / "net.keras"
    file.parent.mkdir()
    file.write_bytes(b"")
    link(runs[0], file, ["h1"])
    assert links_file(file).name == "net.keras.links.json"
    assert sharers(file) == {runs[0]: ("h1",)}


def test_what_is_gone_is_passed_over_and_comes_back(runs: list[Path], tmp_path: Path) -> None:
    a, b, _ = runs
    link(b, a, ["h1"])
    moved = b.rename(tmp_path / "elsewhere")
    assert sharers(a) == {}
    moved.rename(b)
    assert sharers(a) == {b: ("h1",)}


def test_a_moved_workspace_keeps_its_links(runs: list[Path], tmp_path: Path) -> None:
    link(runs[1], runs[0], ["h1"])
    new = (tmp_path / "runs").rename(tmp_path / "moved")
    assert sharers(new / "0001 a") == {new / "0002 b": ("h1",)}


def test_who_goes_alone_is_forgotten_by_the_others(runs: list[Path]) -> None:
    a, b, c = runs
    link(b, a, ["h1"])
    link(c, a, ["h1"])
    unlink(b)
    assert sharers(a) == {c: ("h1",)}
    assert read_links(b).shared == ()


def test_origin_and_changes_are_read_as_written(runs: list[Path]) -> None:
    a, b, _ = runs
    origin = Origin("Task A", a, (OriginLayer("mine", "h1", "clone", "0123456789ab"),))
    changes = Change("0002 b", "abc", ("h1",), 12.5), Change("0003 c", "def", ("h1",), 13.5, epoch=4)
    set_origin(b, origin)
    for change in changes:
        note_change(b, change)
    link(b, a, ["h2"])
    links = read_links(b)
    assert (links.origin, links.changes, len(links.shared)) == (origin, changes, 1)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"shared": 1, "changes": []}', '{"shared": [{"layer": 1}], "changes": []}']
)
def test_damage_is_named(runs: list[Path], text: str) -> None:
    links_file(runs[0]).write_text(text)
    with pytest.raises(UserError, match=r"links\.json is damaged"):
        read_links(runs[0])

"""No painter elides by itself: whoever does tells the whole text by a tooltip, as `fitted` does."""

from __future__ import annotations

from pathlib import Path

GUI = Path(__file__).parents[2] / "dnnstudio" / "gui"
TELLS_OTHERWISE = {
    "widgets/fitted_text.py": "the one place",
    "widgets/labels.py": "its own tooltip is the whole text",
    "widgets/charts/legend.py": "the bar's tooltip tells every caption",
    "dialogs/recipe_gallery.py": "two lines, told by `tell_whole`",
    "stack/delegate.py": "name and caption, told by `tell_whole`",
    "transfer/layer_cell.py": "the cell's tooltip has the layer's name",
    "uncertainty/grid.py": "a tile's tooltip has its classes",
}


def test_only_these_elide_by_themselves() -> None:
    found = {path.relative_to(GUI).as_posix() for path in GUI.rglob("*.py") if "elidedText" in path.read_text("utf-8")}
    assert found == set(TELLS_OTHERWISE)

"""Which picture belongs to which class and part: a folder a class, folders of parts, or a table of labels.

Only names are looked at. A folder named as a part is one only where the training folder holds the classes; what has
no class (the test pictures of a contest) is told apart and never becomes a class of its own.
"""

from __future__ import annotations

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Pictures, likely_parts
from dnnstudio.core.text import count_of, listed
from dnnstudio.engine.data.pictures.files import Found, find_files, within_wrappers
from dnnstudio.engine.data.pictures.listing import TEST, TRAIN, VALIDATION, Item, Listing, make_listing, part_of
from dnnstudio.engine.data.raw import MAX_CLASSES
from dnnstudio.engine.data.reading import Watch, as_path

UNLABELLED_NAMES = frozenset(("unlabelled", "unlabeled", "unsup"))


def list_pictures(source: Pictures, watch: Watch) -> Listing:
    """The pictures of a folder with their classes and parts. Raises `UserError` where no classes can be found out."""
    found = within_wrappers(find_files(as_path(source.path, what="the pictures"), watch))
    if not found.pictures:
        raise UserError(f"{found.root} holds no pictures.", "Choose the folder that holds the pictures.")
    layout = source.layout or layout_of(source, found)
    if layout == "parts":
        return _by_parts(found)
    if layout == "classes":
        return _by_class(found)
    from dnnstudio.engine.data.pictures.labels import by_table  # polars, for tables only

    return by_table(source, found, watch)


def layout_of(source: Pictures, found: Found) -> str:
    if source.table is not None or source.label_column is not None:
        return "table"
    if is_by_parts(found):
        return "parts"
    tops = {parts[0] for parts in found.pictures if len(parts) > 1}
    only_parts = likely_parts(tuple(tops))
    named = {top for top in tops if not _apart(top)}
    loose = sum(len(parts) == 1 for parts in found.pictures)
    if found.tables and (only_parts or len(named) < 2 or 2 * loose > len(found.pictures)):
        return "table"
    if only_parts:
        raise UserError(
            f"The folders {listed(sorted(tops))} in {found.root} are the parts of a data set, but there are no folders "
            "of classes in the training part and no table of labels.",
            "Put the pictures of each class into a folder of its own, or a table of file names and labels beside them.",
        )
    return "classes"


def is_by_parts(found: Found) -> bool:
    """Whether the folder is split into parts, with folders of two or more classes in the training part."""
    parts = {part_of(top) for top in {parts[0] for parts in found.pictures if len(parts) > 1}}
    inner = {names[1] for names in found.pictures if len(names) > 2 and part_of(names[0]) == TRAIN}
    return len(inner) >= 2 and bool(parts & {VALIDATION, TEST})


def has_labels(found: Found) -> bool:
    """Whether there is anything that could give the pictures a class: folders of theirs, or a table."""
    tops = {parts[0] for parts in found.pictures if len(parts) > 1}
    return bool(found.tables) or is_by_parts(found) or (len(tops) > 1 and not likely_parts(tuple(tops)))


def _apart(top: str) -> bool:
    return part_of(top) == TEST or top.casefold() in UNLABELLED_NAMES


def _by_class(found: Found) -> Listing:
    """A folder a class. A test folder beside them is a test part where it holds the same classes, else unlabelled."""
    inside = {parts[0] for parts in found.pictures if len(parts) > 1}
    found.left_out.add_all((f"{top}/" for top in found.folders if top not in inside), "a folder without pictures")
    apart = {top for top in inside if _apart(top)}
    classes = tuple(sorted(inside - apart))
    if len(classes) < 2 and apart:
        classes, apart = tuple(sorted(inside)), set()  # classes that happen to be called so
    _require_classes(found, classes)
    items: list[Item] = []
    without: list[tuple[str, ...]] = []
    for names in found.pictures:
        if len(names) == 1:
            found.left_out.add(names[0], "in no class folder")
        elif names[0] in apart:
            name = _class_named(names[1], classes) if len(names) > 2 else None
            if name is None or part_of(names[0]) != TEST:
                without.append(names)
            else:
                items.append((names, name, TEST))
        else:
            items.append((names, names[0], TRAIN))
    return make_listing(found, items, classes, f"A folder for each of {count_of(len(classes), 'class')}.", without)


def _by_parts(found: Found) -> Listing:
    """Folders of parts with the classes inside; the classes are those of the training part."""
    inner = {names[1] for names in found.pictures if len(names) > 2 and part_of(names[0]) == TRAIN}
    classes = tuple(sorted(inner))
    _require_classes(found, classes)
    matching = {
        top: any(len(names) > 2 and names[0] == top and _class_named(names[1], classes) for names in found.pictures)
        for top in {names[0] for names in found.pictures}
    }
    items: list[Item] = []
    without: list[tuple[str, ...]] = []
    for names in found.pictures:
        part = part_of(names[0]) if len(names) > 1 else None
        shown = "/".join(names)
        if names[0].casefold() in UNLABELLED_NAMES or (part == TEST and not matching[names[0]]):
            without.append(names)
        elif part is None:
            found.left_out.add(shown, "in no folder of a part")
        elif len(names) == 2:
            found.left_out.add(shown, "in no class folder")
        else:
            name = names[1] if part == TRAIN else _class_named(names[1], classes)
            if name is None:
                found.left_out.add(shown, f'no training picture is of the class "{names[1]}"')
            else:
                items.append((names, name, part))
    tops = sorted({names[0] for names, _, _ in items}, key=lambda top: (part_of(top) or 0, top))
    text = f"Parts by folder: {listed(tops, most=6)}, with {count_of(len(classes), 'class')} inside."
    return make_listing(found, items, classes, text, without)


def _class_named(name: str, classes: tuple[str, ...]) -> str | None:
    """The class of that name; upper and lower case count only where they tell two classes apart."""
    if name in classes:
        return name
    alike = [item for item in classes if item.casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 else None


def _require_classes(found: Found, classes: tuple[str, ...]) -> None:
    if len(classes) < 2:
        raise UserError(
            f"{found.root} holds pictures of {count_of(len(classes), 'folder')} and no table of labels, so they have "
            "no classes to tell apart.",
            "Put the pictures of each class into a folder of its own, or a table of file names and labels beside them.",
        )
    if len(classes) > MAX_CLASSES:
        raise UserError(
            f"{found.root} holds {count_of(len(classes), 'folder')}; at most {MAX_CLASSES:,} classes are supported.",
            "Choose a folder with fewer classes.",
        )

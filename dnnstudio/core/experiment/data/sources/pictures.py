"""A person's own pictures as they lie on the disk: how their folder is read, and what they become."""

from typing import Literal

from dnnstudio.core.experiment.data.sources.base import Source
from dnnstudio.core.experiment.fields import option

PictureLayout = Literal["classes", "parts", "table"]


class Pictures(Source):
    """Pictures in a folder a class, in folders of parts, or beside a table. What is None is found out when reading."""

    kind: Literal["pictures"] = "pictures"
    label = "Pictures"
    help = (
        "Pictures in any layout: a folder a class, train, validation and test folders, or a table of names and labels."
    )
    path: str = option(title="Folder", help="The folder that holds the pictures.", initial="", widget="folder")
    height: int = option(28, title="Height", help="Pictures are scaled to this height.", ge=1, le=512, unit="pixels")
    width: int = option(28, title="Width", help="Pictures are scaled to this width.", ge=1, le=512, unit="pixels")
    color: bool = option(False, title="Colour", help="Keep three colour channels instead of grey.")
    layout: PictureLayout | None = option(
        None,
        title="Layout",
        help="A folder a class, folders of parts with the classes inside, or a table of names and labels; empty means "
        "found out.",
        initial="classes",
        advanced=True,
    )
    table: str | None = option(
        None,
        title="Table",
        help="The table of file names and labels; empty means the one that lies with the pictures.",
        widget="file",
        advanced=True,
    )
    name_column: str | None = option(
        None,
        title="Column of names",
        help="The table's column of file names; empty means found out.",
        initial="file",
        min_length=1,
        advanced=True,
    )
    label_column: str | None = option(
        None,
        title="Column of labels",
        help="The table's column of labels; empty means found out.",
        initial="label",
        min_length=1,
        advanced=True,
    )
    full_scale: float | None = option(
        None,
        title="White",
        help="The stored value that counts as white in pictures of more than 8 bits; empty means found out.",
        initial=65535.0,
        gt=0,
        advanced=True,
    )

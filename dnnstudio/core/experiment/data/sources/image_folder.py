"""A folder of images with one subfolder per class."""

from typing import Literal

from dnnstudio.core.experiment.data.sources.base import Source
from dnnstudio.core.experiment.fields import option


class ImageFolder(Source):
    kind: Literal["image_folder"] = "image_folder"
    label = "Folder per class"
    help = "Pictures sorted into one folder for each class. For any other layout choose Pictures."
    path: str = option(title="Folder", help="The folder that holds a folder a class.", initial="", widget="folder")
    height: int = option(28, title="Height", help="Pictures are scaled to this height.", ge=1, le=512, unit="pixels")
    width: int = option(28, title="Width", help="Pictures are scaled to this width.", ge=1, le=512, unit="pixels")
    color: bool = option(False, title="Colour", help="Keep three colour channels instead of grey.")

"""How training rows are varied from epoch to epoch, so that the network never sees one twice alike."""

from typing import Annotated, Literal

from pydantic import Discriminator

from dnnstudio.core.experiment.fields import Option, option

Flip = Literal["none", "horizontal", "vertical", "horizontal_and_vertical"]
FillMode = Literal["reflect", "nearest", "constant", "wrap"]


class PictureAugmentation(Option):
    """Each training picture is flipped, moved, turned, zoomed and changed in contrast anew in every epoch."""

    kind: Literal["pictures"] = "pictures"
    label = "Pictures"
    help = "Every epoch sees the training pictures flipped, moved, turned and zoomed anew."
    flip: Flip = option("none", title="Flip", help="Mirror half of the pictures, left and right or upside down.")
    shift: float = option(
        0.1, title="Shift", help="Move by up to this share of height and width, either way.", ge=0, le=0.5
    )
    turn: float = option(10.0, title="Turn", help="Turn by up to this angle, either way.", ge=0, le=180, unit="degrees")
    zoom: float = option(0.1, title="Zoom", help="Enlarge or shrink by up to this share.", ge=0, le=0.9)
    contrast: float = option(
        0.0, title="Contrast", help="Raise or lower the contrast by up to this share.", ge=0, le=0.9
    )
    fill_mode: FillMode = option(
        "nearest",
        title="Edges",
        help="What comes in at an edge that has moved away: the edge mirrored, its last pixel, black, or the far side.",
        advanced=True,
    )

    @property
    def changes_nothing(self) -> bool:
        """Whether every slider stands at zero."""
        return self.flip == "none" and not (self.shift or self.turn or self.zoom or self.contrast)


class NoiseAugmentation(Option):
    """Gaussian noise on every number of a training row, drawn anew in every epoch."""

    kind: Literal["noise"] = "noise"
    label = "Noise"
    help = "Every epoch sees the training rows with fresh Gaussian noise on every input."
    stddev: float = option(
        0.1, title="Spread", help="The standard deviation of the noise, in units of the scaled inputs.", ge=0, le=10
    )

    @property
    def changes_nothing(self) -> bool:
        """Whether the slider stands at zero."""
        return self.stddev == 0


AnyAugmentation = Annotated[PictureAugmentation | NoiseAugmentation, Discriminator("kind")]

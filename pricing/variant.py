"""Variant: what one picture is asked as."""

import re
from dataclasses import dataclass
from typing import Self

from pricing.errors import BadQuantity, BadVariant

AUTO = "auto"
MAX_IMAGES = 10
MAX_PARTIAL_IMAGES = 3
MAX_INPUT_IMAGES = 16
_SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Edges of a picture, in pixels."""

    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        """Refuse what no request can hold."""
        if self.width_px < 1 or self.height_px < 1:
            raise BadVariant(f"size {self} must have two edges of at least 1 px")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``"1024x1536"`` (width x height)."""
        found = _SIZE.fullmatch(text)
        if not found:
            raise BadVariant(f"size '{text[:40]}' is not WIDTHxHEIGHT like 1024x1024")
        return cls(width_px=int(found[1]), height_px=int(found[2]))

    @property
    def long_px(self) -> int:
        """The longer edge."""
        return max(self.width_px, self.height_px)

    @property
    def short_px(self) -> int:
        """The shorter edge."""
        return min(self.width_px, self.height_px)

    @property
    def area_px(self) -> int:
        """Width times height."""
        return self.width_px * self.height_px

    def __str__(self) -> str:
        """Write the size as requests do: 1024x1536."""
        return f"{self.width_px}x{self.height_px}"


def parse_size(text: str) -> Size | None:
    """Read a size; None for ``auto``."""
    return None if text == AUTO else Size.parse(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Model, quality and size; size None is ``auto``."""

    model: str
    quality: str = AUTO
    size: Size | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputImage:
    """A picture sent along; edges in pixels, fidelity ``low`` or ``high``."""

    width_px: int
    height_px: int
    fidelity: str = "low"

    def __post_init__(self) -> None:
        """Refuse what no request can hold."""
        if self.width_px < 1 or self.height_px < 1:
            raise BadQuantity(
                f"an input image of {self.width_px}x{self.height_px} px has no area"
            )
        if self.fidelity not in {"low", "high"}:
            raise BadVariant(f"fidelity '{self.fidelity}' is neither low nor high")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRequest:
    """One request: n pictures of a variant, its partials and input pictures.

    Attributes:
        unseen_images: pictures that go in too and whose size nobody tells.
        frames: of each picture that is asked for, where it moves.
    """

    variant: Variant
    n: int = 1
    partial_images: int = 0
    input_images: tuple[InputImage, ...] = ()
    unseen_images: int = 0
    frames: int = 1

    def __post_init__(self) -> None:
        """Refuse what no request can hold."""
        if not 1 <= self.n <= MAX_IMAGES:
            raise BadQuantity(f"n must be 1 to {MAX_IMAGES} images a request")
        if not 0 <= self.partial_images <= MAX_PARTIAL_IMAGES:
            raise BadQuantity(f"partial_images must be 0 to {MAX_PARTIAL_IMAGES}")
        if len(self.input_images) > MAX_INPUT_IMAGES:
            raise BadQuantity(
                f"a request takes at most {MAX_INPUT_IMAGES} input images"
            )

    @property
    def has_inputs(self) -> bool:
        """Whether any picture goes in."""
        return bool(self.input_images or self.unseen_images)

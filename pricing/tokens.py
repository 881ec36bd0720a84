"""Tokens: how many a picture costs, by published rule or by bound."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import ceil

from pricing.errors import BadVariant, UnknownQuantity
from pricing.variant import AUTO, InputImage, Size


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRule:
    """What a model with free sizes takes; ``auto`` lies from cheapest to dearest."""

    multiple_px: int
    max_edge_px: int
    max_ratio: int
    min_area_px: int
    max_area_px: int
    cheapest: Size
    dearest: Size

    def check(self, size: Size) -> None:
        """Refuse a size that breaks the rule, naming the part that it breaks."""
        if size.width_px % self.multiple_px or size.height_px % self.multiple_px:
            broken = f"both edges must be multiples of {self.multiple_px}"
        elif size.long_px > self.max_edge_px:
            broken = f"no edge may pass {self.max_edge_px} px"
        elif size.long_px > self.max_ratio * size.short_px:
            broken = f"the long edge may be at most {self.max_ratio} times the short"
        elif not self.min_area_px <= size.area_px <= self.max_area_px:
            broken = f"the area must be {self.min_area_px} to {self.max_area_px} px"
        else:
            return
        raise BadVariant(f"size {size} breaks the size rule: {broken}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputTable:
    """Output tokens by quality and size, as published."""

    tokens: Mapping[str, Mapping[Size, int]]

    @property
    def qualities(self) -> tuple[str, ...]:
        """The qualities of the model."""
        return tuple(self.tokens)

    def check(self, size: Size) -> None:
        """Refuse a size that the table doesn't hold."""
        sizes = next(iter(self.tokens.values()))
        if size not in sizes:
            known = ", ".join(str(known) for known in sizes)
            raise BadVariant(f"size {size} is not one of the model's: {known}")

    def count(self, quality: str, size: Size) -> int:
        """Output tokens of one picture."""
        return self.tokens[quality][size]

    def sizes(self) -> tuple[Size, ...]:
        """The sizes that ``auto`` may turn out as."""
        return tuple(next(iter(self.tokens.values())))


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputGrid:
    """Output tokens by the grid formula of the gpt-image-2 family.

    With g the quality's grid, L and S the long and short edge, in pixels:
    ``g2 = floor((2 g S + L) / 2 L)`` and
    ``tokens = ceil(g g2 (2,000,000 + width x height) / 4,000,000)``.
    """

    grid: Mapping[str, int]
    size_rule: SizeRule

    @property
    def qualities(self) -> tuple[str, ...]:
        """The qualities of the model."""
        return tuple(self.grid)

    def check(self, size: Size) -> None:
        """Refuse a size outside the rule for free sizes."""
        self.size_rule.check(size)

    def count(self, quality: str, size: Size) -> int:
        """Output tokens of one picture."""
        cells = self.grid[quality]
        across = (2 * cells * size.short_px + size.long_px) // (2 * size.long_px)
        return -(-cells * across * (2_000_000 + size.area_px) // 4_000_000)

    def sizes(self) -> tuple[Size, ...]:
        """The sizes that take the fewest tokens (at grid 16) and the most."""
        return (self.size_rule.cheapest, self.size_rule.dearest)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRule:
    """Input tokens of one picture: a base, and so much for each tile.

    The picture is made to fit ``fit_px`` squared, then its short edge ``short_px``;
    high fidelity adds a fixed figure. None there means that none is published.
    """

    fit_px: int
    short_px: int
    tile_px: int
    base_tokens: int
    tile_tokens: int
    high_square_tokens: int | None
    high_other_tokens: int | None

    def count(self, picture: InputImage) -> int | None:
        """Tokens of one picture; None where nothing published says it."""
        low = self.base_tokens + self.tile_tokens * self._tiles(picture)
        if picture.fidelity == "low":
            return low
        extra = self._high_tokens(picture)
        return None if extra is None else low + extra

    def _tiles(self, picture: InputImage) -> int:
        """Tiles of the picture after both reductions, which never enlarge it."""
        long_px = max(picture.width_px, picture.height_px)
        short_px = min(picture.width_px, picture.height_px)
        scale = min(Fraction(1), Fraction(self.fit_px, long_px))
        scale = min(scale, Fraction(self.short_px, short_px))
        edges = (scale * long_px / self.tile_px, scale * short_px / self.tile_px)
        return ceil(edges[0]) * ceil(edges[1])

    def _high_tokens(self, picture: InputImage) -> int | None:
        """What high fidelity adds.

        The border between square and not is unpublished: by any measure of nearness
        it lies between 1.2 and 1.25, and there the answer is None.
        """
        long_px = max(picture.width_px, picture.height_px)
        short_px = min(picture.width_px, picture.height_px)
        if 5 * long_px < 6 * short_px:
            return self.high_square_tokens
        if 4 * long_px > 5 * short_px:
            return self.high_other_tokens
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Dated upper limits for what nobody can compute, each with its reason."""

    picture_tokens: int
    output_text_tokens: int
    text_overhead_tokens: int
    source: str
    checked_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRules:
    """How many tokens a model's pictures take.

    Attributes:
        output: the rule for output tokens; only a bound where ``output_assumed``.
        picture: the rule for input pictures, in force from ``picture_from``.
        fidelities: the input fidelities that the model takes; empty if it takes no
            such parameter.
        partial_tokens: output tokens that each partial image adds.
    """

    model: str
    output: OutputTable | OutputGrid
    output_assumed: bool
    output_source: str
    picture: PictureRule | None
    picture_from: date | None
    fidelities: tuple[str, ...]
    partial_tokens: int
    bounds: Bounds

    def check(self, quality: str, size: Size | None) -> None:
        """Refuse a quality or size that the model doesn't take."""
        if quality != AUTO and quality not in self.output.qualities:
            raise BadVariant(
                f"quality '{quality[:40]}' is not one of {self.model}: "
                f"{', '.join(self.output.qualities)}"
            )
        if size is not None:
            self.output.check(size)

    def output_tokens(self, quality: str, size: Size | None) -> int:
        """Output tokens of one picture; UnknownQuantity where no rule says it."""
        self.check(quality, size)
        if self.output_assumed:
            raise UnknownQuantity(
                "output_image_tokens",
                f"output_image_tokens of {self.model} has no published rule; "
                "only the usage of an answer tells it",
            )
        if quality == AUTO:
            raise UnknownQuantity(
                "quality",
                f"quality auto may be any of {', '.join(self.output.qualities)}, "
                "so output_image_tokens is unknown",
            )
        if size is None:
            raise UnknownQuantity(
                "size", "size auto may be any size, so output_image_tokens is unknown"
            )
        return self.output.count(quality, size)

    def output_tokens_bound(self, quality: str, size: Size | None) -> int:
        """The most output tokens that one picture can take; auto is the dearest."""
        self.check(quality, size)
        qualities = self.output.qualities if quality == AUTO else (quality,)
        sizes = self.output.sizes() if size is None else (size,)
        return max(self.output.count(one, at) for one in qualities for at in sizes)

    def picture_tokens(self, pictures: Iterable[InputImage], as_of: date) -> int:
        """Input tokens of the pictures of one request; UnknownQuantity if no rule."""
        return sum(self._picture_tokens(picture, as_of) for picture in pictures)

    def picture_tokens_bound(self, pictures: Iterable[InputImage], as_of: date) -> int:
        """The most input tokens that the pictures of one request can take."""
        result = 0
        for picture in pictures:
            try:
                result += self._picture_tokens(picture, as_of)
            except UnknownQuantity:
                result += self.bounds.picture_tokens
        return result

    def _picture_tokens(self, picture: InputImage, as_of: date) -> int:
        """Input tokens of one picture."""
        if self.fidelities and picture.fidelity not in self.fidelities:
            raise BadVariant(f"{self.model} takes no {picture.fidelity} input fidelity")
        holds = self.picture_from is None or self.picture_from <= as_of
        found = self.picture.count(picture) if self.picture and holds else None
        if found is None:
            raise UnknownQuantity(
                "input_image_tokens",
                f"input_image_tokens of a {picture.width_px}x{picture.height_px} "
                f"picture has no published rule for {self.model} on {as_of}",
            )
        return found

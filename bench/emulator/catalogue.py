"""Catalogue: which models are served, when, and under which rules."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from bench.emulator.options import Profile

FIXED_SIZES = ("1024x1024", "1024x1536", "1536x1024")
COMMON = frozenset({"prompt", "model", "n", "size", "quality", "user"})
GPT_IMAGE = COMMON | {
    "background",
    "moderation",
    "output_compression",
    "output_format",
    "partial_images",
    "safety_identifier",
    "stream",
}
GIF_AND_SVG = frozenset({"complexity", "frame_count", "frame_duration_ms", "svg"})
EDITED = frozenset({"image", "mask"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model: its life, what it accepts, and whose tables it uses.

    `sizes` None means the flexible size rule. `kin` names the row of the token
    and price tables. `pace` multiplies the service time. `parameters` are those of
    a generation. No `fidelities`: every input counts as high, and nobody may say so.
    Before `transparent_from` the background is always opaque.
    """

    name: str
    kin: str
    released_on: date
    retired_on: date | None = None
    qualities: tuple[str, ...] = ("low", "medium", "high", "auto")
    sizes: tuple[str, ...] | None = None
    parameters: frozenset[str] = GPT_IMAGE
    formats: tuple[str, ...] = ("png", "jpeg", "webp")
    fidelities: tuple[str, ...] = ("high", "low")
    transparent_from: date | None = None
    transparent: bool = True
    edits: bool = True
    marks_up: bool = False
    prompt_chars_max: int = 32000
    n_max: int = 10
    pace: float = 1.0

    @property
    def is_dall_e(self) -> bool:
        """Whether it answers like a DALL-E model (URLs, no usage)."""
        return self.kin.startswith("dall-e")

    @property
    def edit_parameters(self) -> frozenset[str]:
        """What a multipart edit may hold; an edit in JSON has `images` instead."""
        if self.is_dall_e:
            return self.parameters | EDITED
        known = self.parameters | EDITED | {"input_fidelity"}
        return (known | {"markup"} if self.marks_up else known) - {"moderation"}

    @property
    def json_edit_parameters(self) -> frozenset[str]:
        """What an edit in JSON may hold."""
        without = self.edit_parameters - {"image", "markup"}
        return without | {"images", "moderation"}

    @property
    def variation_parameters(self) -> frozenset[str]:
        """What a variation may hold; empty where the model makes none."""
        varies = self.kin == "dall-e-2"
        return (self.parameters | {"image"}) - {"prompt"} if varies else frozenset()

    def on(self, day: date) -> "Model":
        """Return the model with the rules that are in force on `day`."""
        early = self.transparent_from is not None and day < self.transparent_from
        return replace(self, transparent=not early)

    def live_on(self, day: date) -> bool:
        """Whether the model is served on `day`."""
        gone = self.retired_on is not None and day >= self.retired_on
        return self.released_on <= day and not gone


def _gpt_image_2() -> tuple[Model, ...]:
    two = Model(
        name="gpt-image-2",
        kin="gpt-image-2",
        released_on=date(2026, 4, 21),
        fidelities=(),
        transparent_from=date(2026, 8, 20),
    )
    five = ("low", "medium", "high", "xhigh", "max", "auto")
    sunburst_25 = replace(
        two,
        name="gpt-image-2.5-sunburst",
        kin="gpt-image-2.5",
        released_on=date(2026, 9, 8),
        qualities=five,
        transparent_from=None,
        marks_up=True,
    )
    flare_25 = replace(sunburst_25, name="gpt-image-2.5-flare", pace=0.6)
    sunburst_26 = replace(
        sunburst_25,
        name="gpt-image-2.6-sunburst",
        kin="gpt-image-2.6",
        released_on=date(2026, 11, 4),
        parameters=GPT_IMAGE | GIF_AND_SVG,
        formats=(*two.formats, "gif", "svg"),
    )
    return (
        two,
        replace(two, name="gpt-image-2-2026-04-21"),
        sunburst_25,
        replace(sunburst_25, name="gpt-image-2.5-sunburst-2026-09-08"),
        flare_25,
        replace(flare_25, name="gpt-image-2.5-flare-2026-09-08"),
        sunburst_26,
        replace(sunburst_26, name="gpt-image-2.6-flare", pace=0.6),
    )


def _gpt_image_1() -> tuple[Model, ...]:
    one = Model(
        name="gpt-image-1",
        kin="gpt-image-1",
        released_on=date(2025, 4, 23),
        retired_on=date(2026, 10, 23),
        sizes=FIXED_SIZES,
        pace=1.2,
    )
    one_5 = replace(
        one,
        name="gpt-image-1.5",
        kin="gpt-image-1.5",
        released_on=date(2025, 12, 16),
        retired_on=date(2026, 12, 1),
        pace=0.9,
    )
    mini = replace(
        one_5,
        name="gpt-image-1-mini",
        kin="gpt-image-1-mini",
        released_on=date(2025, 10, 6),
        fidelities=("low",),
        pace=0.7,
    )
    return one, mini, one_5, replace(one_5, name="chatgpt-image-latest")


def _dall_e() -> tuple[Model, ...]:
    two = Model(
        name="dall-e-2",
        kin="dall-e-2",
        released_on=date(2022, 11, 3),
        retired_on=date(2026, 5, 12),
        qualities=("standard",),
        sizes=("256x256", "512x512", "1024x1024"),
        parameters=COMMON | {"response_format"},
        prompt_chars_max=1000,
        pace=0.8,
    )
    three = replace(
        two,
        name="dall-e-3",
        kin="dall-e-3",
        released_on=date(2023, 11, 6),
        qualities=("standard", "hd", "auto"),
        sizes=("1024x1024", "1792x1024", "1024x1792"),
        parameters=COMMON | {"response_format", "style"},
        prompt_chars_max=4000,
        n_max=1,
        edits=False,
    )
    return two, three


MODELS = (*_dall_e(), *_gpt_image_1(), *_gpt_image_2())


def served(profile: Profile, day: date | None = None) -> dict[str, Model]:
    """Return the models that `profile` serves on `day` (default: today, UTC).

    The legacy profile serves every model that ever was, whatever the date.
    """
    today = day or datetime.now(UTC).date()
    legacy = profile is Profile.LEGACY
    return {m.name: m.on(today) for m in MODELS if legacy or m.live_on(today)}

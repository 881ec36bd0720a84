"""Form: a scenario and its parts, each key with what it may hold."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StringConstraints,
)

from bench.scenario.written import (
    Amount,
    Growth,
    Month,
    Name,
    Scheme,
    Seasons,
    Share,
    Text,
    Volume,
    Word,
)
from pricing.demand import MOST_MONTHS

MOST_PARTS = 100
_STRICT = ConfigDict(extra="forbid", frozen=True)


class Part(BaseModel):
    """A part of the pictures: its share, and what is asked for them.

    Attributes:
        model, quality, size: What is not given matches every value in a run, and
            must not be needed by a price book.
        asked: Of a run: what is asked beside them, in the words of `show`, as
            `edit Responses API with gpt-4.1-mini`; empty where that is nothing.
    """

    model_config = _STRICT

    share: Share = Decimal(1)
    model: Word | None = None
    quality: Word | None = None
    size: Word | None = None
    asked: Annotated[str, StringConstraints(max_length=2000)] | None = None


class MeasuredMix(BaseModel):
    """A mix as it was: the pictures of a run, or of a usage file.

    Attributes:
        from_run: Name of the run, or `latest`; usable pictures by variant.
        from_usage: A CSV file with the columns model, quality, size, images, and
            date if there is one; beside the scenario file.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "oneOf": [{"required": ["from_run"]}, {"required": ["from_usage"]}]
        },
    )

    from_run: Word | None = None
    from_usage: Word | None = None


def _as_mix(value: object) -> object:
    """A mapping is a measured mix, anything else should be a list of parts."""
    return MeasuredMix.model_validate(value) if isinstance(value, dict) else value


Mix = (
    Annotated[tuple[Part, ...], Field(min_length=1, max_length=MOST_PARTS)]
    | MeasuredMix
)


class Failing(BaseModel):
    """How requests end, as shares of all requests; the rest gave usable pictures.

    Attributes:
        unusable_share: Gave a picture that can't be used, and was billed.
        refused_share: Were refused by moderation.
        retried_share: Failed otherwise and were sent again.
        refused_billed_share: Of the refused, those that are billed like a picture.
        retried_billed_share: Of the retried, those that are billed like a picture.
        from_run: In place of all shares: how the requests of a run ended.
        endpoint: Of that run, only those to this endpoint.
        route: Of that run, only those on this route.
    """

    model_config = _STRICT

    unusable_share: Share = Decimal(0)
    refused_share: Share = Decimal(0)
    retried_share: Share = Decimal(0)
    refused_billed_share: Share = Decimal(0)
    retried_billed_share: Share = Decimal(0)
    from_run: Word | None = None
    endpoint: Word | None = None
    route: Literal["direct", "gateway"] | None = None


FAILED = ("unusable_share", "refused_share", "retried_share")
BILLED = ("refused_billed_share", "retried_billed_share")


class Book(BaseModel):
    """A price book's price: flat a picture, or by the published token rule.

    Attributes:
        provider: The book's vendor.
        as_of: Day of the prices, as 2026-11-21; today when left out.
        input_text_tokens: Tokens of a prompt; they count 0 when left out.
        multiplier: A gateway's factor on this price.
        scheme: In its place, a gateway's scheme or a list of them (docs/prices.md).
    """

    model_config = _STRICT

    provider: Word = "openai"
    as_of: Word | None = None
    tier: Literal["standard", "batch"] = "standard"
    input_text_tokens: Annotated[StrictInt, Field(ge=0)] | None = None
    multiplier: Amount | None = None
    scheme: Scheme | None = None


class FromRun(BaseModel):
    """What a usable picture cost in a run, at one of its endpoints.

    Attributes:
        run: Name of the run, or `latest`.
        endpoint: Name of the endpoint.
        route: In its place, where the run has one endpoint of that route.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "oneOf": [{"required": ["endpoint"]}, {"required": ["route"]}]
        },
    )

    run: Word
    endpoint: Word | None = None
    route: Literal["direct", "gateway"] | None = None


class Of(BaseModel):
    """Another alternative's price, times a factor; its mix and terms come along."""

    model_config = _STRICT

    alternative: Name
    multiplier: Amount


PRICES = ("usd_per_image", "book", "from_run", "of")


class Choice(BaseModel):
    """One way to get the pictures; its price comes from one of four places.

    Attributes:
        usd_per_image: The price itself.
        batch_usd_per_image: Beside it, the price in the batch tier.
        book: From a price book.
        from_run: Measured in a run.
        of: From another alternative.
        against: The alternative that it is compared with; the scenario's baseline
            when left out. One that others are compared with is compared with
            nothing unless it says so.
        mix, failures, cache_hit_share, batch_share: In place of the scenario's.
        monthly_fee_usd: On top of each month.
        setup_usd: On top of the first month.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"oneOf": [{"required": [price]} for price in PRICES]},
    )

    name: Name
    usd_per_image: Amount | None = None
    batch_usd_per_image: Amount | None = None
    book: Book | None = None
    from_run: FromRun | None = None
    of: Of | None = None
    against: Name | None = None
    mix: Annotated[Mix, BeforeValidator(_as_mix)] | None = None
    failures: Failing | None = None
    cache_hit_share: Share | None = None
    batch_share: Share | None = None
    monthly_fee_usd: Amount = Decimal(0)
    setup_usd: Amount = Decimal(0)


class Scenario(BaseModel):
    """Months of pictures, and the ways to get them.

    Attributes:
        images_per_month: Usable pictures that are wanted: one volume, or a list
            with one for each month.
        months: How many, where there is one volume; 12.
        growth: As `5%/month`, compound, where there is one volume.
        start: The first month, as 2027-01.
        seasonality: What each calendar month is times an ordinary one: 12 factors
            from January on, or some by month name; needs `start`.
        mix: What is asked for the pictures; the shares sum to 1.
        failures: What fails on the way to a usable picture; nothing if left out. A
            price that was measured in a run holds its failures already.
        cache_hit_share: Of the pictures, those that a cache serves for nothing.
        batch_share: Of the pictures that are made, those in the batch tier.
        medium_price_range: How far off rates of medium confidence may be, as a
            share; 0.1. It is no part of any band.
        baseline: Name of the alternative that the others are compared with.
    """

    model_config = _STRICT

    name: Name
    description: Text | None = None
    images_per_month: Volume
    months: Annotated[StrictInt, Field(ge=1, le=MOST_MONTHS)] | None = None
    growth: Growth | None = None
    start: Month | None = None
    seasonality: Seasons | None = None
    mix: Annotated[Mix, BeforeValidator(_as_mix)] | None = None
    failures: Failing | None = None
    cache_hit_share: Share | None = None
    batch_share: Share | None = None
    medium_price_range: Share = Decimal("0.1")
    baseline: Name
    alternatives: Annotated[tuple[Choice, ...], Field(min_length=1, max_length=1_000)]

    def against(self, choice: Choice) -> str | None:
        """The name that an alternative is compared with, None with nothing."""
        others = {self.baseline, *(c.against for c in self.alternatives)}
        if choice.against or choice.name in others:
            return choice.against
        return self.baseline

"""Scenario: months to project, as people write them."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from bench.document import check, read
from bench.errors import BadInput
from pricing.errors import BadAmount
from pricing.money import total, usd
from pricing.projection import MOST_MONTHS

MOST_IMAGES = 10**9
_GROWTH = re.compile(r"([+-]?[0-9]{1,4}(?:\.[0-9]{1,4})?) ?%(?:/month)?", re.ASCII)


def _amount(value: object) -> Decimal:
    """A plain decimal of 0 or more, exactly as written; a number or a text."""
    number = value if type(value) in {int, Decimal, str} else "none"
    try:
        found = usd(format(number, "f") if type(number) is Decimal else str(number))
    except BadAmount:
        raise ValueError("should be a plain number such as 0.05") from None
    if found < 0:
        raise ValueError("should not be negative")
    return found


def _share(value: object) -> Decimal:
    found = _amount(value)
    if found > 1:
        raise ValueError("should be a share from 0 to 1")
    return found


def read_growth(value: object) -> Decimal:
    """Growth a month as a share: `5%/month` is 0.05.

    Raises:
        ValueError: It does not read so, or is a loss of all.
    """
    found = _GROWTH.fullmatch(value) if isinstance(value, str) else None
    share = Decimal(found[1]) / 100 if found else Decimal(-1)
    if share <= -1:
        raise ValueError("should read like 5%/month, above -100%")
    return share


def _volume(value: object, inner: ValidatorFunctionWrapHandler) -> object:
    try:
        return inner(value)
    except ValidationError:
        raise ValueError(
            f"should be a whole number to {MOST_IMAGES:,}, or a list of one a month"
        ) from None


_NUMBER: dict[str, Any] = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,40})?$"},
    ]
}
_TO_1 = {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, _NUMBER["anyOf"][1]]}
Amount = Annotated[Decimal, BeforeValidator(_amount), WithJsonSchema(_NUMBER)]
Share = Annotated[Decimal, BeforeValidator(_share), WithJsonSchema(_TO_1)]
Growth = Annotated[
    Decimal,
    BeforeValidator(read_growth),
    WithJsonSchema({"type": "string", "pattern": f"^{_GROWTH.pattern}$"}),
]
Images = Annotated[StrictInt, Field(ge=0, le=MOST_IMAGES)]
Volume = Annotated[
    Images | Annotated[tuple[Images, ...], Field(min_length=1, max_length=MOST_MONTHS)],
    WrapValidator(_volume),
]
_PLAIN = Field(pattern=r"^[^\x00-\x1f\x7f]*$")
Name = Annotated[str, _PLAIN, Field(min_length=1, max_length=100)]
Word = Annotated[str, _PLAIN, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]*$", max_length=2_000)]


class Part(BaseModel):
    """A part of the pictures: its share, and what is asked for them.

    Attributes:
        model, quality, size: What is not given matches every value in a run, and
            must not be needed by a price book.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: Share = Decimal(1)
    model: Word | None = None
    quality: Word | None = None
    size: Word | None = None


Mix = Annotated[tuple[Part, ...], Field(min_length=1, max_length=100)]


class Book(BaseModel):
    """A price book's price: flat a picture, or by the published token rule.

    Attributes:
        provider: The book's vendor.
        as_of: Day of the prices, as 2026-11-21; today when left out.
        input_text_tokens: Tokens of a prompt; they count 0 when left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Word = "openai"
    as_of: Word | None = None
    tier: Literal["standard", "batch"] = "standard"
    input_text_tokens: Annotated[StrictInt, Field(ge=0)] | None = None


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
    """Another alternative's cost a picture, times a factor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alternative: Name
    multiplier: Amount


PRICES = ("usd_per_image", "book", "from_run", "of")


class Choice(BaseModel):
    """One way to get the pictures; its price comes from one of four places.

    Attributes:
        usd_per_image: The price itself.
        book: From a price book.
        from_run: Measured in a run.
        of: From another alternative.
        against: The alternative that it is compared with; the scenario's baseline
            when left out. One that others are compared with is compared with
            nothing unless it says so.
        mix: In place of the scenario's.
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
    book: Book | None = None
    from_run: FromRun | None = None
    of: Of | None = None
    against: Name | None = None
    mix: Mix | None = None
    monthly_fee_usd: Amount = Decimal(0)
    setup_usd: Amount = Decimal(0)


class Scenario(BaseModel):
    """Months of pictures, and the ways to get them.

    Attributes:
        images_per_month: One volume, or a list with one for each month.
        months: How many, where there is one volume; 12.
        growth: As `5%/month`, where there is one volume.
        mix: What is asked for the pictures; the shares sum to 1.
        baseline: Name of the alternative that the others are compared with.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    description: Text | None = None
    images_per_month: Volume
    months: Annotated[StrictInt, Field(ge=1, le=MOST_MONTHS)] | None = None
    growth: Growth | None = None
    mix: Mix | None = None
    baseline: Name
    alternatives: Annotated[tuple[Choice, ...], Field(min_length=1, max_length=1_000)]

    def against(self, choice: Choice) -> str | None:
        """The name that an alternative is compared with, None with nothing."""
        others = {self.baseline, *(c.against for c in self.alternatives)}
        if choice.against or choice.name in others:
            return choice.against
        return self.baseline


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        BadInput: Names the file, key and value, and how to mend it.
    """
    written = check(path, read(path), Scenario)
    try:
        check_scenario(written)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    return written


def check_scenario(scenario: Scenario) -> None:
    """Refuse what no single key shows.

    Raises:
        BadInput: Names the key and value.
    """
    if isinstance(scenario.images_per_month, tuple):
        for key in {"months", "growth"} & scenario.model_fields_set:
            raise BadInput(f"{key}: images_per_month lists each month; keep one")
    _check_mix("mix", scenario.mix)
    names = [choice.name for choice in scenario.alternatives]
    for number, choice in enumerate(scenario.alternatives):
        where = f"alternatives.{number}"
        if names.index(choice.name) < number:
            raise BadInput(f"{where}.name: '{choice.name}' stands twice; keep one")
        _check_choice(where, choice, names)
    _check_name("baseline", scenario.baseline, names)


def _check_choice(where: str, choice: Choice, names: list[str]) -> None:
    given = [key for key in PRICES if getattr(choice, key) is not None]
    if len(given) != 1:
        raise BadInput(
            f"{where}: '{choice.name}' has {' and '.join(given) or 'no price'}; "
            f"give one of {', '.join(PRICES)}"
        )
    run = choice.from_run
    if run and (run.endpoint is None) == (run.route is None):
        raise BadInput(f"{where}.from_run: give either endpoint or route")
    if choice.of:
        earlier = names[: names.index(choice.name)]
        _check_name(f"{where}.of.alternative", choice.of.alternative, earlier)
    if choice.against:
        others = [name for name in names if name != choice.name]
        _check_name(f"{where}.against", choice.against, others)
    _check_mix(f"{where}.mix", choice.mix)


def _check_name(where: str, name: str, names: list[str]) -> None:
    if name not in names:
        raise BadInput(
            f"{where}: '{name}' is not among {', '.join(names) or 'those before it'}; "
            "name one of the alternatives"
        )


def _check_mix(where: str, mix: tuple[Part, ...] | None) -> None:
    if mix and (whole := total(part.share for part in mix)) != 1:
        raise BadInput(
            f"{where}: the shares sum to {whole.normalize():f}; make them sum to 1"
        )


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, for editors."""
    return Scenario.model_json_schema()

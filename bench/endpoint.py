"""Endpoint: where a request goes, whose prices hold, which key."""

import re
from decimal import Decimal
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    StringConstraints,
    field_validator,
)

from bench.document import check, parse, read, unshown
from bench.errors import BadInput
from bench.suite import CLOSED, PARAMETERS, Value

Name = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$", max_length=64)
]
_DEFAULTS = PARAMETERS | {"mainline_model"}
_MAKER = "api.openai.com"
_OPERATION = re.compile(
    r"/(images/(generate|generations?|edits?|variations?)|responses)/*$"
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Names have few digits; a key without hyphens has many, or begins like one.
_LIKE_A_KEY = re.compile(r"sk_.*|(?=.{20})(.*[0-9]){6}.*")


class Route(StrEnum):
    """Straight to the provider, or through somebody in between."""

    DIRECT = "direct"
    GATEWAY = "gateway"


class Limits(BaseModel):
    """What an endpoint allows; None where it sets no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests_per_minute: Annotated[StrictInt, Field(ge=1)] | None = None
    images_per_minute: Annotated[StrictInt, Field(ge=1)] | None = None
    concurrency: Annotated[StrictInt, Field(ge=1)] | None = None


class DerivedPrices(BaseModel):
    """Prices of a gateway: a book's, changed by a scheme."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    of: str
    scheme: dict[str, Any] | list[dict[str, Any]]

    @field_validator("scheme", mode="before")
    @classmethod
    def _exact(cls, value: object) -> object:
        return _as_text(value)


def _as_text(value: Any) -> Any:  # noqa: ANN401  a scheme nests freely
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list):
        return [_as_text(part) for part in cast("list[Any]", value)]
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return {key: _as_text(part) for key, part in pairs}
    return value


class Endpoint(BaseModel):
    """One endpoint, as it is written.

    Attributes:
        base_url: Used verbatim; requests go to `<base_url>/images/...`.
        api_key_env: The *name* of the environment variable with the key.
        prices: A book's vendor, or a book and the scheme that changes it.
        timeout_s: Total deadline of one request, connect to last byte.
        defaults: Parameters for cells whose suite leaves them out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    base_url: str
    api_key_env: str
    route: Route
    prices: str | DerivedPrices
    api: tuple[Literal["images", "responses"], ...] = ("images",)
    limits: Limits = Limits()
    timeout_s: Annotated[float, Field(gt=0, le=7200)] = 300.0
    defaults: dict[str, Value] = {}

    @field_validator("base_url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        parts = _split(value)
        if parts.username or parts.password or parts.query or parts.fragment:
            raise unshown("should hold no user, password, query or fragment")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise unshown("should begin with https:// and name a host")
        if not value.isascii() or not value.isprintable() or " " in value:
            raise unshown("should hold no spaces and nothing but ASCII")
        if found := _OPERATION.search(parts.path):
            raise unshown(
                f"should end before {found[0]}, as in https://host/v1: the address "
                "of each operation is put behind it (a picture is generated at "
                "/images/generations)"
            )
        if parts.hostname == _MAKER and parts.path.strip("/") != "v1":
            raise unshown(f"should be https://{_MAKER}/v1: nothing else is answered")
        return value

    @field_validator("api_key_env", mode="wrap")
    @classmethod
    def _name_of_variable(cls, value: object, _: object) -> str:
        is_name = isinstance(value, str) and _VARIABLE.fullmatch(value)
        if not isinstance(value, str) or not is_name or _LIKE_A_KEY.fullmatch(value):
            raise unshown(
                "should be the name of an environment variable such as "
                "OPENAI_API_KEY, never the key itself"
            )
        return value

    @field_validator("defaults")
    @classmethod
    def _known_parameters(cls, values: dict[str, Value]) -> dict[str, Value]:
        for key, value in values.items():
            if key not in _DEFAULTS:
                known = ", ".join(sorted(_DEFAULTS))
                raise unshown(f"'{key}' is no such parameter; known are {known}")
            if value not in CLOSED.get(key, {value}):
                raise unshown(f"'{key}: {value}' is none; there are true, false")
        return values

    @property
    def vendor(self) -> str:
        """Whose book holds the direct price."""
        return self.prices if isinstance(self.prices, str) else self.prices.of

    @property
    def scheme(self) -> dict[str, Any] | list[dict[str, Any]] | None:
        """What turns the direct price into this endpoint's, None if nothing."""
        return None if isinstance(self.prices, str) else self.prices.scheme

    def doubts(self) -> tuple[str, ...]:
        """What looks wrong but may be meant, a sentence each."""
        parts = _split(self.base_url)
        found: list[str] = []
        if not parts.path.rstrip("/").endswith("/v1"):
            found.append(
                f"endpoint {self.name}: base_url {self.base_url} does not end in /v1; "
                "it is used as it stands"
            )
        if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
            found.append(
                f"endpoint {self.name}: base_url {self.base_url} is http, so the key "
                "travels unencrypted"
            )
        return tuple(found)


class EndpointsFile(BaseModel):
    """The endpoints file, as it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoints: Annotated[tuple[Endpoint, ...], Field(min_length=1)]


class _Service(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    api_key_env: str


class _GuidesFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    service: _Service
    default: dict[str, Value] = {}


def read_endpoints(
    path: Path, route: str | None = None, prices: str | None = None
) -> tuple[Endpoint, ...]:
    """Read an endpoints file, ours or the guides' JSON form.

    Args:
        path: The file.
        route: `direct` or `gateway`, for the guides' form only.
        prices: A vendor, or `{of, scheme}` as YAML, for the guides' form only.

    Raises:
        BadInput: Names the file, key and value, and how to mend it.
    """
    content: object = read(path)
    is_guides_form = hasattr(content, "keys") and "service" in cast(
        "dict[str, Any]", content
    )
    if not is_guides_form and (route or prices):
        raise BadInput(f"{path}: --route and --prices are for the guides' JSON form")
    try:
        if is_guides_form:
            return (_from_guides(path, content, route, prices),)
        endpoints = check(path, content, EndpointsFile).endpoints
    except BadInput as error:
        raise BadInput(_in_file(path, str(error))) from None
    names = [endpoint.name for endpoint in endpoints]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise BadInput(f"{path}: endpoints: name '{twice[0]}' stands twice")
    return endpoints


def _in_file(path: Path, sentence: str) -> str:
    return sentence if sentence.startswith(str(path)) else f"{path}: {sentence}"


def _from_guides(
    path: Path, content: object, route: str | None, prices: str | None
) -> Endpoint:
    guides = check(path, content, _GuidesFile)
    if not route or not prices:
        raise BadInput(
            "this form says neither route nor prices; "
            "add --route direct|gateway and --prices VENDOR"
        )
    known = {key: value for key, value in guides.default.items() if key != "tool"}
    written: dict[str, Any] = {
        "name": _split(guides.service.base_url).hostname or "unnamed",
        "base_url": guides.service.base_url,
        "api_key_env": guides.service.api_key_env,
        "route": route,
        "prices": parse(Path("--prices"), prices),
        "defaults": known,
    }
    return check(path, written, Endpoint)


def choose(
    path: Path, endpoints: tuple[Endpoint, ...], names: tuple[str, ...]
) -> tuple[Endpoint, ...]:
    """The endpoints that the command line names, in its order.

    Raises:
        BadInput: A name is unknown or stands twice, or it is unclear which.
    """
    known = {endpoint.name: endpoint for endpoint in endpoints}
    listed = ", ".join(known)
    if not names:
        if len(known) > 1:
            raise BadInput(f"--endpoint NAME is missing; {path} has {listed}")
        return endpoints
    for name in names:
        if name not in known:
            raise BadInput(f"--endpoint {name}: not in {path}, which has {listed}")
    if len(set(names)) < len(names):
        raise BadInput("--endpoint: a name stands twice; name each once")
    return tuple(known[name] for name in names)


def endpoints_schema() -> dict[str, Any]:
    """The JSON Schema of an endpoints file, for editors."""
    return EndpointsFile.model_json_schema()


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return urlsplit("")
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

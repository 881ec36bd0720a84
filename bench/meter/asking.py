"""Asking: which endpoints a meter knows, and what a call asks of one."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.attempt import Cell
from bench.endpoint import Endpoint, Route, choose, read_endpoints
from bench.errors import BadInput, NoCredentials
from bench.folder import DataFolder
from bench.plan.build import cell_of
from bench.prompt import Prompt
from bench.rules.asked import check_asked
from bench.suite import NOT_PARAMETERS, PARAMETERS, Value

DEFAULT_MODEL = "gpt-image-2"
VARIATION_MODEL = "dall-e-2"
_OPENAI = Endpoint(
    name="openai",
    base_url="https://api.openai.com/v1",
    api_key_env="OPENAI_API_KEY",
    route=Route.DIRECT,
    prices="openai",
)

Named = str | Endpoint


def endpoints_of(
    wanted: Named | Sequence[Named], file: Path | None, data: DataFolder
) -> tuple[Endpoint, ...]:
    """The endpoints that a meter is made with, in their order.

    A name is looked up in the file, else in `DIR/endpoints.yaml`; without
    either, `openai` is the official API.

    Raises:
        BadInput: A name is unknown or stands twice, or a file can't be used.
    """
    listed = [wanted] if isinstance(wanted, str | Endpoint) else list(wanted)
    names = tuple(name for name in listed if isinstance(name, str))
    path = file or data.endpoints
    if file is None and not path.is_file():
        known = {_OPENAI.name: _OPENAI}
        missing = [name for name in names if name not in known]
        if missing:
            raise BadInput(
                f"endpoint '{missing[0]}': {path} does not exist; name an endpoints "
                "file, or give an Endpoint"
            )
    else:
        chosen = choose(path, read_endpoints(path), names) if names else ()
        known = {endpoint.name: endpoint for endpoint in chosen}
    found = [known[e] if isinstance(e, str) else e for e in listed]
    if not found or len({e.name for e in found}) < len(found):
        raise BadInput("a meter needs one endpoint or more, each name once")
    return tuple(found)


def cell_for(
    endpoint: Endpoint,
    prompt: Prompt,
    parameters: Mapping[str, Value | None],
    operation: str = "generate",
) -> Cell:
    """The cell that a call asks at; None leaves a parameter out.

    Raises:
        BadInput: A parameter is unknown, or its model refuses the value.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    known = (PARAMETERS | NOT_PARAMETERS) - {"operation"}
    for name in given:
        if name not in known:
            raise BadInput(
                f"{name}: no such parameter; known are {', '.join(sorted(known))}"
            )
    usual: dict[str, Value] = {"model": DEFAULT_MODEL}
    if operation == "variation":
        # Else it answers with an address, which is no picture yet.
        usual = {"model": VARIATION_MODEL, "response_format": "b64_json"}
    given = {**usual, **endpoint.defaults, **given}
    cell = cell_of({"api": "images", "operation": operation, **given}, endpoint)
    check_asked((cell,), (prompt,), (endpoint,), datetime.now(UTC).date())
    return cell


def key_of(endpoint: Endpoint, variables: Mapping[str, str]) -> str:
    """The key of an endpoint; white space around it is cut.

    Raises:
        NoCredentials: Its variable is not set.
    """
    key = variables.get(endpoint.api_key_env, "").strip()
    if not key:
        raise NoCredentials(
            f"environment variable {endpoint.api_key_env} (the key of endpoint "
            f"{endpoint.name}) is not set; export it or write it into .env"
        )
    return key

"""Endpoints: where requests go; a key in the wrong place is never shown."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bench.document import parse
from bench.endpoint import (
    DerivedPrices,
    Endpoint,
    Route,
    choose,
    read_endpoints,
)
from bench.errors import BadInput

CANARY = "sk-canary-7f3a9d51c2e84b06"
OPENAI = {
    "name": "openai",
    "base_url": "https://api.openai.com/v1",
    "api_key_env": "OPENAI_API_KEY",
    "route": "direct",
    "prices": "openai",
}
HALF = {"of": "openai", "scheme": {"kind": "multiplier", "factor": "0.5"}}
GUIDES = {
    "service": {"base_url": "https://gate.example/v1", "api_key_env": "GATE_KEY"},
    "default": {
        "model": "gpt-image-2",
        "tool": "image_generation",
        "quality": "low",
        "size": "1024x1024",
    },
}


def _file(folder: Path, content: Any, name: str = "endpoints.yaml") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def _changed(**changes: Any) -> dict[str, Any]:
    entry = {k: v for k, v in {**OPENAI, **changes}.items() if v is not None}
    return {"endpoints": [entry]}


def _one(folder: Path, **changes: Any) -> Endpoint:
    return read_endpoints(_file(folder, _changed(**changes)))[0]


def test_an_endpoint_is_read_with_the_defaults_of_the_contract(tmp_path: Path) -> None:
    endpoint = _one(tmp_path)
    assert endpoint.base_url == "https://api.openai.com/v1"
    assert endpoint.api == ("images",)
    assert endpoint.timeout_s == 300
    assert endpoint.limits.requests_per_minute is None
    assert (endpoint.vendor, endpoint.scheme) == ("openai", None)
    assert endpoint.doubts() == ()


@pytest.mark.parametrize("factor", ['"0.5"', "0.5"])
def test_a_factor_stays_exact_whether_quoted_or_not(
    tmp_path: Path, factor: str
) -> None:
    text = json.dumps(_changed(prices=HALF)).replace('"0.5"', factor)
    endpoint = read_endpoints(_file(tmp_path, text))[0]
    assert endpoint.prices == DerivedPrices.model_validate(HALF)
    assert endpoint.vendor == "openai"


def test_a_nested_scheme_holds_no_float(tmp_path: Path) -> None:
    steps = "[{kind: multiplier, factor: 0.10}, {kind: credits, rates: {a: 1e-7}}]"
    text = "endpoints: [{name: a, base_url: 'http://localhost:1/v1', api_key_env: K, "
    text += f"route: gateway, prices: {{of: openai, scheme: {steps}}}}}]"
    scheme = read_endpoints(_file(tmp_path, text))[0].scheme
    assert isinstance(scheme, list)
    assert scheme[0]["factor"] == "0.10"
    assert Decimal(scheme[1]["rates"]["a"]) == Decimal("1e-7")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"baseurl": "x"}, "key 'endpoints.0.baseurl' is not known; .* spelling$"),
        ({"route": None}, "key 'endpoints.0.route' is missing$"),
        ({"route": "side"}, "endpoints.0.route: .*'direct' or 'gateway'.*\"side\"$"),
        ({"prices": None}, "key 'endpoints.0.prices' is missing$"),
        ({"prices": {"of": "openai"}}, "key 'endpoints.0.prices.scheme' is missing$"),
        ({"prices": {**HALF, "off": 1}}, "key 'endpoints.0.prices.off' is not known"),
        ({"name": "two words"}, "endpoints.0.name: .*two words"),
        ({"name": "../../etc"}, "endpoints.0.name: "),
        ({"name": ""}, "endpoints.0.name: "),
        ({"name": "a" * 65}, "endpoints.0.name: "),
        ({"api": ["chat"]}, 'endpoints.0.api.0: .*"chat"'),
        ({"timeout_s": 0}, "endpoints.0.timeout_s: .*not 0"),
        ({"timeout_s": -1}, "endpoints.0.timeout_s: "),
        ({"timeout_s": 7201}, "endpoints.0.timeout_s: "),
        ({"limits": {"rpm": 5}}, "key 'endpoints.0.limits.rpm' is not known"),
        ({"limits": {"concurrency": 0}}, "endpoints.0.limits.concurrency: .*not 0$"),
        ({"limits": {"images_per_minute": True}}, "images_per_minute: .*not true"),
        ({"limits": {"requests_per_minute": 1.5}}, "requests_per_minute: "),
        ({"defaults": {"qualty": "low"}}, "endpoints.0.defaults: 'qualty' is no such"),
        ({"defaults": {"prompt": "x"}}, "endpoints.0.defaults: 'prompt' is no such"),
        ({"defaults": {"stream": "yes"}}, "defaults: 'stream: yes' is none; there are"),
        ({"defaults": {"size": None}}, "endpoints.0.defaults.size: should be"),
        ({"base_url": "api.openai.com/v1"}, "base_url: should begin with https://"),
        ({"base_url": "ftp://h/v1"}, "base_url: should begin with https://"),
        ({"base_url": "https:///v1"}, "base_url: should begin with https://"),
        ({"base_url": "https://h:port/v1"}, "base_url: should begin with https://"),
        ({"base_url": "https://h:99999/v1"}, "base_url: should begin with https://"),
        ({"base_url": "https://h/v1\n"}, "base_url: should hold no spaces"),
        ({"base_url": " https://h/v1"}, "base_url: should "),
        ({"base_url": "https://h h/v1"}, "base_url: should hold no spaces"),
        ({"base_url": "https://h/v1?a=b"}, "base_url: should hold no user, password"),
        ({"base_url": "https://h/v1#a"}, "base_url: should hold no user, password"),
    ],
)
def test_an_endpoint_that_can_not_be_meant_is_refused(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence) as refusal:
        _one(tmp_path, **changes)
    assert str(refusal.value).startswith(str(tmp_path))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "content",
    [
        _changed(api_key_env=CANARY),
        _changed(api_key_env=[CANARY]),
        _changed(api_key_env={"key": CANARY}),
        _changed(api_key_env=f"{CANARY}\n"),
        _changed(api_key_env=CANARY.replace("-", "_")),
        _changed(api_key_env="a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5f6"),
        _changed(api_key_env=None, api_key=CANARY),
        _changed(base_url=f"https://user:{CANARY}@h.example/v1"),
        _changed(base_url=f"https://{CANARY}@h.example/v1"),
        _changed(base_url=f"https://h.example/v1?key={CANARY}"),
        _changed(base_url=f"user:{CANARY}@h.example/v1"),
        {"endpoints": {"api_key_env": CANARY}},
        {"endpoints": [CANARY]},
        {"endpoints": [[CANARY]]},
        {"endpoints": [{**OPENAI, "prices": {"of": {"key": CANARY}, "scheme": {}}}]},
        {"service": {"base_url": "https://h/v1", "api_key_env": CANARY}},
        {"service": {"base_url": "https://h/v1", "api_key_env": [CANARY]}},
        {"service": {"base_url": f"https://u:{CANARY}@h/v1", "api_key_env": "K"}},
    ],
)
def test_a_secret_in_the_wrong_place_is_refused_and_never_shown(
    tmp_path: Path, content: dict[str, Any]
) -> None:
    path = _file(tmp_path, content)
    options = ("direct", "openai") if "service" in content else (None, None)
    with pytest.raises(BadInput) as refusal:
        read_endpoints(path, *options)
    for part in ("canary", "7f3a9d51", "a1b2c3d4"):
        assert part not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    "name", ["OPENAI_API_KEY", "K", "_key", "MY_TEAM_KEY_2026_11", "gateway_key_1"]
)
def test_a_name_of_a_variable_is_taken(tmp_path: Path, name: str) -> None:
    assert _one(tmp_path, api_key_env=name).api_key_env == name


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://gate.example", ["does not end in /v1"]),
        ("https://gate.example/openai/v1/", []),
        ("https://gate.example/v1/images", ["does not end in /v1"]),
        ("http://gate.example/v1", ["unencrypted"]),
        ("http://10.0.0.7/v1", ["unencrypted"]),
        ("http://gate.example", ["does not end in /v1", "unencrypted"]),
        ("http://127.0.0.1:4000/v1", []),
        ("http://[::1]:4000/v1", []),
        ("http://localhost:4000/v1", []),
    ],
)
def test_a_doubtful_address_is_used_as_it_stands_with_a_hint(
    tmp_path: Path, url: str, words: list[str]
) -> None:
    endpoint = _one(tmp_path, base_url=url)
    assert endpoint.base_url == url
    assert len(endpoint.doubts()) == len(words)
    for word, doubt in zip(words, endpoint.doubts(), strict=True):
        assert word in doubt
        assert url in doubt


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, {"endpoints": [OPENAI, OPENAI]})
    with pytest.raises(BadInput, match="name 'openai' stands twice"):
        read_endpoints(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"endpoints": []}, "endpoints: should not be empty$"),
        ({}, "key 'endpoints' is missing$"),
        ([OPENAI], "should hold keys and values, not a list"),
        ("", "should hold keys and values, not nothing"),
        ({"endpoints": [OPENAI], "version": 1}, "key 'version' is not known"),
        ({"endpoints": {"openai": OPENAI}}, "endpoints: should be a list"),
    ],
)
def test_a_file_that_is_no_list_of_endpoints_is_refused(
    tmp_path: Path, content: Any, sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        read_endpoints(_file(tmp_path, content))


def test_the_guides_form_is_read_with_route_and_prices(tmp_path: Path) -> None:
    path = _file(tmp_path, GUIDES, "config.json")
    prices = "{of: openai, scheme: {kind: multiplier, factor: 0.5}}"
    (endpoint,) = read_endpoints(path, "gateway", prices)
    assert endpoint.name == "gate.example"
    assert endpoint.base_url == "https://gate.example/v1"
    assert (endpoint.api_key_env, endpoint.route) == ("GATE_KEY", Route.GATEWAY)
    assert endpoint.scheme == {"kind": "multiplier", "factor": "0.5"}
    assert endpoint.defaults == {
        "model": "gpt-image-2",
        "quality": "low",
        "size": "1024x1024",
    }


@pytest.mark.parametrize(
    ("route", "prices", "sentence"),
    [
        (None, None, "add --route direct|gateway and --prices VENDOR"),
        ("direct", None, "add --route direct|gateway and --prices VENDOR"),
        (None, "openai", "add --route direct|gateway and --prices VENDOR"),
        ("side", "openai", "route: .*side"),
        ("direct", "[", "--prices: line 1"),
        ("direct", "5", "prices: "),
        ("direct", "{of: openai}", "key 'prices.scheme' is missing"),
    ],
)
def test_the_guides_form_without_what_it_lacks_is_refused(
    tmp_path: Path, route: str | None, prices: str | None, sentence: str
) -> None:
    path = _file(tmp_path, GUIDES, "config.json")
    with pytest.raises(BadInput, match=sentence.replace("|", r"\|")) as refusal:
        read_endpoints(path, route, prices)
    assert str(refusal.value).startswith(str(path))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"service": {"base_url": "https://h/v1"}}, "key 'service.api_key_env'"),
        ({"service": {**GUIDES["service"], "key": "x"}}, "key 'service.key' is not"),
        ({"service": {**GUIDES["service"], "base_url": "h.example"}}, "base_url: "),
        ({"defaults": {}}, "key 'defaults' is not known"),
        ({"default": {"modle": "x"}}, "'modle' is no such parameter"),
    ],
)
def test_a_broken_guides_file_is_refused(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    path = _file(tmp_path, {**GUIDES, **changes}, "config.json")
    with pytest.raises(BadInput, match=sentence):
        read_endpoints(path, "direct", "openai")


def test_route_and_prices_are_refused_beside_our_own_form(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="are for the guides' JSON form"):
        read_endpoints(_file(tmp_path, {"endpoints": [OPENAI]}), "direct", None)


def _named(*names: str) -> tuple[Endpoint, ...]:
    return tuple(Endpoint.model_validate({**OPENAI, "name": name}) for name in names)


def test_endpoints_are_chosen_in_the_order_of_the_command_line() -> None:
    chosen = choose(Path("e"), _named("a", "b", "c"), ("c", "a"))
    assert [endpoint.name for endpoint in chosen] == ["c", "a"]


def test_the_only_endpoint_need_not_be_named() -> None:
    assert choose(Path("e"), _named("a"), ()) == _named("a")


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ((), "--endpoint NAME is missing; e has a, b"),
        (("x",), "--endpoint x: not in e, which has a, b"),
        (("a", "a"), "a name stands twice"),
    ],
)
def test_an_unclear_choice_is_refused(names: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        choose(Path("e"), _named("a", "b"), names)


def test_the_guides_prices_are_read_as_a_document() -> None:
    assert parse(Path("--prices"), "launch-2025") == "launch-2025"

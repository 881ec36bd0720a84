"""Whatever schemathesis asks by the document that the emulator serves."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.conftest import KEY, PLAIN, RunningEmulator
from tests.painted import as_data_url, holed, painted

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
PICTURES = [painted(64, 64), holed(64, 64, (9, 9, 20, 20)), b"no picture"]
OTHERS = [painted(64, 64, kind=kind) for kind in ("JPEG", "WEBP")]
URLS = [
    as_data_url(painted(64, 64)),
    as_data_url(holed(64, 64, (9, 9, 20, 20))),
    as_data_url(b"no picture"),
    "https://example.com/kite.png",
]
IMAGES = ["/images/generations", "/images/edits", "/images/variations"]
N_EXAMPLES = dict(zip(IMAGES, (60, 60, 30), strict=True)) | {"/responses": 40}


@pytest.fixture(scope="module")
def offered(
    start_emulator: Callable[..., RunningEmulator],
) -> RunningEmulator:
    """An emulator of small, quick answers, and what it says that it offers."""
    schemathesis.openapi.format("picture-url", st.sampled_from(URLS))
    running = start_emulator("--time-scale", "0", "--profile", "legacy")
    upload = {"file": ("a.png", PICTURES[0])}
    url = f"{running.url}/files"
    kept = running.http.post(url, data={"purpose": "vision"}, files=upload, headers=KEY)
    ids = st.sampled_from([kept.json()["id"], kept.json()["id"], "file-none"])
    schemathesis.openapi.format("file-id", ids)
    schemathesis.openapi.media_type("image/png", st.sampled_from(PICTURES))
    for kind, content in zip(("jpeg", "webp"), OTHERS, strict=True):
        schemathesis.openapi.media_type(f"image/{kind}", st.just(content))
    running.put("profile", {"answer_bytes": 1})
    return running


def document(running: RunningEmulator) -> dict[str, Any]:
    url = running.url.removesuffix("/v1") + "/openapi.json"
    return running.http.get(url).json()


def asked(
    running: RunningEmulator, path: str, method: str, mode: GenerationMode
) -> Counter[int]:
    """Ask what schemathesis makes of one address; return how often which status."""
    told: Counter[int] = Counter()
    operation = schemathesis.openapi.from_dict(document(running))[path][method]
    checks = [*CHECKS]
    if path in ("/images/generations", "/batches"):
        checks.append(negative_data_rejection)

    @settings(
        max_examples=N_EXAMPLES.get(path, 25),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        answer = case.call(base_url=running.url, headers=KEY, session=session)
        told[answer.status_code] += 1
        case.validate_response(answer, checks=checks)

    with requests.Session() as session:
        session.trust_env = False
        ask()
    return told


def test_the_document_says_what_a_good_and_a_bad_request_are(
    offered: RunningEmulator,
) -> None:
    told = document(offered)
    body = told["paths"]["/images/generations"]["post"]["requestBody"]["content"]
    schema = {**body["application/json"]["schema"], "components": told["components"]}
    Draft202012Validator.check_schema(schema)
    good = Draft202012Validator(schema)
    assert good.is_valid({**PLAIN, "n": None})
    for change in ({"n": 11}, {"foo": 1}, {"size": "16"}, {"style": "vivid"}):
        assert not good.is_valid({**PLAIN, **change})
    assert offered.ledger()[-1]["path"] != "/openapi.json"


@pytest.mark.parametrize("path", IMAGES)
def test_no_good_request_for_pictures_is_answered_out_of_shape(
    offered: RunningEmulator, path: str
) -> None:
    told = asked(offered, path, "post", GenerationMode.POSITIVE)
    assert told[200] >= 3, told
    assert set(told) <= {200, 400, 404}, told


@pytest.mark.parametrize("path", IMAGES)
def test_no_bad_request_for_pictures_is_answered_out_of_shape(
    offered: RunningEmulator, path: str
) -> None:
    told = asked(offered, path, "post", GenerationMode.NEGATIVE)
    assert told[400] >= 5, told
    assert set(told) <= {200, 400, 401, 404, 415}, told


def test_no_request_for_a_response_is_answered_out_of_shape(
    offered: RunningEmulator,
) -> None:
    told = asked(offered, "/responses", "post", GenerationMode.POSITIVE)
    assert told[200] >= 3, told
    assert set(told) <= {200, 400, 404}, told
    told = asked(offered, "/responses", "post", GenerationMode.NEGATIVE)
    assert told[400] >= 5, told
    assert set(told) <= {200, 400, 401, 404, 415}, told


def test_no_request_for_a_batch_is_answered_out_of_shape(
    offered: RunningEmulator,
) -> None:
    told = asked(offered, "/batches", "post", GenerationMode.NEGATIVE)
    assert told[400] >= 5, told
    assert set(told) <= {200, 400, 401, 404, 415}, told


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/files", "post"),
        ("/files", "get"),
        ("/files/{file_id}", "get"),
        ("/files/{file_id}", "delete"),
        ("/files/{file_id}/content", "get"),
        ("/responses/{response_id}", "get"),
        ("/responses/{response_id}", "delete"),
        ("/batches", "get"),
        ("/batches/{batch_id}", "get"),
        ("/batches/{batch_id}/cancel", "post"),
        ("/models", "get"),
        ("/models/{model}", "get"),
    ],
)
def test_no_request_for_what_is_kept_is_answered_out_of_shape(
    offered: RunningEmulator, path: str, method: str
) -> None:
    told = asked(offered, path, method, GenerationMode.POSITIVE)
    assert set(told) <= {200, 400, 404}, told

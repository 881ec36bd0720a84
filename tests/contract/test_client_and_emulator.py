"""Client against a real emulator process: stamps, marks, and one request each."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bench.attempt import Billing, Cell, Outcome, Trial
from bench.client.exchange import Exchange
from bench.client.images import ImageClient
from bench.client.understood import read
from bench.endpoint import Endpoint
from bench.images.inspector import inspect
from bench.settle import Sending, durations
from bench.transport.stamps import RequestStamps

TRIAL = Trial(
    trial_id="t",
    cell=Cell(
        endpoint="e",
        api="images",
        operation="generate",
        model="gpt-image-2",
        parameters=(("quality", "low"), ("size", "1024x640")),
    ),
    prompt_id="p",
    prompt_text="A red kite",
    repeat=1,
    block=0,
    position=0,
)


def _ask(
    emulator: Any, *trials: Trial, key: str = "sk-test", timeout_s: float = 60
) -> list[Exchange]:
    endpoint = Endpoint.model_validate(
        {
            "name": "e",
            "base_url": emulator.url,
            "api_key_env": "K",
            "route": "direct",
            "prices": "openai",
            "timeout_s": timeout_s,
        }
    )

    async def go() -> list[Exchange]:
        client = ImageClient(endpoint, key)
        try:
            return [
                await client.ask(trial, f"t.{n}", RequestStamps(started_ns=0))
                for n, trial in enumerate(trials, start=1)
            ]
        finally:
            await client.close()

    return asyncio.run(go())


def _with(**parameters: Any) -> Trial:
    merged = {**dict(TRIAL.cell.parameters), **parameters}
    return replace(
        TRIAL, cell=replace(TRIAL.cell, parameters=tuple(sorted(merged.items())))
    )


@pytest.mark.parametrize("format_name", ["png", "jpeg", "webp"])
def test_every_picture_of_the_emulator_carries_its_mark(
    emulator: Any, format_name: str
) -> None:
    (answer,) = _ask(emulator, _with(output_format=format_name))
    reading = read(answer)
    assert reading.outcome is Outcome.OK
    assert reading.usage is not None
    facts, _ = inspect(reading.pictures[0], thumbnail=False)
    assert facts["simulated"]
    assert (facts["format"], facts["width_px"], facts["height_px"]) == (
        format_name,
        1024,
        640,
    )


def test_our_stamps_stand_around_those_of_the_emulator(emulator: Any) -> None:
    for answer in _ask(emulator, TRIAL, TRIAL, TRIAL):
        stamps = answer.stamps
        received_ns = int(answer.headers["x-emulator-received-ns"])
        assert stamps.write_started_ns is not None
        assert stamps.first_byte_ns is not None
        assert stamps.write_started_ns <= received_ns <= stamps.first_byte_ns


def test_the_first_request_connects_and_the_next_keep_the_connection(
    emulator: Any,
) -> None:
    answers = _ask(emulator, TRIAL, TRIAL)
    sending = Sending(
        planned=None,  # pyright: ignore[reportArgumentType]  not looked at
        attempt_id="t.1",
        attempt_no=1,
        scheduled_ns=0,
        waiting_ns=0,
        started_at="",
    )
    first, second = (durations(sending, answer.stamps) for answer in answers)
    assert first.connect_s
    assert second.connect_s == 0.0
    for found in (first, second):
        assert found.first_byte_s is not None
        assert found.service_s is not None
        assert found.total_s is not None
        assert 0 <= found.first_byte_s <= found.service_s <= found.total_s


def test_each_attempt_is_one_request_in_the_ledger_under_its_own_name(
    emulator: Any,
) -> None:
    _ask(emulator, TRIAL, _with(n=2))
    names = [entry["client_request_id"] for entry in emulator.ledger()]
    assert names == ["t.1", "t.2"]


def test_all_pictures_of_a_request_come(emulator: Any) -> None:
    (answer,) = _ask(emulator, _with(n=3))
    assert len(set(read(answer).pictures)) == 3


@pytest.mark.parametrize(
    ("scenario", "outcome", "billing", "stops"),
    [
        ("unauthorized", Outcome.CLIENT_ERROR, Billing.UNBILLED, "credentials"),
        ("org_unverified", Outcome.CLIENT_ERROR, Billing.UNBILLED, "credentials"),
        ("not_found", Outcome.CLIENT_ERROR, Billing.UNBILLED, None),
        ("rate_limited", Outcome.RATE_LIMITED, Billing.UNBILLED, None),
        ("quota_exhausted", Outcome.RATE_LIMITED, Billing.UNBILLED, "quota"),
        ("spend_limit", Outcome.RATE_LIMITED, Billing.UNBILLED, "quota"),
        ("moderation_blocked", Outcome.REFUSED, Billing.UNBILLED, None),
        ("server_error", Outcome.SERVER_ERROR, Billing.POSSIBLY_BILLED, None),
        ("overloaded", Outcome.SERVER_ERROR, Billing.POSSIBLY_BILLED, None),
        ("gateway_timeout", Outcome.SERVER_ERROR, Billing.POSSIBLY_BILLED, None),
        ("reset_before_headers", Outcome.LOST, Billing.POSSIBLY_BILLED, None),
        ("reset_in_body", Outcome.UNUSABLE, Billing.BILLED_UNUSABLE, None),
        ("truncated_body", Outcome.UNUSABLE, Billing.BILLED_UNUSABLE, None),
        ("html_200", Outcome.UNUSABLE, Billing.BILLED_UNUSABLE, None),
        ("bad_json_200", Outcome.UNUSABLE, Billing.BILLED_UNUSABLE, None),
        ("no_image_200", Outcome.UNUSABLE, Billing.BILLED_UNUSABLE, None),
        ("missing_usage", Outcome.OK, Billing.BILLED, None),
        ("zero_usage", Outcome.OK, Billing.BILLED, None),
    ],
)
def test_every_fault_is_one_request_and_means_what_it_is(
    emulator: Any,
    scenario: str,
    outcome: Outcome,
    billing: Billing,
    stops: str | None,
) -> None:
    emulator.fault(scenario)
    (answer,) = _ask(emulator, TRIAL)
    reading = read(answer)
    assert (reading.outcome, reading.billing) == (outcome, billing)
    assert reading.stops == stops
    assert len(emulator.ledger()) == 1
    if scenario in {"missing_usage", "zero_usage"}:
        assert reading.usage is None


def test_a_picture_that_is_none_is_found_when_it_is_opened(emulator: Any) -> None:
    emulator.fault("corrupt_image_200")
    (answer,) = _ask(emulator, TRIAL)
    facts, _ = inspect(read(answer).pictures[0], thumbnail=False)
    assert facts["problem"]


def test_a_wrong_key_stops_the_way_without_being_shown(emulator: Any) -> None:
    (answer,) = _ask(emulator, TRIAL, key="sk-invalid")
    reading = read(answer)
    assert answer.status == 401
    assert reading.stops == "credentials"

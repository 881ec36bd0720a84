"""Fault refusals: the scenarios that answer with an error status."""

from bench.emulator.faults import Fault, Scenario
from bench.emulator.refusals import (
    Refusal,
    moderation_blocked,
    rate_limited,
    seconds_text,
    unknown_model,
    wrong_key,
)


def refusal_of(fault: Fault, model: str | None) -> Refusal | None:
    """Return the error that a fault answers with, None when it acts otherwise."""
    match fault.scenario:
        case Scenario.UNAUTHORIZED:
            refusal = wrong_key()
        case Scenario.ORG_UNVERIFIED:
            refusal = _unverified(model)
        case Scenario.NOT_FOUND:
            refusal = unknown_model(model or "unknown")
        case Scenario.RATE_LIMITED:
            refusal = _rate_limited(fault.retry_after_s)
        case Scenario.QUOTA_EXHAUSTED | Scenario.SPEND_LIMIT:
            refusal = _no_money(fault.scenario)
        case Scenario.MODERATION_BLOCKED:
            refusal = moderation_blocked()
        case _:
            refusal = _server_side(fault.scenario, fault.retry_after_s)
    return refusal


def stream_refusal(fault: Fault) -> Refusal:
    """Return the error that breaks a stream: of the safety system, or any other."""
    code = fault.code or "server_error"
    if code == "moderation_blocked":
        return moderation_blocked("output")
    return Refusal(
        status=500,
        type="server_error",
        code=code,
        message="The server had an error while it made your picture.",
    )


def _unverified(model: str | None) -> Refusal:
    asked = "these models" if model is None else f"the model '{model}'"
    return Refusal(
        status=403,
        message=(
            f"Your organization must be verified to use {asked}. "
            "Verify it in the organization settings, then wait up to 15 minutes."
        ),
    )


def _rate_limited(wait_s: float | None) -> Refusal:
    cure = "later" if wait_s is None else f"in {seconds_text(wait_s)}s"
    message = f"Rate limit reached on requests per minute. Please try again {cure}."
    return rate_limited("requests", message, wait_s)


def _no_money(scenario: Scenario) -> Refusal:
    if scenario is Scenario.QUOTA_EXHAUSTED:
        code, message = "insufficient_quota", "You exceeded your current quota."
    else:
        code = "project_spend_limit_exceeded"
        message = "The project has reached its monthly spend limit."
    return Refusal(status=429, type="insufficient_quota", code=code, message=message)


def _server_side(scenario: Scenario, wait_s: float | None) -> Refusal | None:
    found = {
        Scenario.SERVER_ERROR: (500, "The server had an error on your request."),
        Scenario.OVERLOADED: (503, "The engine is overloaded, try again later."),
        Scenario.GATEWAY_TIMEOUT: (504, "The gateway got no answer in time."),
    }.get(scenario)
    if found is None:
        return None
    status, message = found
    return Refusal(
        status=status, type="server_error", message=message, retry_after_s=wait_s
    )

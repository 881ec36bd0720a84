"""Spend log: a callback of LiteLLM that writes one JSON line a call.

LiteLLM loads it by the name that stands in litellm.yaml. Prompts, answers and
whatever tells who asked stay out of the file.
"""

import json
import os
from importlib import import_module
from typing import Any

_OWNER_ONLY_FILE = 0o600
# LiteLLM is in its own environment alone.
_Logger: Any = import_module("litellm.integrations.custom_logger").CustomLogger
_KEPT = (
    *("id", "litellm_call_id", "call_type", "stream", "status", "response_cost"),
    *("cost_breakdown", "custom_llm_provider", "model", "model_group"),
    *("startTime", "endTime", "total_tokens", "prompt_tokens", "completion_tokens"),
    *("cache_hit", "model_parameters", "response_cost_failure_debug_info"),
)
_KEPT_PARAMETERS = ("model", "n", "quality", "size")


class SpendLog(_Logger):
    """Writes what a call cost, whether it came to a good end or not."""

    async def async_log_success_event(self, kwargs: Any, **_: Any) -> None:
        """Write a call that was answered."""
        _write(kwargs.get("standard_logging_object"))

    async def async_log_failure_event(self, kwargs: Any, **_: Any) -> None:
        """Write a call that failed."""
        _write(kwargs.get("standard_logging_object"))


def _write(payload: dict[str, Any] | None) -> None:
    path = os.environ.get("SPEND_LOG")
    if payload is None or not path:
        return
    kept = {name: payload.get(name) for name in _KEPT}
    parameters = payload.get("model_parameters") or {}
    kept["model_parameters"] = {
        name: parameters[name] for name in _KEPT_PARAMETERS if name in parameters
    }
    usage = (payload.get("metadata") or {}).get("usage_object")
    kept["metadata"] = {"usage_object": usage}
    line = json.dumps(kept, default=str) + "\n"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _OWNER_ONLY_FILE)
    try:
        # One write a line: calls end at the same time.
        os.write(handle, line.encode())
    finally:
        os.close(handle)


spend_log = SpendLog()

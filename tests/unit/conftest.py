"""Unit fixtures: a small plan, made as a run makes it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.endpoint import Endpoint
from bench.plan.build import Wishes, build
from bench.plan.frozen import Plan
from bench.suite import read_suite

DIRECT = {
    "name": "openai",
    "base_url": "https://api.openai.com/v1",
    "api_key_env": "OPENAI_API_KEY",
    "route": "direct",
    "prices": "openai",
}
HALF = {
    **DIRECT,
    "name": "half",
    "base_url": "https://half.example/v1",
    "route": "gateway",
    "prices": {"of": "openai", "scheme": {"kind": "multiplier", "factor": "0.5"}},
}


@pytest.fixture
def make_plan(tmp_path: Path) -> Callable[..., Plan]:
    """Plan a suite: two prompts, gpt-image-2, low, one direct endpoint."""

    def make(
        *,
        endpoints: tuple[dict[str, Any], ...] = (DIRECT,),
        wishes: Wishes | None = None,
        **suite: Any,
    ) -> Plan:
        content = {
            "name": "small",
            "prompts": [{"id": "a", "text": "A kite"}, {"id": "b", "text": "风筝"}],
            "axes": {"quality": ["low"]},
            "fixed": {"model": "gpt-image-2", "size": "1024x1024"},
            **suite,
        }
        path = tmp_path / "suite.yaml"
        path.write_text(json.dumps(content), "utf-8")
        known = tuple(Endpoint.model_validate(entry) for entry in endpoints)
        return build(read_suite(path), known, wishes or Wishes(seed=1))

    return make

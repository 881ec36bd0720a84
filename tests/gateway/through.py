"""Through: a user's desk with a real LiteLLM between it and the emulator."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.conftest import Desk
    from tests.gateway.process import Gateway

PLAIN = {"model": "gpt-image-2", "prompt": "A kite", "quality": "low"}
PLAIN |= {"size": "1024x1024"}


def post(
    gateway: Gateway, body: dict[str, Any], **headers: str
) -> tuple[int, str, bytes]:
    """Ask as a bare client would; status, content type and body."""
    sent = {"authorization": f"Bearer {gateway.key}", **headers}
    request = urllib.request.Request(  # noqa: S310  our own loopback address
        f"{gateway.url}/images/generations",
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"}
        | {name: value for name, value in sent.items() if value},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  same
            return answer.status, answer.headers["content-type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["content-type"], error.read()


class Through:
    """A user's desk with `direct` and `litellm` in its endpoints file."""

    def __init__(self, desk: Desk, gateway: Gateway, direct_url: str | None) -> None:
        self.desk = desk
        self._key = gateway.key
        hop = {
            "name": "litellm",
            "route": "gateway",
            "api_key_env": "LITELLM_KEY",
            "prices": {"of": "openai", "scheme": {"kind": "multiplier", "factor": "1"}},
        }
        if direct_url is None:
            desk.endpoint(gateway.url, **hop)
        else:
            desk.endpoint(direct_url)
            desk.another_endpoint(gateway.url, **hop)

    def run(self, *options: object, **variables: str) -> Any:
        return self.desk.run(*options, **{"LITELLM_KEY": self._key, **variables})

    def record_of(self, prompt_id: str) -> dict[str, Any]:
        """The outcome of the only attempt for a prompt."""
        (record,) = (r for p, r in self.by_prompt("litellm") if p == prompt_id)
        return record

    def by_prompt(self, endpoint: str) -> list[tuple[str, dict[str, Any]]]:
        """Outcomes at an endpoint, each with its prompt's id."""
        plan = self.desk.plan
        ids = [prompt["id"] for prompt in plan["prompts"]]
        asked = {t["trial_id"]: ids[t["prompt"]] for t in plan["trials"]}
        return [
            (asked[record["trial_id"]], record)
            for record in self.desk.records("outcome")
            if record["endpoint"] == endpoint
        ]

"""Locust: its faster client, FastHttpUser, until enough was asked."""

import itertools
import json
import os
from pathlib import Path
from typing import Any

import gevent  # pyright: ignore[reportMissingImports, reportMissingModuleSource]  peers'
from closed import ASKED, ID_HEADER
from locust import (  # pyright: ignore[reportMissingImports]  as above
    FastHttpUser,
    constant,
    events,
    task,
)
from locust.exception import StopUser  # pyright: ignore[reportMissingImports]  as above

COUNT = int(os.environ["COUNT"])
_numbers = itertools.count()
_taken: list[str] = []


class Asking(FastHttpUser):  # pyright: ignore[reportUntypedBaseClass]
    """Asks without a pause."""

    wait_time = constant(0)

    @task
    def ask(self) -> None:
        """Ask for one picture; the answer is read and thrown away."""
        number = next(_numbers)
        if number >= COUNT:
            raise StopUser
        name = f"r{number}"
        self.client.post(
            "/images/generations",
            json=ASKED,
            headers={ID_HEADER: name},
            context={"id": name},
        )


@events.init.add_listener
def _begun(environment: Any, **_: object) -> None:
    """Quit after the last answer; who quits earlier breaks requests off."""

    def look(**_: object) -> None:
        if len(_taken) == COUNT:
            gevent.spawn(environment.runner.quit)

    environment.events.request.add_listener(look)


@events.request.add_listener
def _ended(response_time: float, context: dict[str, Any], **_: object) -> None:
    latency_s = response_time / 1000
    _taken.append(json.dumps({"id": context["id"], "latency_s": latency_s}) + "\n")


@events.quit.add_listener
def _quit(**_: object) -> None:
    Path(os.environ["OUT"]).write_text("".join(_taken))

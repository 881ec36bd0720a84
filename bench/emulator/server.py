"""Server: one emulator process, from its options to its end."""

import asyncio
import contextlib
import json
import math
import os
import signal
import socket
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import uvicorn

from bench.emulator import faults
from bench.emulator.app import application
from bench.emulator.catalogue import served
from bench.emulator.documents import BadDocumentError
from bench.emulator.mainline import text_models_served
from bench.emulator.options import Options
from bench.emulator.profile import RunProfile
from bench.emulator.render import warm_up
from bench.emulator.state import Emulator
from bench.emulator.upstream import client_for
from bench.emulator.wire import Connection

HOST = "127.0.0.1"
BACKLOG = 2048
# The loop's thread gets the interpreter back from a rendering thread this soon:
# stamps are late by no more.
SWITCH_INTERVAL_S = 0.0005
INTERRUPTED = 130


class CannotStartError(Exception):
    """Says in one sentence why an emulator can't start with these options."""


def run(options: Options, *, on_ready: Callable[[str], None]) -> int:
    """Serve until a signal comes; `on_ready` gets the base URL once it listens.

    Returns the exit code: 0 after SIGTERM, 130 after SIGINT.

    Raises:
        CannotStartError: bad options, a bad fault file, or a taken port.
    """
    if not 0 <= options.time_scale < math.inf:
        raise CannotStartError(
            f"--time-scale must be a number of at least 0, not {options.time_scale:g}."
        )
    if options.upstream and not options.upstream.startswith(("http://", "https://")):
        raise CannotStartError(
            f"--upstream must be a URL such as http://{HOST}:4000/v1, "
            f"not {options.upstream!r}."
        )
    plan = _fault_plan(options.faults_file)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    listener = _listener(options.port)
    origin = f"http://{HOST}:{listener.getsockname()[1]}"
    emulator = Emulator(
        models=served(options.profile),
        text_models=text_models_served(options.profile),
        manner=options.manner,
        seed=options.seed,
        profile=RunProfile(time_scale=options.time_scale),
        faults=plan,
        origin=origin,
    )
    with listener:
        return asyncio.run(_serve(emulator, options, listener, on_ready))


async def _serve(
    emulator: Emulator,
    options: Options,
    listener: socket.socket,
    on_ready: Callable[[str], None],
) -> int:
    if options.upstream is not None:
        emulator.upstream = client_for(options.upstream)
    config = uvicorn.Config(
        application(emulator),
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=0,
    )

    def ready() -> None:
        on_ready(f"{emulator.origin}/v1")
        emulator.pool.submit(warm_up)

    server = _Server(config, ready)
    try:
        await server.serve(sockets=[listener])
    finally:
        if emulator.upstream is not None:
            await emulator.upstream.aclose()
        emulator.pool.shutdown(wait=False, cancel_futures=True)
    return INTERRUPTED if server.interrupted else 0


class _Server(uvicorn.Server):
    """A uvicorn server that says when it listens and ends without a traceback."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.on_ready = on_ready
        self.interrupted = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        # uvicorn raises the signal again at the end, which would turn an orderly
        # stop into an exit code of minus fifteen.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        yield

    def _stop(self, number: int) -> None:
        self.interrupted = self.interrupted or number == signal.SIGINT
        self.should_exit = True
        self.force_exit = True


def _listener(port: int) -> socket.socket:
    # The protocol is named because asyncio switches Nagle's delay off (40 ms an
    # answer) only on sockets that say that they are TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotStartError(
            f"--port {port} on {HOST} can't be used: {reason}; "
            "choose another, or 0 for a free one."
        ) from None
    return listener


def _fault_plan(path: Path | None) -> faults.FaultPlan:
    if path is None:
        return faults.FaultPlan()
    # YAML reads JSON too; it is loaded only where a file is given.
    import yaml  # noqa: PLC0415 - start-up time

    try:
        return faults.parsed(yaml.safe_load(path.read_text("utf-8")))
    except RecursionError:
        raise CannotStartError(f"--faults {path}: nested too deep.") from None
    except UnicodeDecodeError as error:
        raise CannotStartError(
            f"--faults {path}: byte {error.start} is not UTF-8."
        ) from None
    except (OSError, ValueError, yaml.YAMLError, BadDocumentError) as error:
        said = getattr(error, "strerror", None) or str(error)
        reason = " ".join(said.split())
        raise CannotStartError(f"--faults {path}: {reason}.") from None


def ready_line(url: str) -> str:
    """Return the one line of JSON that says where the emulator listens."""
    said = {"schema": "pixelmeter.emulator/1", "url": url, "pid": os.getpid()}
    return json.dumps(said)

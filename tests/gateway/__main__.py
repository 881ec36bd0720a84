"""Gateway: `make gateway`, a LiteLLM proxy to try things on, until Ctrl-C."""

import argparse
import json
import os
import shlex
import signal
import sys
import time
import urllib.request
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from dotenv import dotenv_values

from bench.commands.doubles import Double, started
from bench.environment import read_environment
from bench.errors import BenchError
from bench.folder import DataFolder, make_folder, write_durably
from tests.gateway.process import ROOT, Gateway, GatewayError, made_up_key, running

DIRECT_VARIABLE = "PIXELMETER_EMULATOR_KEY"
GATEWAY_VARIABLE = "PIXELMETER_LITELLM_KEY"
# The draw of a picture is the same for both, so what differs is the gateway.
SERVICE_TIME = {"distribution": "constant", "median_s": 6.0, "sigma": 0}
TIME_SCALE = 0.1
INTERRUPTED = 130
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ENDPOINTS = """\
# Written by `make gateway` at each start; the addresses hold until it ends.
endpoints:
  - name: direct
    base_url: {direct}
    api_key_env: {direct_variable}
    route: direct
    prices: openai
    api: [images, responses]
  - name: litellm
    base_url: {gateway}
    api_key_env: {gateway_variable}
    route: gateway
    # A plain proxy passes the provider's price on.
    prices: {{of: openai, scheme: {{kind: multiplier, factor: "1"}}}}
    api: [images, responses]
"""


INSTRUCTIONS = """\
LiteLLM listens at {url}, {start_s:.0f} s after its start. Behind it is
an emulator that takes {service_s:g} s a picture; `direct` is another one like it.

In another terminal, from this folder:

  set -a; . {variables}; set +a
  {program} run {suite} --endpoints {endpoints} --endpoint direct --endpoint litellm --yes{data}
  {program} compare latest --by endpoint{data}

Pictures and dollars are simulated. What LiteLLM says is in {log}.
What reaches the emulator behind it: {ledger}
Ctrl-C ends all three, and tells what the emulators counted."""  # noqa: E501  to be copied


@dataclass(frozen=True, slots=True)
class Place:
    """The folder that holds what the user of the gateway needs."""

    data: DataFolder

    @property
    def folder(self) -> Path:
        """`DIR/gateway`."""
        return self.data.root / "gateway"

    @property
    def endpoints(self) -> Path:
        """The endpoints file, with `direct` and `litellm`."""
        return self.folder / "endpoints.yaml"

    @property
    def variables(self) -> Path:
        """The keys, for the owner alone."""
        return self.folder / ".env"

    @property
    def log(self) -> Path:
        """What the gateway said."""
        return self.folder / "litellm.log"

    def key(self) -> str:
        """The gateway's key: the one of last time, so that terminals keep it."""
        with suppress(OSError, UnicodeDecodeError):
            kept = dotenv_values(self.variables, interpolate=False)
            if kept.get(GATEWAY_VARIABLE):
                return str(kept[GATEWAY_VARIABLE])
        return made_up_key()

    def instructions(self, gateway: Gateway, upstream: Double, service_s: float) -> str:
        """What to type in another terminal."""
        is_usual = self.data == DataFolder.choose(None, read_environment().variables)
        return INSTRUCTIONS.format(
            url=gateway.url,
            start_s=gateway.start_s,
            service_s=service_s,
            variables=_typed(self.variables),
            endpoints=_typed(self.endpoints),
            program=_typed(Path(sys.executable).with_name("pixelmeter")),
            suite=_typed(ROOT / "data" / "suites" / "thirty.yaml"),
            data="" if is_usual else f" --data {_typed(self.data.root)}",
            log=_typed(self.log),
            ledger=_ledger(upstream.url),
        )

    def write(self, direct: Double, gateway: Gateway) -> None:
        """Write the endpoints file and the keys."""
        keys = {DIRECT_VARIABLE: "sk-emulator", GATEWAY_VARIABLE: gateway.key}
        lines = "".join(f"{name}={key}\n" for name, key in keys.items())
        write_durably(self.variables, lines.encode())
        endpoints = ENDPOINTS.format(
            direct=direct.url,
            direct_variable=DIRECT_VARIABLE,
            gateway=gateway.url,
            gateway_variable=GATEWAY_VARIABLE,
        )
        write_durably(self.endpoints, endpoints.encode())


def _typed(path: Path) -> str:
    """A path as it is typed in a shell, from the current folder where it is below."""
    with suppress(ValueError):
        path = path.relative_to(Path.cwd())
    return shlex.quote(str(path))


def main() -> int:
    """Serve until a signal comes; returns the exit code."""
    # The log holds prompts: it is for its owner alone.
    os.umask(0o077)
    options = _options()
    for number in ENDING:
        # Under nohup a closed terminal is no wish to stop.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end_once)
    try:
        with ExitStack() as stack:
            _serve(options, stack)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        return _failed(f"{error.filename}: {error.strerror}", 6)
    except BenchError as error:
        return _failed(str(error), error.exit_code)
    return 0


def _end_once(*_: object) -> NoReturn:
    """Begin the end; a second Ctrl-C must not leave the gateway behind."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _failed(sentence: str, code: int) -> int:
    sys.stderr.write(f"error: {sentence}\n")
    return code


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make gateway", description=__doc__)
    parser.add_argument("--port", type=int, default=4000, help="0 takes a free one")
    parser.add_argument("--data", type=Path, help="data folder, as with pixelmeter")
    parser.add_argument("--time-scale", type=float, default=TIME_SCALE)
    return parser.parse_args()


def _serve(options: argparse.Namespace, stack: ExitStack) -> NoReturn:
    """Start all three, say how to use them, and wait for the end.

    Raises:
        BenchError: One of them did not start, or the gateway ended by itself.
    """
    place = Place(DataFolder.choose(options.data, read_environment().variables))
    make_folder(place.folder)
    # One for each route: each ledger is then the whole account of one endpoint.
    # LiteLLM tells its upstream no attempt's name to tell them apart by.
    scale = ("--time-scale", str(options.time_scale))
    doubles = {
        name: stack.enter_context(started(*scale)) for name in ("direct", "litellm")
    }
    for double in doubles.values():
        double.change({"service_time": SERVICE_TIME})
    _say("LiteLLM starts; it takes some seconds.")
    gateway = stack.enter_context(
        running(
            doubles["litellm"].url, log=place.log, port=options.port, key=place.key()
        )
    )
    place.write(doubles["direct"], gateway)
    service_s = SERVICE_TIME["median_s"] * options.time_scale
    _say(place.instructions(gateway, doubles["litellm"], service_s))
    try:
        while gateway.pids():
            time.sleep(1)
    finally:
        for name, double in doubles.items():
            _say(counted(name, double.url))
    raise GatewayError(f"the gateway ended by itself; see {place.log}")


def counted(name: str, url: str) -> str:
    """What the emulator behind an endpoint was asked, in its own count."""
    with urllib.request.urlopen(  # noqa: S310  our own loopback address
        _ledger(url), timeout=30
    ) as answer:
        ledger = json.load(answer)
    posts = [entry for entry in ledger["requests"] if entry["method"] == "POST"]
    n_billed = sum(entry["billed"] for entry in posts)
    return (
        f"behind {name}: {len(posts)} requests for pictures, {n_billed} billed, "
        f"{ledger['total_usd']} USD"
    )


def _ledger(url: str) -> str:
    """The address of the ledger of the emulator at a base URL."""
    return f"{url.removesuffix('/v1')}/_emulator/ledger"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

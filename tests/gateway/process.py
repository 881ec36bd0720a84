"""Process: a real LiteLLM proxy, started and ended with all its children."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import BenchError

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROGRAM = ROOT / ".venv-gateway" / "bin" / "litellm"
CONFIG = HERE / "litellm.yaml"
HOST = "127.0.0.1"
START_WITHIN_S = 180.0
END_WITHIN_S = 15.0
SHOWN_LINES = 15


class GatewayError(BenchError):
    """Says in one sentence why there is no gateway."""

    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A LiteLLM proxy that answers.

    Attributes:
        url: Its base URL, ending in /v1.
        key: Its master key.
        log: What it said, on both streams.
        pid: The process; also the number of its process group.
        start_s: From its start to its first good answer.
        spend_log: What each call cost, by LiteLLM; one JSON line a call.
    """

    url: str
    key: str = field(repr=False)
    log: Path
    pid: int
    start_s: float
    spend_log: Path

    @property
    def calls(self) -> list[str]:
        """The lines of the spend log so far."""
        if not self.spend_log.is_file():
            return []
        return self.spend_log.read_text("utf-8").splitlines()

    def resident_bytes(self) -> int:
        """The memory of all its processes that is in RAM now."""
        return sum(_resident_bytes(pid) for pid in self.pids())

    def remote_hosts(self) -> set[str]:
        """The addresses that its sockets are connected to now (IPv6 in hex)."""
        return {host for pid in self.pids() for host in _remote_hosts(pid)}

    def pids(self) -> list[int]:
        """Its processes that still run."""
        return _group(self.pid)


def made_up_key() -> str:
    """A master key; LiteLLM takes none that is short or well known."""
    return f"sk-{secrets.token_hex(24)}"


@contextlib.contextmanager
def running(
    upstream_url: str, *, log: Path, port: int = 0, key: str | None = None
) -> Generator[Gateway]:
    """A gateway in front of an upstream while the block lasts.

    Args:
        upstream_url: The base URL that it forwards to, with /v1.
        log: The file that keeps what it says.
        port: 0 takes a free one.
        key: The master key; one is made up where none is given.

    Raises:
        GatewayError: It is not installed, the port is taken, or it did not start.
    """
    if not PROGRAM.is_file():
        raise GatewayError(f"{PROGRAM} is missing; `make gateway` sets it up")
    key = key or made_up_key()
    chosen = _usable_port(port)
    spend_log = log.with_name("spend.jsonl")
    began_at = time.monotonic()
    with log.open("wb") as said:
        process = subprocess.Popen(
            _command(chosen),
            env=_environment(upstream_url, key, spend_log),
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for whoever started us; the group ends as a whole.
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, chosen, key, log)
        yield Gateway(
            url=f"http://{HOST}:{chosen}/v1",
            key=key,
            log=log,
            pid=process.pid,
            start_s=time.monotonic() - began_at,
            spend_log=spend_log,
        )
    finally:
        _end(process)


def _command(port: int) -> list[str]:
    options = {"--config": CONFIG, "--host": HOST, "--port": port, "--telemetry": False}
    words = [str(word) for pair in options.items() for word in pair]
    return [str(PROGRAM), *words]


def _environment(upstream_url: str, key: str, spend_log: Path) -> Mapping[str, str]:
    """Nothing of ours but these: no keys, no settings of other programs."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    # Whatever looks for the network meets a closed door on this machine.
    nowhere = f"http://{HOST}:9"
    return {
        **kept,
        "PATH": f"{PROGRAM.parent}:/usr/bin:/bin",
        "UPSTREAM_URL": upstream_url,
        "UPSTREAM_KEY": "sk-emulator",
        "LITELLM_MASTER_KEY": key,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "NO_PROXY": HOST,
        "SPEND_LOG": str(spend_log),
    }


def _usable_port(port: int) -> int:
    # LiteLLM goes to another port by itself where 4000 is taken.
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise GatewayError(
                f"--port {port} on {HOST} can't be used: {reason}; "
                "choose another, or 0 for a free one"
            ) from None
        return trial.getsockname()[1]


def _wait_until_ready(
    process: "subprocess.Popen[bytes]", port: int, key: str, log: Path
) -> None:
    give_up_at = time.monotonic() + START_WITHIN_S
    while not _answers(port, key):
        if process.poll() is not None:
            raise GatewayError(
                f"the gateway ended with exit code {process.returncode} before it "
                f"answered; {log} ends with:\n{_last_lines(log)}"
            )
        if time.monotonic() > give_up_at:
            raise GatewayError(
                f"the gateway did not answer within {START_WITHIN_S:.0f} s; "
                f"{log} ends with:\n{_last_lines(log)}"
            )
        time.sleep(0.2)


def _answers(port: int, key: str) -> bool:
    """Whether the gateway on this port knows our key; another would refuse it."""
    request = urllib.request.Request(
        f"http://{HOST}:{port}/v1/models", headers={"Authorization": f"Bearer {key}"}
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=10) as answer:
            return answer.status == 200
    except (OSError, urllib.error.HTTPError):
        return False


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-SHOWN_LINES:])


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the whole group: gently, then not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        give_up_at = time.monotonic() + END_WITHIN_S
        while _group(process.pid) and time.monotonic() < give_up_at:
            process.poll()
            time.sleep(0.05)
    process.wait()


def _group(group: int) -> list[int]:
    """The processes of a group that have not ended."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name in brackets may hold anything, so what counts is behind it.
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                found.append(int(path.parent.name))
    return found


def _resident_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        n_pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return n_pages * os.sysconf("SC_PAGE_SIZE")
    return 0


def _remote_hosts(pid: int) -> Generator[str]:
    """Whom a process's sockets talk to, by what the kernel says of them."""
    own: set[str] = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            own.add(str(handle.readlink()))
    for table in ("tcp", "tcp6"):
        lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        for fields in map(str.split, lines):
            host = fields[2].split(":")[0]
            if f"socket:[{fields[9]}]" in own and int(host, 16):
                yield _address(host)


def _address(hexadecimal: str) -> str:
    if len(hexadecimal) > 8:
        return hexadecimal
    return socket.inet_ntoa(int(hexadecimal, 16).to_bytes(4, sys.byteorder))

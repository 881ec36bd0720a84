"""Warm: processes of the program whose libraries are loaded already.

Loading libraries is most of what a start costs. A process that has loaded them
forks for each start; what is ours is loaded anew in each, as at a cold start.
"""

import importlib
import json
import os
import select
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

LIBRARIES = (
    "PIL.Image",
    "PIL.ImageFont",
    "duckdb",
    "httptools",
    "httpx2",
    "numpy",
    "openai",
    "openai.resources.images",
    "openai.types",
    "orjson",
    "pybase64",
    "pydantic",
    "rich.live",
    "rich.progress",
    "scipy.stats",
    "starlette.applications",
    "typer",
    "typer.main",
    "uvicorn",
    "yaml",
)


class Started(subprocess.Popen[str]):
    """A process that was forked by another; used as one of our own."""

    def __init__(self, server: Path, arguments: Sequence[str], **wishes: Any) -> None:
        """Start the program with arguments; `wishes` are `cwd` and `env`."""
        # As for a start that failed, until there is a process.
        self._child_created = False
        self.returncode: int | None = None
        self.args = arguments
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(str(server))
        pipes = [os.pipe(), os.pipe()]
        request = json.dumps({"arguments": arguments, **wishes}).encode()
        inner = [write for _, write in pipes]
        socket.send_fds(self._line, [len(request).to_bytes(4) + request], inner)
        for write in inner:
            os.close(write)
        self.stdin = None
        self.stdout, self.stderr = (
            os.fdopen(read, encoding="utf-8") for read, _ in pipes
        )
        self.pid = int.from_bytes(_whole(self._line, 4))
        self.text_mode = True
        self._communication_started = False
        self._input = None

    def poll(self) -> int | None:
        """How it ended, None while it runs."""
        return self._ended_within(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        code = self._ended_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def _ended_within(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._line], [], [], seconds)[0]:
            self.returncode = int.from_bytes(_whole(self._line, 4), signed=True)
            self._line.close()
        return self.returncode


class Warmth:
    """The process that forks; it ends with its owner."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Start it; it loads libraries while the first caller waits."""
        self._place = folder / "warm"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm", str(self._place)],
            cwd=Path(__file__).parent.parent,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline(), "libraries could not be loaded"

    def start(
        self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str]
    ) -> Started:
        """Start the program, whose first argument is its own path."""
        return Started(self._place, arguments, cwd=str(cwd), env=dict(environment))

    def close(self) -> None:
        """End it; processes that it forked go on, by the lines that they have."""
        self._process.communicate()
        shutil.rmtree(self._place.parent)


def _whole(line: socket.socket, n_bytes: int) -> bytes:
    content = b""
    while len(content) < n_bytes:
        part = line.recv(n_bytes - len(content))
        assert part, "the process that forks is gone"
        content += part
    return content


def _serve(place: str) -> None:
    """Fork for each request; returns in the fork, or never."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(place)
    listener.listen(64)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        for handle in select.select([0, listener, *running], [], [])[0]:
            if handle == 0:
                os._exit(0)
            if isinstance(handle, int):
                _tell(*running.pop(handle))
                os.close(handle)
            elif _fork(listener, running):
                return


def _fork(
    listener: socket.socket, running: dict[int, tuple[int, socket.socket]]
) -> bool:
    """Take one request; whether this is the process that carries it out."""
    line, _ = listener.accept()
    head, handles, _, _ = socket.recv_fds(line, 4, 2)
    request = json.loads(_whole(line, int.from_bytes(head)))
    pid = os.fork()
    if pid == 0:
        for other in (listener, line, *(told for _, told in running.values())):
            other.close()
        for process in running:
            os.close(process)
        _become(request, handles)
        return True
    for given in handles:
        os.close(given)
    line.sendall(pid.to_bytes(4))
    running[os.pidfd_open(pid)] = (pid, line)
    return False


def _tell(pid: int, line: socket.socket) -> None:
    """Say how a process ended, to who started it."""
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with line, suppress(OSError):
        line.sendall(code.to_bytes(4, signed=True))


def _become(request: dict[str, Any], handles: Sequence[int]) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, handle in enumerate((nothing, *handles)):
        os.dup2(handle, number)
        os.close(handle)
    # As an interpreter opens them; those of before know other files.
    sys.stdin = sys.__stdin__ = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.__stderr__ = os.fdopen(
        2, "w", 1, "utf-8", "backslashreplace", closefd=False
    )
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = request["arguments"]
    # A script belongs to no package; by this the command line finds its own name.
    vars(sys.modules["__main__"]).update(__package__=None, __spec__=None)


def _main() -> None:
    # Where this was started is no place that the program looks in.
    sys.path.pop(0)
    for name in LIBRARIES:
        importlib.import_module(name)
    _serve(sys.argv[1])
    main = importlib.import_module("pixelmeter").main
    sys.exit(main())


if __name__ == "__main__":
    _main()

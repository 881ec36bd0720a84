"""Emulator: generations a second of one cached picture, by plain sockets."""

import json
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

ANSWER_BYTES = 1_500_000
N_CONNECTIONS = 8
SECONDS = 3.0
READ_BYTES = 1 << 20
TARGET_PER_S = 300
BODY = json.dumps(
    {
        "model": "gpt-image-2",
        "prompt": "A kite",
        "quality": "low",
        "size": "1024x1024",
    }
).encode()
ASKED = (
    b"POST /v1/images/generations HTTP/1.1\r\nhost: emulator\r\n"
    b"authorization: Bearer sk-bench\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(BODY), BODY)
)
# Base64 and JSON hold no line break of this kind: only the end of an answer does.
END = b"0\r\n\r\n"


def _answers(port: int, seconds: float) -> tuple[int, int]:
    """Ask over all connections at once; return how many answers came, and bytes."""
    chosen = selectors.DefaultSelector()
    links = [
        socket.create_connection(("127.0.0.1", port)) for _ in range(N_CONNECTIONS)
    ]
    for link in links:
        chosen.register(link, selectors.EVENT_READ)
        link.sendall(ASKED)
    space = bytearray(READ_BYTES)
    tails = dict.fromkeys(links, b"")
    until = time.monotonic() + seconds
    n_answers = n_bytes = 0
    while time.monotonic() < until:
        for key, _ in chosen.select(0.1):
            link = key.fileobj
            assert isinstance(link, socket.socket)
            n_read = link.recv_into(space)
            n_bytes += n_read
            tails[link] = (tails[link] + space[max(0, n_read - len(END)) : n_read])[-5:]
            if tails[link] == END:
                n_answers += 1
                link.sendall(ASKED)
    for link in links:
        link.close()
    return n_answers, n_bytes


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # User and system time of the process, in hundredths of a second.
    return (int(fields[11]) + int(fields[12])) / 100


def measure() -> Iterator[tuple[str, str, str]]:
    """Yield what, target and figure."""
    command = [sys.executable, "-m", "bench.emulator", "--port", "0"]
    command += ["--time-scale", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as emulator:
        assert emulator.stdout is not None
        url = urlsplit(json.loads(emulator.stdout.readline())["url"])
        profile = json.dumps({"answer_bytes": ANSWER_BYTES}).encode()
        control = f"http://{url.netloc}/_emulator/profile"
        urlopen(Request(control, profile, method="PUT")).close()
        assert url.port is not None
        _answers(url.port, 0.5)
        before_s, started_s = _processor_s(emulator.pid), time.monotonic()
        n_answers, n_bytes = _answers(url.port, SECONDS)
        took_s = time.monotonic() - started_s
        used_s = _processor_s(emulator.pid) - before_s
        emulator.send_signal(signal.SIGTERM)
    figure = (
        f"{n_answers / took_s:.0f}/s, {n_bytes / took_s / 1e6:.0f} MB/s, "
        f"{used_s * 1000 / max(1, n_answers):.2f} ms of processor each"
    )
    target = f">= {TARGET_PER_S}/s"
    yield "emulator, generations of one cached 1.5 MB picture", target, figure

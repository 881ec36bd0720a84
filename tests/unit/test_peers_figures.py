"""Peers: the figures of the bench beside other harnesses, and its stub."""

import base64
import io
import json
import subprocess
import sys
import urllib.error
import urllib.request
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

PEERS = Path(__file__).parents[1] / "perf" / "peers"
S = 1_000_000_000


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The modules of the bench, which are imported as a program's own."""
    monkeypatch.syspath_prepend(str(PEERS))
    names = ("cells", "harnesses", "page", "ratios", "sampling")
    found = {name: import_module(name) for name in names}
    yielded = SimpleNamespace(**found)
    for name in names:
        monkeypatch.delitem(sys.modules, name)
    return yielded


def test_processor_time_is_that_between_first_request_and_last_byte(
    peers: SimpleNamespace,
) -> None:
    def sample(at_s: int, cpu_s: float, stub_s: float, machine_s: float) -> Any:
        return peers.sampling.Sample(
            at_ns=at_s * S,
            cpu_s=cpu_s,
            resident_bytes=at_s,
            stub_s=stub_s,
            machine_s=machine_s,
        )

    watched = peers.sampling.Watched(
        code=0,
        output="",
        started_ns=0,
        samples=(sample(0, 0, 0, 10), sample(10, 5, 2, 22), sample(20, 5, 4, 30)),
    )
    own_s, other_cores = watched.between(2 * S, 20 * S)
    assert own_s == pytest.approx(4)
    # Of 17.6 busy seconds 4 were the client's and 3.6 the stub's.
    assert other_cores == pytest.approx(10 / 18)
    assert (watched.most_bytes(), watched.most_bytes(0, 10 * S)) == (20, 10)


def test_a_harness_whose_report_changed_costs_its_latencies_and_no_more(
    peers: SimpleNamespace, tmp_path: Path
) -> None:
    load = peers.harnesses.Load(name="x", n_bytes=1, in_flight=1)
    job = peers.harnesses.Job(url="", load=load, count=1, seconds=1.0, folder=tmp_path)
    for harness in peers.harnesses.HARNESSES:
        assert peers.cells._reported(harness, job, "not as before") == {}


def test_latency_errors_are_matched_by_the_name_of_the_request(
    peers: SimpleNamespace,
) -> None:
    entries = [
        {"id": f"r{n}", "received_ns": n * S, "ready_ns": (n + 2) * S} for n in range(4)
    ]
    told = {f"r{n}": 2 + n / 1000 for n in range(4)}
    found = peers.cells._errors(told, entries)
    assert found["n_matched"] == 4
    assert found["p50_error_ms"] == pytest.approx(1.5)
    assert peers.cells._errors({"x": 1.0}, entries) == {"n_matched": 0}
    found = peers.cells._errors({"p50": 2.5, "p99": 3.0}, entries)
    assert found == {"p50_error_ms": 500, "p99_error_ms": 1000}


def test_a_peer_that_can_not_run_is_a_row_that_says_why(peers: SimpleNamespace) -> None:
    load = peers.harnesses.Load(name="2 KB, 64 in flight", n_bytes=2048, in_flight=64)
    absent = peers.harnesses.Harness(
        name="AIPerf",
        start=None,
        latencies=None,
        large_per_s=1,
        small_per_s=1,
        needs=Path("nowhere/at/all"),
        without="not installed: no network",
    )
    there = SimpleNamespace(log=lambda **_: [])
    cell = peers.cells.measure(absent, load, there, 1, 1.0)
    facts = dict.fromkeys(("day", "form", "machine", "versions"), "-")
    assert "| AIPerf | not installed: no network |" in peers.page.page(facts, [cell])


def test_a_ratio_divides_figures_of_the_same_round(peers: SimpleNamespace) -> None:
    def cell(name: str, turn: int, per_s: float | None) -> Any:
        load = "1.5 MB, 16 in flight"
        return peers.cells.Cell(harness=name, load=load, round=turn, per_s=per_s)

    ours, wrk = peers.harnesses.TRANSPORT, peers.harnesses.WRK
    cells = [cell(ours, 1, 50), cell(wrk, 1, 100), cell(wrk, 2, 40), cell(ours, 2, 36)]
    cells += [cell(ours, 3, 10), cell(wrk, 3, None)]
    assert peers.ratios.TARGETS[0].measured(cells) == [0.5, 0.9]


def test_the_stub_tells_the_true_times_and_no_picture_twice() -> None:
    command = [sys.executable, str(PEERS.parent / "stub.py"), "--bytes", "2048"]
    with subprocess.Popen(
        [*command, "--service", "0.05"], stdout=subprocess.PIPE
    ) as stub:
        try:
            url = json.loads(stub.stdout.readline() if stub.stdout else b"")["url"]
            pictures = {_picture(f"{url}/images/generations", f"r{n}") for n in (1, 2)}
            with pytest.raises(urllib.error.HTTPError, match="404"):
                _get(url.removesuffix("/v1") + "/metrics")
            log = _get(url.removesuffix("/v1") + "/log").splitlines()
        finally:
            stub.terminate()
    assert len(pictures) == 2
    entries = [json.loads(line) for line in log]
    assert [entry["id"] for entry in entries] == ["r1", "r2"]
    for entry in entries:
        assert entry["ready_ns"] - entry["received_ns"] >= 0.05 * S
        assert entry["ready_ns"] <= entry["first_ns"] <= entry["last_ns"]
    # Its last stamp may come after the client asked anew: the machine has two cores.
    assert entries[0]["ready_ns"] < entries[1]["received_ns"]


def _get(url: str, **wishes: Any) -> bytes:
    request = urllib.request.Request(url, **wishes)  # noqa: S310  our own loopback
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  same
        return answer.read()


def _picture(url: str, name: str) -> bytes:
    headers = {"X-Client-Request-Id": name}
    told = json.loads(_get(url, data=b'{"n": 1}', headers=headers, method="POST"))
    content = base64.b64decode(told["data"][0]["b64_json"], validate=True)
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
    return content

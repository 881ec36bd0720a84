"""Harnesses: ours and the others, how each is started and what each reports."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PEERS = Path(".venv-peers/bin").absolute()
OURS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked of the stub.

    Attributes:
        service: Seconds that an answer takes, or LOW-HIGH for uniform chance.
        n_bytes: Of an answer's body.
    """

    name: str
    n_bytes: int
    in_flight: int
    service: str = "0"

    @property
    def is_timed(self) -> bool:
        """Whether the load is for latency, not for throughput."""
        return self.service != "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One start of a harness.

    Attributes:
        count: Requests to send; wrk sends for `seconds` instead.
        folder: Its own, empty.
    """

    url: str
    load: Load
    count: int
    seconds: float
    folder: Path


Started = tuple[list[str], dict[str, str]]
# Latencies in seconds by the request's name, or its percentiles by `p50`, `p99`.
Latencies = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Harness:
    """A program that sends requests.

    Attributes:
        start: Command and variables for a job.
        latencies: Reads what it reported, from the job and what it printed.
        large_per_s: Requests a second that it may reach with 1.5 MB, so that a
            job takes about the same time with each.
        small_per_s: The same with 2 KB.
        needs: A file that must be there.
        without: The sentence for when it is not.
    """

    name: str
    start: Callable[[Job], Started]
    latencies: Callable[[Job, str], Latencies]
    large_per_s: int
    small_per_s: int
    needs: Path
    without: str
    told_by_id: bool = True

    @property
    def why_not(self) -> str | None:
        """Why it can't run here; None when it can."""
        return None if self.needs.exists() else self.without

    def count(self, load: Load, seconds: float) -> int:
        """Requests of a job: three rounds of answers where these take time."""
        if load.is_timed:
            return 3 * load.in_flight
        per_s = self.large_per_s if load.n_bytes > 100_000 else self.small_per_s
        return max(int(per_s * seconds), 2 * load.in_flight)


def _script(name: str, python: Path) -> Callable[[Job], Started]:
    def start(job: Job) -> Started:
        script = str(HERE / "clients" / f"{name}.py")
        figures = (str(job.count), str(job.load.in_flight))
        command = [str(python), script, job.url, *figures, str(job.folder / "out")]
        # Scripts see the checkout, whichever place they are started from.
        return command, {"PYTHONPATH": str(HERE.parents[2])}

    return start


def _lines(job: Job, _: str) -> Latencies:
    lines = (job.folder / "out").read_text().splitlines()
    return {told["id"]: told["latency_s"] for told in map(json.loads, lines)}


def _wrk(job: Job) -> Started:
    in_flight = f"-c{job.load.in_flight}"
    # Connections are made at once; with long service it needs its last answers.
    seconds = int(job.seconds) if not job.load.is_timed else 7
    arguments = ["-t1", in_flight, f"-d{seconds}s", "--timeout", "60s"]
    script = ["-s", str(HERE / "clients" / "wrk.lua")]
    return ["wrk", *arguments, *script, f"{job.url}/images/generations"], {}


def _wrk_percentiles(_: Job, output: str) -> Latencies:
    told = json.loads(output.strip().splitlines()[-1])
    return {"p50": told["p50_s"], "p99": told["p99_s"]}


def _locust(job: Job) -> Started:
    n = str(job.load.in_flight)
    script = str(HERE / "clients" / "locustfile.py")
    load = ["--headless", "--users", n, "--spawn-rate", n, "--only-summary"]
    command = [str(PEERS / "locust"), "-f", script, "--host", job.url, *load]
    return command, {"COUNT": str(job.count), "OUT": str(job.folder / "out")}


def _aiperf(job: Job) -> Started:
    tokenizer = job.folder / "tokenizer"
    _write_tokenizer(tokenizer)
    command = [
        *(str(PEERS / "aiperf"), "profile", "--model", "gpt-image-2"),
        *("--endpoint-type", "image_generation", "--ui", "none"),
        *("--url", job.url.removesuffix("/v1"), "--tokenizer", str(tokenizer)),
        *("--concurrency", str(job.load.in_flight)),
        *("--request-count", str(job.count), "--synthetic-input-tokens-mean", "10"),
        *("--extra-inputs", "quality:low", "--extra-inputs", "size:1024x1024"),
        *("--output-artifact-dir", str(job.folder / "artifacts")),
    ]
    return command, {}


def _write_tokenizer(folder: Path) -> None:
    """A tokenizer of one word: AIPerf wants one even for pictures."""
    folder.mkdir()
    words = {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1}, "unk_token": "[UNK]"}
    rules = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"},
        "model": words,
    }
    named = {f"{name}_token": "[UNK]" for name in ("bos", "eos", "pad", "unk")}
    settings = {**named, "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer.json").write_text(json.dumps(rules))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def _aiperf_records(job: Job, _: str) -> Latencies:
    lines = (job.folder / "artifacts" / "profile_export.jsonl").read_text().splitlines()
    return {
        told["metadata"]["x_request_id"]: told["metrics"]["request_latency"]["value"]
        / 1000
        for told in map(json.loads, lines)
        if "request_latency" in told["metrics"]
    }


def _pixelmeter(images: str) -> Callable[[Job], Started]:
    def start(job: Job) -> Started:
        _write_suite(job)
        command = [
            *(str(OURS / "pixelmeter"), "run", "suite.yaml"),
            *("--endpoints", "endpoints.yaml", "--yes", "--json", "--data", "data"),
            *("--concurrency", str(job.load.in_flight), "--images", images),
        ]
        return command, {"BENCH_KEY": "sk-bench", "PYTHONPATH": str(HERE.parents[2])}

    return start


def _write_suite(job: Job) -> None:
    """JSON is YAML too."""
    suite = {
        "name": "peers",
        "prompts": [{"id": "one", "text": "A lighthouse on a rock in the evening"}],
        "fixed": {"model": "gpt-image-2", "quality": "low", "size": "1024x1024"},
        "repeats": job.count,
    }
    endpoint = {
        "name": "stub",
        "base_url": job.url,
        "api_key_env": "BENCH_KEY",
        "route": "direct",
        "prices": "openai",
    }
    (job.folder / "suite.yaml").write_text(json.dumps(suite))
    endpoints = {"endpoints": [endpoint]}
    (job.folder / "endpoints.yaml").write_text(json.dumps(endpoints))


def _outcomes(job: Job, _: str) -> Latencies:
    return {
        record["attempt_id"]: record["service_s"]
        for record in _records(job.folder / "data")
        if record["kind"] == "outcome" and record["service_s"] is not None
    }


def _records(data: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(data.glob("runs/*/journal/*.jsonl")):
        yield from map(json.loads, path.read_bytes().splitlines())


def _same_environment(name: str, label: str, large: int, small: int) -> Harness:
    return Harness(
        name=label,
        start=_script(name, OURS / "python"),
        latencies=_lines,
        large_per_s=large,
        small_per_s=small,
        needs=OURS / "python",
        without="no Python here",
    )


def _own(label: str, images: str, large: int) -> Harness:
    return Harness(
        name=label,
        start=_pixelmeter(images),
        latencies=_outcomes,
        large_per_s=large,
        small_per_s=500,
        needs=OURS / "pixelmeter",
        without="not installed here; `make venv` does it",
    )


_NO_PEERS = "not installed: `make .venv-peers/.installed` could not fetch it"
TRANSPORT, WHOLE, DEFAULT = (
    "Pixelmeter, transport alone",
    "Pixelmeter, pictures not saved",
    "Pixelmeter, default mode",
)
WRK, AIPERF, SDK = "wrk", "AIPerf", "openai SDK"

HARNESSES = (
    _same_environment("transport_alone", TRANSPORT, 600, 1500),
    _own(WHOLE, "none", 300),
    _own(DEFAULT, "keep", 80),
    Harness(
        name=WRK,
        start=_wrk,
        latencies=_wrk_percentiles,
        large_per_s=0,
        small_per_s=0,
        needs=Path(shutil.which("wrk") or "wrk"),
        without="not installed: `apt-get install wrk` on Debian",
        told_by_id=False,
    ),
    Harness(
        name="aiohttp, bare",
        start=_script("bare_aiohttp", PEERS / "python"),
        latencies=_lines,
        large_per_s=600,
        small_per_s=3000,
        needs=PEERS / "python",
        without=_NO_PEERS,
    ),
    _same_environment("bare_httpx2", "httpx2, bare", 150, 600),
    _same_environment("plain_sdk", SDK, 100, 300),
    Harness(
        name="locust FastHttpUser",
        start=_locust,
        latencies=_lines,
        large_per_s=250,
        small_per_s=1500,
        needs=PEERS / "locust",
        without=_NO_PEERS,
    ),
    Harness(
        name=AIPERF,
        start=_aiperf,
        latencies=_aiperf_records,
        large_per_s=100,
        small_per_s=400,
        needs=PEERS / "aiperf",
        without=_NO_PEERS,
    ),
)

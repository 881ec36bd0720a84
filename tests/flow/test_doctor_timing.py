"""doctor --timing: what it measures, and what it says of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer
from typer.testing import CliRunner

from bench.checkup import timing
from bench.checkup.timing import Floor, Load
from bench.commands import doctor
from bench.commands.timing import sentences

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def floor(answer_bytes: int, rate: float, error_s: float | None) -> Floor:
    errors = None if error_s is None else (0.0001, 0.001, error_s)
    return Floor(
        load=Load(answer_bytes=answer_bytes, rate=rate),
        n=20,
        n_ok=20,
        first_byte_error_s=errors,
        first_partial_error_s=None,
        service_error_s=errors,
        limit_s=0.005,
        late_p99_s=0.001,
        loop_lag_p99_s=0.001,
        cpu_share=0.1,
        in_flight_mean=2.0,
        client_limited=False,
        reasons=(),
        why_not=None,
    )


def test_the_highest_rate_within_the_limit_is_told_for_each_size() -> None:
    found = [
        floor(2_000, 10, 0.001),
        floor(2_000, 40, 0.004),
        floor(2_000, 160, 0.005),
        floor(150_000, 10, 0.001),
        floor(150_000, 40, 0.0051),
        # By chance: what a slower rate did not keep is not kept up to here.
        floor(150_000, 160, 0.001),
        floor(1_500_000, 10, None),
    ]
    told = sentences(found)[0]
    assert "2 KB up to 160 a second at least" in told
    assert "150 KB up to 10 a second;" in told
    assert "1.5 MB at none of these rates" in told


def test_it_measures_against_an_emulator_of_its_own_and_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(timing, "SIZES", (("2 KB", 2_000),))
    monkeypatch.setattr(timing, "RATES", (20,))
    app = typer.Typer(pretty_exceptions_enable=False)
    doctor.register(app)
    arguments = ["--timing", "--json", "--data", str(tmp_path / "data")]
    ended = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert ended.exit_code == 0
    answer = json.loads(ended.stdout)
    assert answer["schema"] == "pixelmeter.doctor/1"
    (row,) = answer["timing"]
    assert row["n"] == row["n_ok"] == row["rate"] * row["length_s"]
    assert len(row["service_error_s"]) == 3
    assert isinstance(row["is_trusted"], bool)
    assert row["client_limited"] is not None
    assert "2 KB, 20 requests a second" in ended.stderr
    assert not (tmp_path / "data").exists()

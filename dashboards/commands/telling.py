"""Telling: what the demo measured, in words and tables."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from shutil import which
from typing import Any

import orjson
import typer

from bench.commands.answers import comparison_answer, saving_answer
from bench.commands.comparing import print_comparison
from bench.standing import Ending
from bench.studies.comparison import Comparison, Factor, compare_levels
from bench.studies.levels import Row
from bench.studies.saving import savings
from bench.words.figures import bytes_text, dollars
from bench.words.limited import limited_sentence
from bench.words.places import place
from bench.words.tables import print_table
from dashboards.report.tables import saving_figures
from pricing.money import usd_text
from pricing.question import answer as price_answer

IMAGES_PER_MONTH = 10_000
_SHOWN_SIZE = "1024x1024"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the demo has in hand when the run is over.

    Attributes:
        status: The fields that `show RUN --json` answers with.
        trials: Rows of `v_trial` of the run.
        counted_usd: What each emulator itself counted, by endpoint.
    """

    status: Mapping[str, Any]
    ending: Ending
    trials: Sequence[Row]
    counted_usd: Mapping[str, Decimal]

    def charged_usd(self, endpoint: str) -> Decimal:
        """What our records say was charged at an endpoint."""
        charges = (r["charge_usd"] for r in self.trials if r["endpoint"] == endpoint)
        return sum((c for c in charges if c is not None), Decimal(0))


def begin() -> None:
    """Say what is about to happen."""
    typer.echo(
        "Pixelmeter demo. Two emulators stand in for an image API and for a gateway\n"
        "that sells it at half price. Pictures, times and dollars are simulated;\n"
        "no key is used and nothing is paid."
    )


def tell(measured: Measured) -> None:
    """Comparison, projection, and the emulators' own count."""
    run_id = measured.status["run_id"]
    trials = measured.status["trials"]
    typer.echo(f"\nrun {run_id}: {trials['done']} of {trials['planned']} trials done")
    if limited := limited_sentence(measured.status):
        typer.echo(limited)
        typer.echo("(the emulators draw their pictures on this machine, too)")
    if measured.ending.reason:
        typer.echo(f"{measured.ending.stopped_by}: {measured.ending.reason}", err=True)
    typer.echo("\n== Direct against gateway ==")
    print_comparison(_comparison(measured))
    _tell_projection(measured)
    _tell_count(measured)


def tell_next(measured: Measured, report: Mapping[str, Any] | None, where: str) -> None:
    """Where the report lies, and what to do next.

    `where` is what a further command needs to find the data folder.
    """
    pixelmeter = _program()
    run_id = measured.status["run_id"]
    if report is not None:
        size = bytes_text(report["n_bytes"])
        typer.echo(f"\nreport, opens offline: {place(report['path'])} ({size})")
    typer.echo(
        "\n== Next ==\n"
        f"look closer     {pixelmeter} dashboard{where}\n"
        f"                {pixelmeter} show {run_id}{where}\n"
        f"                {pixelmeter} compare {run_id} --by quality{where}\n"
        f"with your key   {pixelmeter} init     (writes suite.yaml, endpoints.yaml)\n"
        f"                {pixelmeter} doctor --endpoints endpoints.yaml "
        "--endpoint openai\n"
        f"                {pixelmeter} run suite.yaml --endpoints endpoints.yaml "
        "--endpoint openai --max-cost 2"
    )


def _program() -> str:
    """How this program is called from here."""
    return "pixelmeter" if which("pixelmeter") else shlex.quote(place(sys.argv[0]))


def _comparison(measured: Measured) -> Comparison:
    return compare_levels(measured.trials, Factor.ENDPOINT)


def _tell_projection(measured: Measured) -> None:
    typer.echo(
        f"\n== {IMAGES_PER_MONTH:,} images a month, {_SHOWN_SIZE} (simulated) =="
    )
    print_table(
        [
            *(("model", False), ("quality", False), ("direct", True)),
            *(("gateway", True), ("saving a month", True), ("90% band", True)),
            *(("saving", True), ("a year", True), ("n prompts", True)),
        ],
        [
            [*saving.variant[:2], *saving_figures(saving)]
            for saving in savings(measured.trials, IMAGES_PER_MONTH)
            if saving.variant[2] == _SHOWN_SIZE
        ],
    )
    flat = _guides_prices()
    typer.echo(
        f"for comparison, the flat launch prices of April 2025: {IMAGES_PER_MONTH:,} "
        f"medium images cost {dollars(flat)} direct,\n{dollars(flat / 2)} at half "
        f"price, a saving of {dollars(flat / 2)} a month and {dollars(flat * 6)} a "
        "year; tokens are what is billed"
    )


def _guides_prices() -> Decimal:
    question = {
        "mode": "per_image",
        "provider": "launch-2025",
        "quality": "medium",
        "images": IMAGES_PER_MONTH,
    }
    return Decimal(str(price_answer(question)["usd"]))


def _tell_count(measured: Measured) -> None:
    typer.echo("\n== Our records against the emulators' own count ==")
    rows: list[list[str]] = []
    for endpoint, counted in measured.counted_usd.items():
        charged = measured.charged_usd(endpoint)
        verdict = "equal to the last digit" if charged == counted else "DIFFERENT"
        rows.append([endpoint, usd_text(charged), usd_text(counted), verdict])
    print_table(
        [("endpoint", False), ("our USD", True), ("theirs", True), ("", False)], rows
    )


def answer(measured: Measured, report: Mapping[str, Any] | None) -> str:
    """The same as one JSON object; `report` is the path of the page, or null."""
    return orjson.dumps(
        {
            "schema": "pixelmeter.demo/1",
            **measured.status,
            "simulated": True,
            "comparison": comparison_answer(_comparison(measured)),
            "projection": [
                saving_answer(saving)
                for saving in savings(measured.trials, IMAGES_PER_MONTH)
            ],
            "counted_by_emulators_usd": {
                name: usd_text(usd) for name, usd in measured.counted_usd.items()
            },
            "report": None if report is None else report["path"],
        }
    ).decode()

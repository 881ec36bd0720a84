"""Options: what several commands understand alike."""

from pathlib import Path
from typing import Annotated

import typer

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="Data folder; else $PIXELMETER_DATA, else ./data."
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Answer with one JSON object on stdout.")
]
EndpointOption = Annotated[
    list[str] | None,
    typer.Option(
        "--endpoint", metavar="NAME", help="Endpoint to ask; repeat the option."
    ),
]
EndpointsOption = Annotated[
    Path | None,
    typer.Option(
        "--endpoints", metavar="FILE", help="Endpoints file; else DIR/endpoints.yaml."
    ),
]
RouteOption = Annotated[
    str | None,
    typer.Option(
        "--route",
        metavar="direct|gateway",
        help="For an endpoints file in the guides' JSON form.",
    ),
]
PricesOption = Annotated[
    str | None,
    typer.Option(
        "--prices",
        metavar="VENDOR",
        help="For the guides' JSON form: a book's vendor, or {of: ..., scheme: ...}.",
    ),
]
BooksOption = Annotated[
    Path | None,
    typer.Option(
        "--books",
        metavar="FOLDER",
        help="Price books of your own (*.toml), over the shipped; else DIR/books.",
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option(
        "--seed", metavar="N", min=0, help="Seed of the order; random if left out."
    ),
]
LimitOption = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", min=1, help="Only the first N prompts."),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="AXIS=VALUE",
        help="Only cells with this value; repeat the option.",
    ),
]
TagOption = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="K=V", help="A tag of the run; repeat the option."),
]
NoteOption = Annotated[
    str | None, typer.Option("--note", metavar="TEXT", help="A note to the run.")
]
MaxCostOption = Annotated[
    str | None,
    typer.Option(
        "--max-cost",
        metavar="USD",
        help="Cap for the run's whole life, resumes included.",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Don't ask before spending.")]
ConcurrencyOption = Annotated[
    int | None,
    typer.Option(
        "--concurrency",
        metavar="N",
        min=1,
        max=4096,
        help="Requests in flight at most; 4, or 1000 under a schedule.",
    ),
]
RateOption = Annotated[
    int | None,
    typer.Option(
        "--rate", metavar="RPM", min=1, help="Requests a minute over all endpoints."
    ),
]
LoadOption = Annotated[
    str | None,
    typer.Option(
        "--load",
        metavar="MODEL",
        help="When requests begin: closed (the next when one ended; the default), "
        "constant:RATE, poisson:RATE or ramp:FROM-TO:SECONDS, over all endpoints, "
        "with rates such as 5/s or 300/min.",
    ),
]
FindRateOption = Annotated[
    str | None,
    typer.Option(
        "--find-rate",
        metavar='"p95<SECONDS"',
        help="Find the highest rate that keeps the p95 latency from schedule under "
        "this, at one endpoint; begins at the rate of --load, else at 1/s, and "
        "sends no more than the suite's trials.",
    ),
]
WarmUpOption = Annotated[
    str | None,
    typer.Option(
        "--warm-up",
        metavar="N|auto",
        help="The first N trials of each endpoint are paid and counted, but in no "
        "figure of latency; 0 is none; auto: one for each request in flight at most, "
        "one in 20 at most, none in cells of fewer than 20 trials.",
    ),
]
ImagesOption = Annotated[
    str | None,
    typer.Option(
        "--images",
        metavar="keep|thumb|hash|none",
        help="What stays of a picture on disk (keep); with none it is not opened.",
    ),
]
FailedShareOption = Annotated[
    float | None,
    typer.Option(
        "--max-failed-share",
        metavar="SHARE",
        min=0,
        max=1,
        help="Above it the exit code is 4; 0.2.",
    ),
]
WaveOption = Annotated[
    int | None,
    typer.Option(
        "--wave",
        metavar="N",
        min=1,
        help="Send N trials, wait until all ended, pause, send the next N.",
    ),
]
WavePauseOption = Annotated[
    float | None,
    typer.Option(
        "--wave-pause",
        metavar="S",
        min=0,
        max=86_400,
        help="Seconds between two waves; 2.",
    ),
]
BatchOption = Annotated[
    bool,
    typer.Option(
        "--batch",
        help="As jobs of the Batch API: at its prices, within a day; no latencies.",
    ),
]
WaitOption = Annotated[
    float | None,
    typer.Option(
        "--wait",
        metavar="S",
        min=0,
        help="With --batch: wait so many seconds for jobs, which go on after it; "
        "else until they end.",
    ),
]
CancelOption = Annotated[
    bool,
    typer.Option(
        "--cancel",
        help="Of a run by jobs: have those cancelled that have not ended, collect what "
        "they answered, and make no more.",
    ),
]
LookOption = Annotated[
    float | None,
    typer.Option(
        "--look-every",
        metavar="S",
        min=0.01,
        max=3600,
        help="With --batch: the first pause between two looks at a job; it grows "
        "twelvefold; 5.",
    ),
]

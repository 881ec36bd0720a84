"""Bench: our own figures beside their targets; none of them can fail."""

import sys

import certify_bench
import charge_bench
import emulator_bench
import import_bench
import ingest_bench
import journal_bench
import overview_bench
import page_bench
import projection_bench
import reprice_bench
import run_bench
import startup_bench
import wrap_bench

PARTS = (
    startup_bench,
    charge_bench,
    journal_bench,
    ingest_bench,
    import_bench,
    overview_bench,
    page_bench,
    projection_bench,
    reprice_bench,
    run_bench,
    wrap_bench,
    certify_bench,
    emulator_bench,
)


def main() -> None:
    """Print one row a figure."""
    wanted = sys.argv[1:]
    for part in PARTS:
        if wanted and part.__name__ not in wanted:
            continue
        for what, target, figure in part.measure():
            print(f"{what:<58} {target:<18} {figure}", flush=True)
    if not wanted:
        print("hot paths: make bench-paths; beside other harnesses: make bench-peers")


if __name__ == "__main__":
    main()

"""Emulator: `python -m bench.emulator`, for tests of this room alone."""

import argparse
import sys
from pathlib import Path

from bench.emulator.options import Manner, Options, Profile
from bench.emulator.server import CannotStartError, ready_line, run


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m bench.emulator")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--profile", type=Profile, default=Profile.CURRENT)
    parser.add_argument("--manner", type=Manner, default=Manner.OPENAI)
    parser.add_argument("--upstream")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--time-scale", type=float, default=1.0)
    parser.add_argument("--faults", type=Path, dest="faults_file")
    return Options(**vars(parser.parse_args()))


def _main() -> int:
    def say_ready(url: str) -> None:
        sys.stdout.write(ready_line(url) + "\n")
        sys.stdout.flush()

    try:
        return run(_options(), on_ready=say_ready)
    except CannotStartError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(_main())

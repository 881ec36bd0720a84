"""Pixelmeter: the public face and the command line."""

import os
import sys
from importlib import import_module

import typer

from bench.errors import BenchError

_GROUPS = (
    "dashboards.commands.demo",
    "bench.commands.plan",
    "bench.commands.run",
    "bench.commands.runs",
    "bench.commands.compare",
    "bench.commands.price",
    "bench.commands.ingest",
    "bench.commands.emulator",
)


def command_line() -> typer.Typer:
    """All commands, as each storey offers them."""
    app = typer.Typer(
        name="pixelmeter",
        help="Cost and benchmark analytics for image-generation APIs.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    for name in _GROUPS:
        import_module(name).register(app)
    return app


def main() -> None:
    """Run the command line; our own refusals end in a sentence and a code."""
    # Records hold prompts and pictures: what we make is for its owner alone.
    os.umask(0o077)
    try:
        command_line()()
    except BenchError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Who reads has read enough, as with `| head`.
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()

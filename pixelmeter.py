"""Pixelmeter: the public face and the command line."""

import os
import sys
from importlib import import_module

import typer

from bench.errors import BenchError, StorageFailed

_GROUPS = (
    "dashboards.commands.demo",
    "dashboards.commands.dashboard",
    "bench.commands.init",
    "bench.commands.doctor",
    "bench.commands.plan",
    "bench.commands.run",
    "bench.commands.runs",
    "bench.commands.compare",
    "bench.commands.price",
    "bench.commands.ingest",
    "bench.commands.emulator",
)
# The variable that a shell sets to ask what could come next.
_COMPLETING = "_PIXELMETER_COMPLETE"
_INTERRUPTED = 130
_OUR_MISTAKE = 1


def command_line() -> typer.Typer:
    """All commands, as each storey offers them."""
    app = typer.Typer(
        name="pixelmeter",
        help="Cost and benchmark analytics for image-generation APIs.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    for name in _GROUPS:
        import_module(name).register(app)
    return app


def main() -> None:
    """Run the command line; whatever goes wrong ends in a sentence and a code."""
    # Records hold prompts and pictures: what we make is for its owner alone.
    os.umask(0o077)
    if _COMPLETING in os.environ:
        # Help texts would be sent through rich, which a key press can't wait for.
        sys.modules["rich"] = None  # pyright: ignore[reportArgumentType]
    try:
        command_line()()
    except BenchError as error:
        _end(str(error), error.exit_code)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        # Who reads has read enough, as with `| head`.
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        where = error.filename or "output"
        _end(f"{where}: {error.strerror or error}", StorageFailed.exit_code)
    except Exception as error:  # a traceback helps us, not the person in front
        if os.environ.get("PIXELMETER_TRACEBACK"):
            raise
        _end(
            f"a mistake of ours ({type(error).__name__}: {error}); what was recorded "
            "is kept; PIXELMETER_TRACEBACK=1 shows where it happened",
            _OUR_MISTAKE,
        )


def _end(sentence: str, code: int) -> None:
    sys.stderr.write(f"error: {sentence}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()

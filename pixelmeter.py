"""Pixelmeter: the public face and the command line.

For programs: `from pixelmeter import Meter`; its docstring shows an example.
"""

import os
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import typer

from bench.errors import BadInput, BenchError, NoCredentials, NotSent, StorageFailed
from bench.reexports import load_late

if TYPE_CHECKING:
    from bench.attempt import Outcome
    from bench.endpoint import Endpoint, Route
    from bench.meter.answer import Answer, Image, NoImage, NotRecorded
    from bench.meter.library import Meter
    from bench.meter.talk import Conversation
    from bench.meter.twin import SyncConversation, SyncMeter
    from bench.meter.wrapping import UnmeteredCall
    from bench.reference import Reference

__all__ = [
    "Answer",
    "BadInput",
    "BenchError",
    "Conversation",
    "Endpoint",
    "Image",
    "Meter",
    "NoCredentials",
    "NoImage",
    "NotRecorded",
    "NotSent",
    "Outcome",
    "Reference",
    "Route",
    "StorageFailed",
    "SyncConversation",
    "SyncMeter",
    "UnmeteredCall",
    "command_line",
    "main",
]

# Loaded when a program asks for them: the command line starts without.
_LAZY = {
    "Answer": "bench.meter.answer",
    "Conversation": "bench.meter.talk",
    "Endpoint": "bench.endpoint",
    "Image": "bench.meter.answer",
    "Meter": "bench.meter.library",
    "NoImage": "bench.meter.answer",
    "NotRecorded": "bench.meter.answer",
    "Outcome": "bench.attempt",
    "Reference": "bench.reference",
    "Route": "bench.endpoint",
    "SyncConversation": "bench.meter.twin",
    "SyncMeter": "bench.meter.twin",
    "UnmeteredCall": "bench.meter.wrapping",
}

_GROUPS = (
    "dashboards.commands.demo",
    "dashboards.commands.report",
    "dashboards.commands.project",
    "dashboards.commands.dashboard",
    "bench.commands.init",
    "bench.commands.doctor",
    "bench.commands.plan",
    "bench.commands.run",
    "bench.commands.generate",
    "bench.commands.mask",
    "bench.commands.runs",
    "bench.commands.compare",
    "bench.commands.replay",
    "bench.commands.export",
    "bench.commands.importing",
    "bench.commands.reconcile",
    "bench.commands.price",
    "bench.commands.prices",
    "bench.commands.reprice",
    "bench.commands.ingest",
    "bench.commands.emulator",
)
# Four hundred modules, of which a run needs a few.
_LOADED_BY_NAME = "openai.types"
# The variable that a shell sets to ask what could come next.
_COMPLETING = "_PIXELMETER_COMPLETE"
_INTERRUPTED = 130
_OUR_MISTAKE = 1


def __getattr__(name: str) -> Any:  # noqa: ANN401  each its own type
    """What programs import, loaded when it is asked for."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'pixelmeter' has no attribute '{name}'")


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
    _write_any_sign()
    load_late(_LOADED_BY_NAME)
    # Else every package that is installed is asked whether it has one.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if _COMPLETING in os.environ:
        # Help texts would be sent through rich, which a key press can't wait for.
        sys.modules["rich"] = None  # pyright: ignore[reportArgumentType]
    try:
        _carry_out()
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


def _carry_out() -> None:
    try:
        command_line()()
    except SystemExit as ended:
        # Typer catches a closed pipe before we can, and calls it a failure.
        if isinstance(ended.__context__, BrokenPipeError):
            sys.exit(0)
        raise


def _write_any_sign() -> None:
    """Let no sign of a table or a prompt break a terminal that is not UTF-8.

    Into a file or a pipe goes UTF-8, whatever the terminal would take.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            shown = stream.isatty()
            stream.reconfigure(
                encoding=None if shown else "utf-8",
                errors="replace" if shown else "backslashreplace",
            )


def _end(sentence: str, code: int) -> None:
    sys.stderr.write(f"error: {sentence}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()

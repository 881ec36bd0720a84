"""Dashboard: the command that starts the screens on this machine."""

import os
import sys
from typing import Annotated

import typer

from bench.commands.options import DataOption

_PORT = 8501


def register(app: typer.Typer) -> None:
    """Add the command `dashboard` to the command line."""
    app.command("dashboard")(dashboard)


def dashboard(
    *,
    port: Annotated[
        int, typer.Option(metavar="N", help="Port on 127.0.0.1; 0 takes a free one.")
    ] = _PORT,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Don't open a browser.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Show what was measured in a browser on this machine.

    Overview, latency, cost, direct against gateway, savings. One line on stdout
    says where; Ctrl-C ends it. It listens on this machine only, asks no other
    host for anything, and sends no request to an endpoint.
    """
    import webbrowser

    from bench.commands.indexed import chosen_folder
    from dashboards.app.serving import serve

    def say(url: str) -> None:
        typer.echo(f"The dashboard is at {url} (Ctrl-C ends it).")
        if not no_browser and _has_desktop():
            webbrowser.open(url)

    serve(chosen_folder(data), port, say)


def _has_desktop() -> bool:
    """Whether a browser has a screen; without one, some would take the terminal."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform in {"darwin", "win32"} or any(map(os.environ.get, screens))

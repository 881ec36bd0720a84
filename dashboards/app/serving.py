"""Serving: the Streamlit server, from its port to its end."""

import logging
import os
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.errors import BadInput
from bench.folder import DataFolder
from dashboards.app.settings import ADDRESS, settings

_ENTRY = Path(__file__).with_name("entry.py")
_HIGHEST_PORT = 65_535


def serve(folder: DataFolder, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve the screens over a data folder until a signal ends it.

    Args:
        folder: Need not exist; the screens say then what fills it.
        port: On 127.0.0.1; 0 takes a free one.
        on_ready: Called with the URL when the server answers.

    Raises:
        BadInput: The port is taken, or is none.
    """
    port = _claimed(port)
    # The pages are run by the server, which hands them nothing else.
    os.environ["PIXELMETER_DATA"] = str(folder.root)
    _hush()

    import streamlit as st

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncGenerator[dict[str, Any]]:
        on_ready(f"http://{ADDRESS}:{port}")
        yield {}

    app = st.App(_ENTRY, lifespan=lifespan)
    app.run(config=settings(port))


def _claimed(port: int) -> int:
    """A port that is free now; the server takes it a moment later."""
    if not 0 <= port <= _HIGHEST_PORT:
        raise BadInput(f"--port {port}: a port is a number from 0 to {_HIGHEST_PORT}")
    with socket.socket() as probe:
        # As the server binds: connections that ended a moment ago don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise BadInput(
                f"--port {port}: it can't be had on {ADDRESS} ({error.strerror}); "
                "choose another with --port N, or 0 for any free one"
            ) from None
        return int(probe.getsockname()[1])


def _hush() -> None:
    """Keep the web server's chatter off the terminal; its errors stay."""
    from uvicorn.config import LOGGING_CONFIG

    for logger in LOGGING_CONFIG["loggers"].values():
        if "level" in logger:
            logger["level"] = "WARNING"
    logging.getLogger("streamlit").setLevel(logging.ERROR)

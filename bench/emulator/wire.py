"""Wire: the HTTP connection, with stamps at the socket and real resets."""

import asyncio
import socket
import struct
import time
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

NO_LINGER = struct.pack("ii", 1, 0)


class Connection(H11Protocol):
    """One client's connection; an application finds it in `scope["state"]`.

    `read_ns` is when bytes last came from the socket. With a write buffer limit
    of 0 the transport says when its buffer is empty, that is when the kernel has
    taken the last byte: `drained` returns the stamp of that moment.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        state = {**app_state, "connection": self}
        super().__init__(config, server_state, state, _loop)
        self.read_ns = 0
        self.lost = asyncio.Event()
        self._paused = False
        self._unpaused = asyncio.Event()
        self._drained_ns = 0

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin: from here on every byte left in the buffer is reported."""
        transport.set_write_buffer_limits(high=0)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """End: nobody waits for the kernel any longer."""
        self.lost.set()
        self._unpaused.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Stamp the bytes, then parse them."""
        self.read_ns = time.monotonic_ns()
        super().data_received(data)

    def pause_writing(self) -> None:
        """Note that the kernel has not taken everything yet."""
        self._paused = True
        self._unpaused.clear()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Stamp the moment when the kernel has taken everything."""
        self._drained_ns = time.monotonic_ns()
        self._paused = False
        self._unpaused.set()
        super().resume_writing()

    async def drained(self) -> int | None:
        """Wait until the kernel has every byte; return when that was (ns).

        None means that the connection ended before.
        """
        if not self._paused:
            return None if self.lost.is_set() else time.monotonic_ns()
        await self._unpaused.wait()
        return None if self._paused else self._drained_ns

    async def reset(self) -> None:
        """Cut the connection with a TCP reset; unsent bytes are thrown away."""
        if self.lost.is_set():
            return
        sock: socket.socket = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.transport.abort()
        await self.lost.wait()

    async def hang_up(self) -> None:
        """Close the connection in order, whatever is missing from the answer."""
        self.transport.close()
        await self.lost.wait()


class Unwired:
    """Stands for the connection where none is: a line of a batch.

    What would cut a connection leaves the line without an answer.
    """

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    async def reset(self) -> None:
        """Be lost."""
        self.lost.set()

    async def hang_up(self) -> None:
        """Be lost."""
        self.lost.set()

"""Dial: a name looked up, and the first of its addresses that takes us."""

import asyncio
import itertools
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress

from bench.transport.kernel import open_window, tell_arrivals

_NEXT_ADDRESS_AFTER_S = 0.25
# As the official library asks: a picture takes minutes in which nothing is sent,
# and who went away meanwhile must be noticed.
_SILENCE_S, _BETWEEN_PROBES_S, _N_PROBES = 60, 60, 5

Address = tuple[int, tuple[str, int] | tuple[str, int, int, int]]
_Found = Sequence[Address] | Exception


class Dialer:
    """Connects sockets; requests for one host share a look-up under way."""

    def __init__(self) -> None:
        """Look nothing up yet."""
        self._looked_up: dict[tuple[str, int], asyncio.Future[_Found]] = {}

    async def dial(self, host: str, port: int) -> socket.socket:
        """A socket that is connected, and does not block.

        Raises:
            OSError: No address is known, or none of them took us.
            UnicodeError: The name can't be written in DNS's letters.
        """
        addresses = await self._addresses(host, port)
        if len(addresses) == 1:
            return await _connected(addresses[0])
        return await _first_connected(_alternating(addresses))

    async def _addresses(self, host: str, port: int) -> Sequence[Address]:
        with suppress(socket.gaierror):
            return _look_up(host, port, socket.AI_NUMERICHOST)
        found = self._looked_up.get((host, port))
        if found is None:
            found = self._looked_up[host, port] = _looking_up(host, port)
            found.add_done_callback(lambda _: self._looked_up.pop((host, port)))
        addresses = await asyncio.shield(found)
        if isinstance(addresses, Exception):
            raise type(addresses)(*addresses.args)
        return addresses


def _looking_up(host: str, port: int) -> asyncio.Future[_Found]:
    """Look up in a thread of its own.

    The system's resolver can't be stopped. In the loop's pool a few that hang
    would hold up all others, and the end of the program.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Found] = loop.create_future()

    def tell(found: _Found) -> None:
        if not future.done():
            future.set_result(found)

    def work() -> None:
        try:
            found: _Found = _look_up(host, port)
        except (OSError, UnicodeError) as error:
            found = error
        # Nobody waits any more once the loop is closed.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, found)

    threading.Thread(target=work, daemon=True, name=f"look-up {host}").start()
    return future


def _look_up(host: str, port: int, flags: int = 0) -> Sequence[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    # Some platforms give pairs of other kinds for families that they can't open.
    return [(family, address) for family, _, _, _, address in found]  # pyright: ignore[reportReturnType]


def _alternating(addresses: Sequence[Address]) -> list[Address]:
    """One of each family in turn, the resolver's first choice first."""
    families = dict.fromkeys(family for family, _ in addresses)
    columns = [[a for a in addresses if a[0] == family] for family in families]
    rows = itertools.zip_longest(*columns)
    return [address for row in rows for address in row if address is not None]


async def _connected(address: Address) -> socket.socket:
    family, place = address
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tell_arrivals(sock)
        open_window(sock)
        _watch_over(sock)
        await asyncio.get_running_loop().sock_connect(sock, place)
    except BaseException:
        sock.close()
        raise
    return sock


def _watch_over(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    seconds = {"TCP_KEEPIDLE": _SILENCE_S, "TCP_KEEPINTVL": _BETWEEN_PROBES_S}
    for name, value in {**seconds, "TCP_KEEPCNT": _N_PROBES}.items():
        # Not every platform names all of them.
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def _first_connected(addresses: Sequence[Address]) -> socket.socket:
    """Try one after the other, the next when one fails or takes long (RFC 8305)."""
    trying: set[asyncio.Task[socket.socket]] = set()
    failed: list[OSError] = []
    left = list(addresses)
    try:
        while trying or left:
            if left:
                trying.add(asyncio.create_task(_connected(left.pop(0))))
            done, trying = await asyncio.wait(
                trying,
                timeout=_NEXT_ADDRESS_AFTER_S if left else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in list(done):
                error = task.exception()
                if error is None:
                    trying |= done - {task}
                    return task.result()
                if not isinstance(error, OSError):
                    raise error
                failed.append(error)
    finally:
        _forget(trying)
    raise failed[-1] if len(failed) == 1 else _none_of(failed)


def _none_of(failed: Sequence[OSError]) -> OSError:
    first = failed[0]
    said = "; ".join(dict.fromkeys(error.strerror or str(error) for error in failed))
    return type(first)(first.errno, said)


def _forget(trying: set[asyncio.Task[socket.socket]]) -> None:
    """End attempts that came too late; a socket of theirs is closed."""
    for task in trying:
        task.cancel()
        task.add_done_callback(_close)


def _close(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()

"""Transport alone: ours without the SDK above it; the body is thrown away."""

import asyncio
import time

import httpx2
from closed import ASKED, ID_HEADER, arguments, drive

from bench.memory import keep_room
from bench.transport.pool import StampedTransport
from bench.transport.sealed import seal
from bench.transport.stamps import RequestStamps

_PLACE = "the-id-stands-here"


async def main() -> None:
    """Drive one transport; each request is timed by its stamps at the socket."""
    keep_room()
    url = arguments()[0] + "/images/generations"
    headers = {ID_HEADER: _PLACE}
    sealed = seal(httpx2.Request("POST", url, json=ASKED, headers=headers), _PLACE)
    transport = StampedTransport()

    async def ask(name: str) -> int:
        stamps = RequestStamps(started_ns=time.monotonic_ns())
        async with transport.sent(sealed, name, stamps) as answer:
            await answer.whole(100_000_000)
        last_ns = stamps.kernel_last_byte_ns or stamps.last_byte_ns or 0
        return last_ns - (stamps.sent_ns or 0)

    await drive(ask)
    await transport.aclose()


asyncio.run(main())

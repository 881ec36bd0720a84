"""Transport alone: ours without the SDK above it; the body is thrown away."""

import asyncio
import time

from closed import ASKED, ID_HEADER, arguments, drive

from bench.transport.client import http_client
from bench.transport.stamps import RequestStamps, stamp_into


async def main() -> None:
    """Drive one client; each request is timed by its stamps at the socket."""
    url = arguments()[0] + "/images/generations"
    async with http_client() as client:

        async def ask(name: str) -> int:
            stamps = RequestStamps(started_ns=time.monotonic_ns())
            stamp_into(stamps)
            headers = {ID_HEADER: name}
            async with client.stream("POST", url, json=ASKED, headers=headers) as got:
                async for _ in got.aiter_raw():
                    pass
            last_ns = stamps.kernel_last_byte_ns or stamps.last_byte_ns or 0
            return last_ns - (stamps.sent_ns or 0)

        await drive(ask)


asyncio.run(main())

"""Bare httpx2: the answer is read whole and thrown away."""

import asyncio

import httpx2
from closed import ASKED, ID_HEADER, arguments, drive


async def main() -> None:
    """Drive one client without a limit of connections."""
    url = arguments()[0] + "/images/generations"
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx2.AsyncClient(limits=limits, timeout=None) as client:

        async def ask(name: str) -> None:
            await client.post(url, json=ASKED, headers={ID_HEADER: name})

        await drive(ask)


asyncio.run(main())

"""Bare aiohttp: the answer is read whole and thrown away."""

import asyncio

import aiohttp  # pyright: ignore[reportMissingImports]  in the peers' environment
from closed import ASKED, ID_HEADER, arguments, drive


async def main() -> None:
    """Drive one session without a limit of connections."""
    url = arguments()[0] + "/images/generations"
    limits = aiohttp.TCPConnector(limit=0)
    patience = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=limits, timeout=patience) as session:

        async def ask(name: str) -> None:
            headers = {ID_HEADER: name}
            async with session.post(url, json=ASKED, headers=headers) as answer:
                await answer.read()

        await drive(ask)


asyncio.run(main())

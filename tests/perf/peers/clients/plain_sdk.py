"""Plain SDK: the official library as its own guide uses it."""

import asyncio

import openai
from closed import ASKED, ID_HEADER, arguments, drive


async def main() -> None:
    """Drive one client; the answer is parsed by the library and thrown away."""
    url = arguments()[0]
    async with openai.AsyncOpenAI(api_key="sk-x", base_url=url, max_retries=0) as sdk:

        async def ask(name: str) -> None:
            await sdk.images.generate(**ASKED, extra_headers={ID_HEADER: name})

        await drive(ask)


asyncio.run(main())

import asyncio

import pytest

from bench.meter.moment import Moment


def test_who_comes_within_a_moment_goes_on_in_one_pass_of_the_loop() -> None:
    async def work() -> list[str]:
        moment, said = Moment(), list[str]()

        async def one(name: str) -> None:
            await moment.over(0.02)
            said.append(name)
            asyncio.get_running_loop().call_soon(said.append, "next pass")

        first = asyncio.ensure_future(one("first"))
        await asyncio.sleep(0.005)
        await asyncio.gather(first, one("second"))
        await asyncio.sleep(0)
        return said

    assert asyncio.run(work()) == ["first", "second", "next pass", "next pass"]


def test_who_stops_waiting_keeps_nobody_else_and_the_next_moment_is_another() -> None:
    async def work() -> None:
        moment = Moment()
        leaver = asyncio.ensure_future(moment.over(0.01))
        stayer = asyncio.ensure_future(moment.over(0.01))
        await asyncio.sleep(0)
        leaver.cancel()
        await stayer
        with pytest.raises(asyncio.CancelledError):
            await leaver
        await moment.over(0.001)

    asyncio.run(work())

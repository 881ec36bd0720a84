import asyncio

import pytest

from bench.traffic.held import Held


def test_requests_wait_while_too_many_bytes_are_held() -> None:
    async def work() -> list[str]:
        held, said = Held(100), list[str]()

        async def request() -> None:
            await held.room()
            said.append("left")

        with held.holding(80):
            await request()
            with held.holding(21):
                assert held.is_full
                waiting = asyncio.ensure_future(request())
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                said.append("full")
            await waiting
        assert held.n_bytes == 0
        return said

    assert asyncio.run(work()) == ["left", "full", "left"]


def test_bytes_are_let_go_when_their_answer_could_not_be_read() -> None:
    held = Held(10)
    with pytest.raises(ValueError, match="unreadable"), held.holding(11):
        raise ValueError("unreadable")
    assert (held.n_bytes, held.is_full) == (0, False)

"""The library, as a program uses it, against a real emulator."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import pixelmeter
from pixelmeter import Answer, BadInput, Endpoint, Meter, NotSent, SyncMeter

HALF = {"of": "openai", "scheme": {"kind": "multiplier", "factor": "0.5"}}
ASKED: dict[str, Any] = {
    "model": "gpt-image-2",
    "quality": "low",
    "size": "1024x1024",
}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch, desk: Any) -> None:
    monkeypatch.setenv("PX_KEY", desk.key)
    monkeypatch.chdir(desk.folder)


def endpoint(double: Any, name: str = "direct", **changes: Any) -> Endpoint:
    written = {
        "name": name,
        "base_url": double.url,
        "api_key_env": "PX_KEY",
        "route": "direct",
        "prices": "openai",
        **changes,
    }
    return Endpoint.model_validate(written)


def half(double: Any, **changes: Any) -> Endpoint:
    return endpoint(double, "half", route="gateway", prices=HALF, **changes)


def in_meter(
    work: Callable[[Meter], Any], *endpoints: Endpoint, **wishes: Any
) -> tuple[Any, str]:
    """What a program does inside a meter, and the name of its run."""

    async def program() -> tuple[Any, str]:
        async with Meter(endpoints, **wishes) as meter:
            return await work(meter), meter.run_id

    return asyncio.run(program())


def status(desk: Any, run_id: str) -> dict[str, Any]:
    return desk.pixelmeter("show", run_id, "--json").answer


def test_an_answer_has_images_usage_charge_saving_and_timings(
    desk: Any, direct: Any, gateway: Any
) -> None:
    async def ask(meter: Meter) -> tuple[Answer, Answer]:
        first = await meter.generate("A red kite", **ASKED)
        second = await meter.generate("A red kite", endpoint="half", **ASKED)
        return first, second

    (first, second), run_id = in_meter(ask, endpoint(direct), half(gateway))
    assert first.ok
    assert first.usage["output_image_tokens"] == 196
    assert first.charge_usd == direct.total_usd > 0
    assert first.saving_usd == 0
    assert second.charge_usd == gateway.total_usd == first.charge_usd / 2
    assert second.list_usd == first.charge_usd
    assert second.saving_usd == first.charge_usd / 2
    kept = first.image.path
    assert kept is not None
    assert kept.read_bytes() == first.image.content
    assert (first.image.format, first.image.width_px) == ("png", 1024)
    assert first.timings.service_s is not None
    assert first.timings.total_s is not None
    assert 0 < first.timings.service_s <= first.timings.total_s
    assert first.simulated
    shown = status(desk, run_id)
    assert shown["state"] == "finished"
    assert shown["trials"]["done"] == 2
    assert Decimal(shown["charge_usd"]) == first.charge_usd + second.charge_usd


def test_the_same_prompt_again_is_a_repeat_of_the_same_cell(
    desk: Any, direct: Any
) -> None:
    async def ask(meter: Meter) -> list[Answer]:
        asked = [meter.generate("A red kite", **ASKED) for _ in range(5)]
        return await asyncio.gather(*asked)

    answers, run_id = in_meter(ask, endpoint(direct))
    assert len({answer.trial_id for answer in answers}) == 5
    trials = desk.records("trial")
    assert sorted(trial["repeat"] for trial in trials) == [1, 2, 3, 4, 5]
    assert len(desk.records("cell")) == len(desk.records("prompt")) == 1
    assert status(desk, run_id)["trials"] == {
        "planned": 5,
        "done": 5,
        "failed": 0,
        "possibly_billed": 0,
        "not_sent": 0,
        "in_flight": 0,
    }


def test_a_metered_run_is_compared_like_any_other(
    desk: Any, direct: Any, gateway: Any
) -> None:
    prompts = [f"Picture {i}" for i in range(6)]

    async def ask(meter: Meter) -> None:
        for prompt in prompts:
            for name in ("direct", "half"):
                await meter.generate(prompt, endpoint=name, **ASKED)

    _, run_id = in_meter(ask, endpoint(direct), half(gateway))
    compared = desk.pixelmeter("compare", run_id, "--json").answer
    assert compared["by"] == "endpoint"
    assert compared["differences"][0]["n_pairs"] == 6


def test_a_failed_call_is_an_answer_that_says_why(desk: Any, direct: Any) -> None:
    direct.fault("moderation_blocked")

    async def ask(meter: Meter) -> Answer:
        return await meter.generate("A red kite", **ASKED)

    answer, run_id = in_meter(ask, endpoint(direct))
    assert answer.outcome == "refused"
    assert not answer.images
    assert answer.charge_usd == 0
    with pytest.raises(pixelmeter.NoImage, match="refused"):
        _ = answer.image
    assert status(desk, run_id)["trials"]["done"] == 1


def test_a_rate_limit_is_waited_out_and_every_attempt_is_in_the_answer(
    direct: Any,
) -> None:
    direct.fault("rate_limited", times=1, retry_after_s=0.1)

    async def ask(meter: Meter) -> Answer:
        return await meter.generate("A red kite", **ASKED)

    answer, _ = in_meter(ask, endpoint(direct))
    assert [a.outcome for a in answer.attempts] == ["rate_limited", "ok"]
    assert answer.charge_usd == direct.total_usd


def test_the_cap_holds_with_many_calls_at_once(desk: Any, direct: Any) -> None:
    async def ask(meter: Meter) -> list[Any]:
        asked = [meter.generate(f"Picture {i}", **ASKED) for i in range(20)]
        return await asyncio.gather(*asked, return_exceptions=True)

    found, run_id = in_meter(ask, endpoint(direct), max_cost_usd="0.03")
    refused = [answer for answer in found if isinstance(answer, NotSent)]
    made = [answer for answer in found if isinstance(answer, Answer)]
    assert refused
    assert made
    assert len(refused) + len(made) == 20
    assert "max-cost" in str(refused[0])
    charges = [answer.charge_usd or Decimal(0) for answer in made]
    assert sum(charges) == direct.total_usd
    assert direct.total_usd <= Decimal("0.03")
    shown = status(desk, run_id)
    assert (shown["state"], shown["stopped_by"]) == ("stopped", "budget")
    assert shown["trials"]["not_sent"] == len(refused)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"quality": "lowest"}, "quality: 'lowest'"),
        ({"colour": "red"}, "colour: no such parameter"),
        ({"model": "gpt-nope"}, "no model 'gpt-nope'"),
        ({"endpoint": "elsewhere"}, "'elsewhere': this meter has direct"),
        ({"size": "17x17"}, "size: '17x17'"),
    ],
)
def test_what_can_not_be_asked_is_refused_before_anything_is_sent(
    direct: Any, asked: dict[str, Any], words: str
) -> None:
    async def ask(meter: Meter) -> None:
        await meter.generate("A red kite", **{**ASKED, **asked})

    with pytest.raises(BadInput, match=words):
        in_meter(ask, endpoint(direct))
    assert direct.posts == []


def test_one_name_for_two_texts_is_refused(direct: Any) -> None:
    async def ask(meter: Meter) -> None:
        await meter.generate("A red kite", prompt_id="one", **ASKED)
        await meter.generate("A blue kite", prompt_id="one", **ASKED)

    with pytest.raises(BadInput, match="'one' was used for another text"):
        in_meter(ask, endpoint(direct))
    assert len(direct.posts) == 1


def test_a_missing_key_is_said_by_the_name_of_its_variable(direct: Any) -> None:
    async def ask(meter: Meter) -> None:
        await meter.generate("A red kite", **ASKED)

    with pytest.raises(pixelmeter.NoCredentials, match="OTHER_KEY"):
        in_meter(ask, endpoint(direct, api_key_env="OTHER_KEY"))


def test_who_gives_up_waiting_breaks_off_and_it_is_recorded(
    desk: Any, direct: Any
) -> None:
    direct.serves_in(5)

    async def ask(meter: Meter) -> str:
        try:
            async with asyncio.timeout(1):
                await meter.generate("A red kite", **ASKED)
        except TimeoutError:
            return "given up"
        return "answered"

    said, run_id = in_meter(ask, endpoint(direct))
    assert said == "given up"
    shown = status(desk, run_id)
    assert shown["state"] == "finished"
    assert shown["trials"]["possibly_billed"] == 1
    assert Decimal(shown["possibly_billed_usd"]) > 0
    assert [r["outcome"] for r in desk.records("outcome")] == ["cancelled"]


def test_a_program_that_fails_leaves_an_interrupted_run(desk: Any, direct: Any) -> None:
    async def ask(meter: Meter) -> None:
        await meter.generate("A red kite", **ASKED)
        raise KeyError("a mistake of the program")

    with pytest.raises(KeyError):
        in_meter(ask, endpoint(direct))
    shown = status(desk, "latest")
    assert (shown["state"], shown["stopped_by"]) == ("interrupted", "user")
    assert shown["trials"]["done"] == 1
    assert "KeyError" in desk.records("end")[0]["reason"]


def test_who_is_cancelled_while_the_meter_ends_loses_no_answer_that_has_come(
    desk: Any, direct: Any
) -> None:
    async def program() -> None:
        async with Meter(endpoint(direct)) as meter:
            await meter.generate("A red kite", **ASKED)
            checker = meter._opened.calls.bracket._examiner._checkers._all[0]
            assert checker._child is not None
            # Stopped, it holds up the next answer where it is looked at.
            child = checker._child.pid
            os.kill(child, signal.SIGSTOP)
            asked = asyncio.ensure_future(meter.generate("A blue kite", **ASKED))
            await asyncio.to_thread(desk.until, lambda: len(direct.posts) == 2, "two")
            while not checker._turn.locked():  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0.01)
            ours = asyncio.current_task()
            assert ours is not None
            asyncio.get_running_loop().call_later(0.1, ours.cancel)
            asyncio.get_running_loop().call_later(0.3, os.kill, child, signal.SIGCONT)
        await asked

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(program())
    assert [r["outcome"] for r in desk.records("outcome")] == ["ok", "ok"]
    assert [r["state"] for r in desk.records("end")] == ["interrupted"]


def test_a_killed_program_leaves_its_calls_possibly_billed(
    desk: Any, direct: Any
) -> None:
    direct.serves_in(8)
    program = f"""
import asyncio
from pixelmeter import Endpoint, Meter
there = Endpoint(name="direct", base_url={direct.url!r}, api_key_env="PX_KEY",
                 route="direct", prices="openai")
async def main():
    async with Meter(there) as meter:
        await asyncio.gather(*(meter.generate(f"Picture {{i}}", quality="low",
                               size="1024x1024") for i in range(4)))
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], env={**os.environ}) as child:
        desk.until(lambda: direct.in_flight == 4, "four requests in work")
        child.kill()
    shown = status(desk, "latest")
    assert shown["state"] == "interrupted"
    assert shown["trials"]["possibly_billed"] == 4
    resumed = desk.pixelmeter("resume", "latest")
    assert resumed.code == 2
    assert "decides itself what it asks" in resumed.err


def test_a_callback_is_told_which_request_each_answer_is_of(
    desk: Any, direct: Any
) -> None:
    told: list[tuple[str, str]] = []

    def take(answer: Answer) -> None:
        told.append((answer.prompt_id, answer.outcome))

    async def ask() -> None:
        async with Meter(endpoint(direct), on_answer=take) as meter:
            asked = [
                meter.generate(f"A kite, number {i}", prompt_id=f"kite-{i}", **ASKED)
                for i in range(3)
            ]
            await asyncio.gather(*asked)

    asyncio.run(ask())
    assert sorted(told) == [("kite-0", "ok"), ("kite-1", "ok"), ("kite-2", "ok")]
    assert status(desk, "latest")["trials"]["done"] == len(told)


def test_the_twin_without_asyncio_gives_the_same(desk: Any, direct: Any) -> None:
    told: list[Answer] = []
    with SyncMeter(endpoint(direct), on_answer=told.append) as meter:
        answer = meter.generate("A red kite", **ASKED)
        assert meter.charge_usd == answer.charge_usd == direct.total_usd
        run_id = meter.run_id
    assert told == [answer]
    assert answer.image.content.startswith(b"\x89PNG")
    assert status(desk, run_id)["state"] == "finished"


def test_ctrl_c_while_the_twin_ends_loses_no_answer_that_has_come(
    desk: Any, direct: Any
) -> None:
    program = f"""
import os, signal, threading, time
from contextlib import suppress
from pixelmeter import Endpoint, SyncMeter
there = Endpoint(name="direct", base_url={direct.url!r}, api_key_env="PX_KEY",
                 route="direct", prices="openai")
asked = dict(model="gpt-image-2", quality="low", size="1024x1024")
def ask():
    with suppress(BaseException):
        meter.generate("A blue kite", **asked)
with SyncMeter(there) as meter:
    meter.generate("A red kite", **asked)
    checker = meter._meter._opened.calls.bracket._examiner._checkers._all[0]
    child = checker._child
    os.kill(child.pid, signal.SIGSTOP)
    threading.Thread(target=ask).start()
    while not checker._turn.locked():
        time.sleep(0.01)
    def stop():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)
        if child.is_there:
            os.kill(child.pid, signal.SIGCONT)
    threading.Timer(0.3, stop).start()
"""
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert ended.stderr.endswith(b"KeyboardInterrupt\n")
    assert [r["outcome"] for r in desk.records("outcome")] == ["ok", "ok"]
    assert [r["state"] for r in desk.records("end")] == ["interrupted"]


def test_endpoints_come_from_a_file_by_name(desk: Any, direct: Any) -> None:
    desk.endpoint(direct.url)
    with SyncMeter("direct", endpoints_file=desk.endpoints) as meter:
        assert meter.generate("A red kite", **ASKED).endpoint == "direct"
    with (
        pytest.raises(BadInput, match="elsewhere"),
        SyncMeter("elsewhere", endpoints_file=desk.endpoints),
    ):
        pass


def test_a_data_folder_that_is_a_file_is_told(desk: Any, direct: Any) -> None:
    (desk.folder / "file").write_text("")
    with (
        pytest.raises(pixelmeter.StorageFailed, match="can't be made"),
        SyncMeter(endpoint(direct), data=desk.folder / "file" / "data"),
    ):
        pass


def test_a_closed_meter_says_how_it_is_used(direct: Any) -> None:
    meter = SyncMeter(endpoint(direct))
    with meter:
        pass
    with pytest.raises(BadInput, match="async with"):
        _ = meter.run_id


def test_the_example_of_the_docstring_runs(desk: Any, direct: Any) -> None:
    desk.data.mkdir()
    desk.endpoint(direct.url, name="openai")
    desk.endpoints.rename(desk.data / "endpoints.yaml")
    for twin, runner in ((Meter, "asyncio.run(main())"), (SyncMeter, "main()")):
        doc = (twin.__doc__ or "").partition("Example:\n")[2]
        lines = [line.removeprefix("    ") for line in doc.rstrip().splitlines()]
        start = "async def main():" if twin is Meter else "def main():"
        imports = "import asyncio\nfrom pixelmeter import Meter, SyncMeter"
        program = "\n".join([imports, start, *lines, runner])
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=desk.folder,
            env={**os.environ},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        path, charge, service_s = (*done.stdout.split(), "1")[:3]
        assert Path(path).is_file()
        assert Decimal(charge) > 0
        assert float(service_s) > 0


def test_importing_the_face_loads_nothing_heavy() -> None:
    code = "import sys, pixelmeter; print('openai' in sys.modules)"
    out = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert out.strip() == "False"


def test_a_refusal_does_not_lose_the_rates_of_what_comes_after(
    desk: Any, direct: Any
) -> None:
    newer = {**ASKED, "model": "gpt-image-2.5-flare"}

    async def ask(meter: Meter) -> Answer:
        await meter.generate("A red kite", prompt_id="one", **ASKED)
        with pytest.raises(BadInput, match="another text"):
            await meter.generate("A blue kite", prompt_id="one", **newer)
        return await meter.generate("A green kite", **newer)

    answer, _ = in_meter(ask, endpoint(direct))
    assert answer.charge_usd
    assert [r["model"] for r in desk.records("card")] == [
        "gpt-image-2",
        "gpt-image-2.5-flare",
    ]


@pytest.mark.parametrize("is_limited_by_answer", [False, True])
def test_who_gives_up_waiting_for_a_limit_does_not_hold_up_the_end(
    desk: Any, direct: Any, *, is_limited_by_answer: bool
) -> None:
    if is_limited_by_answer:
        direct.fault("rate_limited", retry_after_s=200)

    async def ask(meter: Meter) -> None:
        first = asyncio.create_task(meter.generate("A red kite", **ASKED))
        await asyncio.to_thread(desk.until, lambda: desk.records("outcome"), "outcome")
        second = asyncio.create_task(meter.generate("A blue kite", **ASKED))
        await asyncio.sleep(0.3)
        for task in (first, second):
            task.cancel()
        await asyncio.gather(first, second, return_exceptions=True)

    async def program() -> None:
        async with asyncio.timeout(30), Meter(endpoint(direct), rate_rpm=1) as meter:
            await ask(meter)

    asyncio.run(program())
    assert status(desk, "latest")["state"] == "finished"
    assert len(direct.posts) == 1


def test_a_meter_may_be_entered_again_but_not_twice_at_once(direct: Any) -> None:
    meter = SyncMeter(endpoint(direct))
    names: list[str] = []
    for _ in range(2):
        with meter:
            assert meter.generate("A red kite", **ASKED).ok
            names.append(meter.run_id)
            with pytest.raises(BadInput, match="open"):
                meter.__enter__()
    assert len(set(names)) == 2


@pytest.mark.parametrize("wish", ["concurrency", "rate_rpm"])
def test_a_limit_below_one_is_refused(wish: str) -> None:
    with pytest.raises(BadInput, match=f"{wish}: 0 should be 1 or more"):
        Meter(**{wish: 0})  # type: ignore[arg-type]

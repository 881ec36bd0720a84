"""The emulator's profile and limits, set while it runs."""

from typing import Any

import pytest

CALM = {
    "time_scale": 0.0,
    "service_time": None,
    "limits": {"requests_per_minute": None, "images_per_minute": None},
    "overhead_s": 0.0,
    "price_factor": "1",
    "answer_bytes": None,
    "partials_share": 1.0,
    "stream_done": False,
    "tool_usage": "reported",
    "answers_url": False,
    "ignores_options": False,
}


def test_any_part_of_the_profile_can_be_set_and_the_rest_stays(emulator: Any) -> None:
    assert emulator.read("profile") == CALM
    emulator.put("profile", {"overhead_s": 0.1})
    emulator.put("profile", {"limits": {"requests_per_minute": 50}})
    emulator.put("profile", {"service_time": {"median_s": 8, "sigma": 0.35}})
    chosen = {"distribution": "lognormal", "median_s": 8.0, "sigma": 0.35}
    assert emulator.read("profile") == {
        **CALM,
        "overhead_s": 0.1,
        "limits": {"requests_per_minute": 50, "images_per_minute": None},
        "service_time": chosen,
    }


def test_the_example_of_the_design_is_taken_as_it_stands(emulator: Any) -> None:
    document = {
        "time_scale": 0.05,
        "service_time": {"distribution": "lognormal", "median_s": 8, "sigma": 0.35},
        "limits": {"requests_per_minute": 50, "images_per_minute": None},
        "overhead_s": 0.1,
        "price_factor": "0.5",
    }
    answer = emulator.put("profile", document)
    assert answer.status_code == 200
    assert {**CALM, **document} == answer.json()


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ({"speed": 1}, "speed"),
        ({"time_scale": -1}, "time_scale"),
        ({"time_scale": "1"}, "time_scale"),
        ({"time_scale": True}, "time_scale"),
        ({"time_scale": None}, "time_scale"),
        ({"overhead_s": -0.1}, "overhead_s"),
        ({"answer_bytes": 0}, "answer_bytes"),
        ({"answer_bytes": 1.5}, "answer_bytes"),
        ({"answer_bytes": 10**9}, "answer_bytes"),
        ({"partials_share": 1.5}, "partials_share"),
        ({"stream_done": 1}, "stream_done"),
        ({"tool_usage": "some"}, "tool_usage"),
        ({"price_factor": 0.5}, "price_factor"),
        ({"price_factor": "half"}, "price_factor"),
        ({"price_factor": "-1"}, "price_factor"),
        ({"price_factor": "NaN"}, "price_factor"),
        ({"limits": {"requests": 5}}, "requests"),
        ({"limits": {"requests_per_minute": 0}}, "requests_per_minute"),
        ({"limits": {"images_per_minute": 1.5}}, "images_per_minute"),
        ({"service_time": {"distribution": "cauchy"}}, "cauchy"),
        ({"service_time": {"mean_s": 1}}, "mean_s"),
        ({"service_time": {"median_s": -1}}, "median_s"),
        ([], "profile"),
    ],
)
def test_a_bad_profile_is_refused_and_changes_nothing(
    emulator: Any, part: Any, named: Any
) -> None:
    answer = emulator.put("profile", part)
    assert answer.status_code == 400
    assert named in answer.json()["error"]["message"]
    assert emulator.read("profile") == CALM


def test_a_document_that_is_no_json_is_refused(emulator: Any) -> None:
    url = emulator._control("profile")
    assert emulator.http.put(url, content=b"{").status_code == 400


def test_requests_beyond_the_limit_are_told_how_long_to_wait(emulator: Any) -> None:
    emulator.put("profile", {"limits": {"requests_per_minute": 2}})
    seen = [emulator.generate() for _ in range(3)]
    assert [answer.status_code for answer in seen] == [200, 200, 429]
    error = seen[-1].json()["error"]
    wait = seen[-1].headers["retry-after"]
    assert 1 <= int(wait) <= 60
    assert f"try again in {wait}s" in error["message"]
    assert (error["type"], error["code"]) == ("requests", "rate_limit_exceeded")
    entry = emulator.ledger()[-1]
    assert (entry["status"], entry["billed"]) == (429, False)


def test_images_are_limited_apart_from_requests(emulator: Any) -> None:
    emulator.put("profile", {"limits": {"images_per_minute": 3}})
    assert emulator.generate(n=2).status_code == 200
    refused = emulator.generate(n=2)
    assert refused.status_code == 429
    assert refused.json()["error"]["type"] == "images"
    assert emulator.generate(n=1).status_code == 200
    never = emulator.generate(n=4)
    assert (never.status_code, "retry-after" in never.headers) == (429, False)


def test_refused_requests_do_not_use_up_the_limit(emulator: Any) -> None:
    emulator.put("profile", {"limits": {"requests_per_minute": 1}})
    assert emulator.generate(quality="ultra").status_code == 400
    assert emulator.generate().status_code == 200


def test_a_price_factor_scales_the_price_and_not_the_list_price(emulator: Any) -> None:
    emulator.put("profile", {"price_factor": "0.5"})
    emulator.generate()
    entry = emulator.ledger()[-1]
    assert (entry["price_usd"], entry["list_usd"]) == ("0.0029475", "0.005895")


def test_overhead_adds_to_the_time(emulator: Any) -> None:
    constant = {"distribution": "constant", "median_s": 0}
    profile = {"time_scale": 0.1, "overhead_s": 3, "service_time": constant}
    emulator.put("profile", profile)
    emulator.generate()
    entry = emulator.ledger()[-1]
    assert entry["first_byte_ns"] - entry["received_ns"] >= 0.3e9

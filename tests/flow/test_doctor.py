"""Doctor: what stands in the way of a run is said before it costs money."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.checkup.prices import check_book, check_suites
from bench.checkup.program import fits
from bench.endpoint import Endpoint, Route
from pricing.book import shipped_book
from tests.canned import answering

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Desk, Double, Ended

MODEL = "gpt-image-2"
MODELS = {"object": "list", "data": [{"id": MODEL}]}
# Whether that is long ago hangs on the day of the test.
PRICES_CHECKED = "the oldest rate in use was checked on "
# A machine of its own may be slow; a hang is what must not be.
TOGETHER_S = 10.0


def answers_of(desk: Desk, *answers: tuple[int, bytes | str, dict[str, str]]) -> Ended:
    """One checkup of as many endpoints as answers: `e0`, `e1` and so on."""
    with ExitStack() as stack:
        for number, (status, body, headers) in enumerate(answers):
            server = stack.enter_context(answering(status, body, **headers))
            if not number:
                desk.endpoint(server.url, name="e0")
            else:
                desk.another_endpoint(server.url, name=f"e{number}")
        return doctor(desk)


def doctor(desk: Desk, *options: object, **variables: str) -> Ended:
    arguments = ("--endpoints", desk.endpoints, "--json", *options)
    return desk.pixelmeter("doctor", *arguments, **variables)


def checks(ended: Ended, name: str) -> list[tuple[str, str]]:
    """Status and sentence of all checks of a name."""
    answer = ended.answer
    assert answer["schema"] == "pixelmeter.doctor/1"
    for check in answer["checks"]:
        assert set(check) == {"name", "status", "sentence"}
        assert check["sentence"].isprintable()
    statuses = [check["status"] for check in answer["checks"]]
    assert answer["problems"] == statuses.count("problem")
    assert answer["warnings"] == statuses.count("warning")
    assert (ended.code == 0) == (answer["problems"] == 0)
    return [(c["status"], c["sentence"]) for c in answer["checks"] if c["name"] == name]


def of_endpoint(ended: Ended) -> tuple[str, str]:
    (found,) = checks(ended, "endpoint direct")
    return found


def test_a_good_set_up_is_told_line_by_line_and_costs_nothing(
    desk: Desk, direct: Double
) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    ended = desk.pixelmeter("doctor", "--endpoints", desk.endpoints)
    assert (ended.code, ended.err) == (0, "")
    *lines, last = ended.out.splitlines()
    assert last.startswith("Nothing stands in the way of a run")
    names = [line.split(maxsplit=1)[1].partition(":")[0] for line in lines]
    odd = [line for line in lines if not line.startswith("ok  ")]
    assert not [line for line in odd if PRICES_CHECKED not in line]
    for name in ("python", "libraries", "data folder", "disk", "clock", "prices"):
        assert name in names
    assert f"endpoint direct: {direct.url}/models: answered in " in ended.out
    assert "gpt-image-2" in ended.out
    assert "agrees with direct" in ended.out
    assert direct.posts == []
    assert direct.total_usd == 0
    assert not desk.data.exists()


def test_the_free_request_is_one_and_carries_the_key_once(desk: Desk) -> None:
    with answering(200, MODELS) as server:
        desk.endpoint(server.url)
        assert doctor(desk, OPENAI_ORG_ID="org-1").code == 0
    ((path, headers),) = server.asked
    assert path == "/v1/models"
    assert headers["authorization"] == f"Bearer {desk.key}"
    assert headers["openai-organization"] == "org-1"


def test_a_gateway_is_not_told_the_organisation(desk: Desk) -> None:
    with answering(200, MODELS) as server:
        desk.endpoint(server.url, route="gateway")
        doctor(desk, OPENAI_ORG_ID="org-1")
    assert "openai-organization" not in server.asked[0][1]


@pytest.mark.parametrize(
    ("key", "said"), [("", "PX_KEY is not set"), ("two words", "white space")]
)
def test_a_key_that_is_missing_or_torn_is_3_and_nothing_is_sent(
    desk: Desk, key: str, said: str
) -> None:
    with answering(200, MODELS) as server:
        desk.endpoint(server.url)
        ended = doctor(desk, PX_KEY=key)
    assert ended.code == 3
    ((status, sentence),) = checks(ended, "key of direct")
    assert (status, said in sentence) == ("problem", True)
    assert "two words" not in ended.out
    assert server.asked == []


ON_MODELS = {"path": "/v1/models"}


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("unauthorized", "the key is refused; set PX_KEY again"),
        ("org_unverified", "the organisation is not verified"),
    ],
)
def test_a_key_that_the_service_refuses_is_3(
    desk: Desk, direct: Double, scenario: str, words: str
) -> None:
    desk.endpoint(direct.url)
    direct.fault(scenario, when=ON_MODELS)
    ended = doctor(desk)
    status, sentence = of_endpoint(ended)
    assert (ended.code, status, words in sentence) == (3, "problem", True), sentence
    assert f"{direct.url}/models: " in sentence


def test_doctor_says_what_the_suite_of_an_unverified_organisation_promises(
    desk: Desk, start_double: Callable[..., Double]
) -> None:
    faults = Path(__file__).parents[2] / "data/suites/unverified-faults.json"
    desk.endpoint(start_double("--faults", str(faults)).url)
    ended = doctor(desk)
    status, sentence = of_endpoint(ended)
    assert (ended.code, status) == (3, "problem")
    assert "the organisation is not verified" in sentence
    assert "None" not in sentence


PAGE = "<!doctype html><title>Sign in</title>"
SCOPES = '{"error": {"message": "Missing scopes: api.model.read"}}'
QUOTA = '{"error": {"message": "You exceeded your current quota"}}'
REFUSALS: tuple[tuple[int, str, str, str], ...] = (
    (403, SCOPES, "warning", "may not list models"),
    (404, "{}", "warning", "lists no models"),
    (405, PAGE, "warning", "lists no models"),
    (429, QUOTA, "warning", "no credit"),
    (402, "", "warning", "no credit"),
    (503, PAGE, "problem", "HTTP 503, a web page: the endpoint fails"),
    (200, PAGE, "problem", "a web page: that is no API"),
    (200, '{"data": [', "warning", "no list of models"),
)


def test_what_an_endpoint_refuses_is_said_with_its_cure(desk: Desk) -> None:
    ended = answers_of(desk, *((status, body, {}) for status, body, *_ in REFUSALS))
    assert ended.code == 2
    for number, (_, _, status, words) in enumerate(REFUSALS):
        ((found, sentence),) = checks(ended, f"endpoint e{number}")
        assert (found, words in sentence) == (status, True), sentence


def test_an_endpoint_that_hangs_up_is_told(desk: Desk, direct: Double) -> None:
    desk.endpoint(direct.url)
    direct.fault("overloaded", when=ON_MODELS)
    status, sentence = of_endpoint(doctor(desk))
    assert (status, "HTTP 503" in sentence) == ("problem", True)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.recv(100_000)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        desk.endpoint(f"http://127.0.0.1:{server.getsockname()[1]}/v1")
        status, sentence = of_endpoint(doctor(desk))
        thread.join()
    assert (status, "broke off the connection" in sentence) == ("problem", True)


def test_a_missing_v1_is_guessed(desk: Desk, direct: Double) -> None:
    desk.endpoint(direct.url.removesuffix("/v1"))
    ended = doctor(desk)
    assert ended.code == 2
    status, sentence = of_endpoint(ended)
    assert (status, "end in /v1?" in sentence) == ("problem", True)


def test_a_redirect_is_not_followed_and_the_key_stays(desk: Desk) -> None:
    with answering(200, MODELS) as other:
        to = f"{other.url}/models\x1b[31m"
        with answering(308, "", location=to) as server:
            desk.endpoint(server.url)
            ended = doctor(desk)
    status, sentence = of_endpoint(ended)
    assert (status, other.url in sentence) == ("problem", True)
    assert other.asked == []


HOSTILE = (
    "no such key: {key}",
    "no such key: {base64}",
    "no such key: sk-ca********4e84b06",
    "\x1b]0;title\x07\x9b31m \u202ereversed\r\nproblem  forged: line",
    "a" * 3000 + "{key}",
)


def test_hostile_text_of_a_server_is_one_short_line_without_the_key(
    desk: Desk,
) -> None:
    coded = base64.b64encode(desk.key.encode()).decode()
    texts = [t.replace("{key}", desk.key).replace("{base64}", coded) for t in HOSTILE]
    bodies = [json.dumps({"error": {"message": text}}) for text in texts]
    ended = answers_of(desk, *((401, body, {}) for body in bodies))
    assert ended.code == 3
    for secret in (desk.key, coded.rstrip("="), "4e84b06"):
        assert secret not in ended.out
    for number in range(len(HOSTILE)):
        ((status, sentence),) = checks(ended, f"endpoint e{number}")
        assert status == "problem"
        assert len(sentence) < 300


ODD: tuple[tuple[bytes, dict[str, str]], ...] = (
    (json.dumps(MODELS).encode(), {"date": "Mon, 99 Foo 99999 99:99:99 GMT"}),
    (b"[1, 2]", {}),
    (b'{"data": "many"}', {}),
    (b"\x1f\x8b\x08\x00 no gzip", {"content_encoding": "gzip"}),
    (b"[" * 100_000, {}),
    (b"", {}),
    (b"x" * 3_000_000, {}),
)


def test_an_odd_list_of_models_breaks_nothing(desk: Desk) -> None:
    ended = answers_of(desk, *((200, body, headers) for body, headers in ODD))
    assert ended.code == 0
    found = [checks(ended, f"endpoint e{n}")[0][0] for n in range(len(ODD))]
    assert found == ["ok", *["warning"] * (len(ODD) - 1)]


def test_a_clock_that_is_off_is_a_warning(desk: Desk) -> None:
    dates = [formatdate(time.time() + off, usegmt=True) for off in (-3600, 90)]
    models = json.dumps(MODELS)
    ended = answers_of(desk, *((200, models, {"date": date}) for date in dates))
    found = checks(ended, "system clock")
    assert (ended.code, [status for status, _ in found]) == (0, ["warning"] * 2)
    assert "ahead of what endpoint e0 says" in found[0][1]
    assert "behind what endpoint e1 says" in found[1][1]


def test_silent_and_absent_endpoints_are_all_told_soon(
    desk: Desk, direct: Double
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        addresses = {
            "silent": f"http://127.0.0.1:{silent.getsockname()[1]}/v1",
            "tls": f"https://127.0.0.1:{silent.getsockname()[1]}/v1",
            "plain": direct.url.replace("http:", "https:"),
            "closed": f"http://127.0.0.1:{closed.getsockname()[1]}/v1",
            "nowhere": "https://no-such-host.invalid/v1",
        }
        desk.endpoint(direct.url)
        for name, url in addresses.items():
            desk.another_endpoint(url, name=name)
        begun_s = time.monotonic()
        ended = doctor(desk)
        took_s = time.monotonic() - begun_s
    assert ended.code == 2
    # The program's own start and the other checks are not the endpoints' doing.
    assert took_s < TOGETHER_S + 5
    words = {
        "silent": "gives no answer within",
        "tls": "TLS",
        "plain": "TLS",
        "closed": "connection refused",
        "nowhere": "no-such-host.invalid",
    }
    for name, part in words.items():
        ((status, sentence),) = checks(ended, f"endpoint {name}")
        assert (status, part in sentence) == ("problem", True), sentence
    assert of_endpoint(ended)[0] == "ok"


def test_only_the_endpoints_that_are_named_are_looked_at(
    desk: Desk, direct: Double, gateway: Double
) -> None:
    desk.two_endpoints(direct, gateway)
    gateway.fault("unauthorized", when=ON_MODELS)
    assert doctor(desk, "--endpoint", "direct").code == 0
    assert doctor(desk).code == 3
    unknown = doctor(desk, "--endpoint", "nobody")
    assert unknown.code == 2
    ((status, sentence),) = checks(unknown, "endpoints file")
    assert (status, "--endpoint nobody" in sentence) == ("problem", True)


def test_an_endpoints_file_in_the_guides_form_is_looked_at(
    desk: Desk, direct: Double
) -> None:
    service = {"base_url": direct.url, "api_key_env": "PX_KEY"}
    desk.endpoints.write_text(json.dumps({"service": service, "default": {}}))
    assert doctor(desk).code == 2
    ended = doctor(desk, "--route", "direct", "--prices", "openai")
    ((status, _),) = checks(ended, "endpoint 127.0.0.1")
    assert (ended.code, status) == (0, "ok")


def test_a_bad_endpoints_file_is_a_problem_and_a_missing_one_a_warning(
    desk: Desk,
) -> None:
    missing = desk.pixelmeter("doctor", "--json")
    ((status, sentence),) = checks(missing, "endpoints file")
    assert (missing.code, status) == (0, "warning")
    assert "pixelmeter init" in sentence
    desk.endpoints.write_text("endpoints: [{name: direct}]")
    near = desk.pixelmeter("doctor", "--json")
    assert "--endpoints endpoints.yaml" in checks(near, "endpoints file")[0][1]
    bad = doctor(desk)
    ((status, sentence),) = checks(bad, "endpoints file")
    assert (bad.code, status) == (2, "problem")
    assert f"{desk.endpoints}: key 'endpoints.0.base_url' is missing" in sentence


def test_an_env_file_that_others_can_read_is_told(desk: Desk, direct: Double) -> None:
    env = desk.folder / ".env"
    env.write_text(f"OTHER_KEY={desk.key}\n")
    desk.endpoint(direct.url, api_key_env="OTHER_KEY")
    for mode, status, code in ((0o644, "warning", 3), (0o600, "ok", 0)):
        env.chmod(mode)
        ended = doctor(desk)
        assert (checks(ended, ".env")[0][0], ended.code) == (status, code)
    env.unlink()


def test_a_suite_that_would_be_refused_is_told(desk: Desk, direct: Double) -> None:
    desk.endpoint(direct.url)
    desk.suite(axes={"model": ["gpt-image-2", "gpt-image-99"]})
    ((status, sentence),) = checks(doctor(desk), "suite")
    assert (status, "gpt-image-99" in sentence) == ("warning", True)
    desk.suite(axes={"modle": ["gpt-image-2"]})
    ((status, sentence),) = checks(doctor(desk), "suite")
    assert (status, "axes.modle" in sentence) == ("warning", True)
    desk.suite()
    with answering(200, '{"data": [{"id": "gpt-4o"}]}') as server:
        desk.endpoint(server.url)
        ((status, sentence),) = checks(doctor(desk), "suite")
    assert (status, "does not list model gpt-image-2" in sentence) == ("warning", True)


def test_a_model_near_its_end_and_a_text_model_without_a_price_are_told(
    tmp_path: Path,
) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(
        "{name: s, api: responses, prompts: [{id: a, text: A kite}], axes: {mainline_"
        "model: [gpt-4.1, gpt-99]}, fixed: {model: gpt-image-1.5, quality: low, "
        "output_format: svg, svg_model: gpt-98}}"
    )
    endpoint = Endpoint(
        name="direct",
        base_url="https://api.openai.com/v1",
        api_key_env="PX_KEY",
        route=Route.DIRECT,
        prices="openai",
    )
    listed = {"direct": frozenset({"gpt-image-1.5"})}
    day, book = date(2026, 11, 30), shipped_book()
    found = check_suites((path,), (endpoint,), listed, day, book)
    assert [check.status for check in found] == ["warning"] * 3
    assert "gpt-98" in found[0].sentence
    assert "gpt-99" in found[1].sentence
    end = "gpt-image-1.5 is shut down by its maker on 2026-12-01, in 1 day"
    assert found[2].sentence.startswith(f"{path}: {end}; ")


def test_prices_that_nobody_checked_for_a_quarter_of_a_year_are_a_warning() -> None:
    book, day = shipped_book(), date(2027, 3, 1)
    (card,) = (card for card in book.cards if card is book.card("openai", MODEL, day))
    alone = replace(book, cards=(card,))
    for n_days, status in ((0, "ok"), (90, "ok"), (91, "warning")):
        found = check_book(("openai",), card.checked_on + timedelta(n_days), alone)
        assert found.status == status
        assert found.sentence.startswith(PRICES_CHECKED)


def test_the_data_folder_is_looked_into_and_left_as_it_is(
    desk: Desk, direct: Double
) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    assert desk.run("--limit", 1).code == 0
    before = {path: path.stat().st_mtime_ns for path in desk.data.rglob("*")}
    ended = doctor(desk)
    odd = [c for c in ended.answer["checks"] if c["status"] != "ok"]
    assert not [check for check in odd if check["name"] != "prices"]
    assert ended.code == 0
    assert "1 run, current" in checks(ended, "index")[0][1]
    assert "nothing is left over" in checks(ended, "locks")[0][1]
    after = {path: path.stat().st_mtime_ns for path in desk.data.rglob("*")}
    assert after == before

    desk.data.chmod(0o755)
    assert checks(doctor(desk), "data folder")[0][0] == "ok"
    (desk.data / "runs").chmod(0o755)
    (desk.data / ".pixelmeter.duckdb.part-1").touch()
    (desk.latest / "journal" / "host-1-2.jsonl").write_bytes(b"")
    ended = doctor(desk)
    assert ended.code == 0
    assert "chmod 700" in checks(ended, "data folder")[0][1]
    assert "1 unfinished file of killed" in checks(ended, "locks")[0][1]
    assert "1 run, 1 changed since" in checks(ended, "index")[0][1]


def test_an_index_that_can_not_be_used_is_6(desk: Desk, direct: Double) -> None:
    desk.endpoint(direct.url)
    desk.data.mkdir(mode=0o700)
    (desk.data / "pixelmeter.duckdb").write_text("no database")
    ended = doctor(desk)
    ((status, sentence),) = checks(ended, "index")
    assert (ended.code, status) == (6, "problem")
    assert "ingest --rebuild" in sentence


def test_a_run_under_way_is_named_with_its_process(desk: Desk, direct: Double) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    direct.serves_in(20)
    process = desk.start(*desk.run_arguments())
    desk.until(lambda: direct.in_flight == 3, "no full flight")
    ended = doctor(desk)
    sentence = checks(ended, "locks")[0][1]
    assert f"{desk.latest.name} (process {process.pid})" in sentence
    process.kill()
    process.communicate()


@pytest.mark.parametrize("place", ["taken", "taken/below"])
def test_a_file_in_place_of_the_data_folder_is_6(desk: Desk, place: str) -> None:
    taken = desk.folder / "taken"
    taken.write_text("a file")
    ended = desk.pixelmeter("doctor", "--json", "--data", place)
    ((status, sentence),) = checks(ended, "data folder")
    assert (ended.code, status, str(taken) in sentence) == (6, "problem", True)


VERSIONS = (
    ("3.54.0", "<4,>=3.54", True),
    ("3.53.9", "<4,>=3.54", False),
    ("4.0.0rc1", "<4,>=3.54", False),
    ("13", ">=13", True),
    ("12.99.1", ">=13", False),
    ("1.0", "==1.0.0", True),
    ("1.0.1", "==1.0.0", False),
    ("0.30.0", "<0.30,>=0.29.2", False),
    ("2026.1.post1", "", True),
)


def test_a_version_is_held_against_its_bounds() -> None:
    for version, bounds, is_within in VERSIONS:
        assert fits(version, bounds) is is_within, (version, bounds)

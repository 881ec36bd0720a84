"""SVG: judged without being drawn; what could run or ask is no picture."""

import time
from typing import Any

import pytest

from bench.emulator.vectors import written
from bench.errors import BadInput
from bench.images.drawing import MOST_BYTES, MOST_DEPTH, read_svg
from bench.images.header import MARK, read_header
from bench.images.inspector import inspect
from bench.inputs.reading import opened_content

NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
DOT = "data:image/png;base64,AAAA"


def svg(inner: str = "", attributes: str = 'viewBox="0 0 64 48"') -> bytes:
    return f"<svg {NS} {attributes}>{inner}</svg>".encode()


def facts(content: bytes) -> dict[str, Any]:
    found, thumbnail = inspect(content, thumbnail=True)
    assert thumbnail == b""
    return found


def test_what_the_emulator_writes_is_an_svg_of_its_size_and_bears_its_mark() -> None:
    content = written(("Fish & <chips>",), 1024, 640, key="k", mark=MARK.decode())
    found = facts(content)
    assert (found["format"], found["problem"]) == ("svg", None)
    assert (found["width_px"], found["height_px"]) == (1024, 640)
    assert found["simulated"]
    header = read_header(content)
    assert (header.format, header.width_px, header.height_px) == ("svg", 1024, 640)
    assert header.simulated


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (svg(attributes='width="120" height="80px" viewBox="0 0 3 2"'), (120, 80)),
        (svg(attributes='width="100%" viewBox=" 0,0 , 64.4 48"'), (64, 48)),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n' + svg(), (64, 48)),
        (b'<!DOCTYPE svg PUBLIC "a" "http://www.w3.org/a.dtd">' + svg(), (64, 48)),
        (svg(f'<image href="{DOT}"/><use xlink:href="#a"/>'), (64, 48)),
        (svg('<rect fill="url(#g)" style="filter: url( \'#f\' )"/>'), (64, 48)),
        (svg(f"<style>rect {{fill: url({DOT})}}</style>"), (64, 48)),
        (svg("<metadata><a:m xmlns:a='urn:c2pa'>AAAA</a:m></metadata>"), (64, 48)),
    ],
)
def test_a_drawing_that_keeps_to_itself_is_usable(
    content: bytes, size: tuple[int, int]
) -> None:
    found = facts(content)
    assert (found["format"], found["problem"]) == ("svg", None)
    assert (found["width_px"], found["height_px"]) == size


HREF = "an SVG that refers to something outside"
STYLE = "an SVG whose style asks for more than itself"
OWN = "an SVG with entities of its own"
LAUGHS = b'<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>' + svg("&b;")
FILE = b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + svg("&a;")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (svg("<script>alert(1)</script>"), "an SVG that holds script"),
        (svg("<sCRipt/>"), "an SVG that holds script"),
        (svg("<x:script xmlns:x='http://www.w3.org/1999/xhtml'/>"), "holds script"),
        (svg("<b xmlns='http://www.w3.org/1999/xhtml'/>"), "an SVG that holds HTML"),
        (svg("<foreignObject/>"), "an SVG that holds foreignobject"),
        (svg(attributes='viewBox="0 0 1 1" onload="a()"'), "runs a script"),
        (svg('<image href="http://evil.example/a.png"/>'), HREF),
        (svg('<image xlink:href="//evil.example/a.png"/>'), HREF),
        (svg('<image href="data:image/svg+xml,&lt;svg/>"/>'), HREF),
        (svg('<a href="javascript:a()"/>'), HREF),
        (svg('<a href="&#106;avascript:a()"/>'), HREF),
        (svg('<g xml:base="http://evil.example/"/>'), HREF),
        (svg('<rect fill="url(http://evil.example/)"/>'), HREF),
        (svg("<rect style=\"fill:URL( 'http://evil.example/')\"/>"), HREF),
        (svg("<style>a{b:url(//evil.example)}</style>"), HREF),
        (svg("<style>@im<!-- -->port 'http://evil.example'</style>"), STYLE),
        (svg("<style>a{b:\\75 rl(http://evil.example)}</style>"), STYLE),
        (svg("<style>@\\69mport '//evil.example'</style>"), STYLE),
        (svg('<rect fill="\\75rl(//evil.example/a)"/>'), STYLE),
        (svg('<set attributeName="xlink:href" to="http://e"/>'), "its references"),
        (svg('<set attributeName=" href" to="http://e"/>'), "its references"),
        (svg('<set attributeName="onclick" to="a()"/>'), "its references"),
        (b'<?xml-stylesheet href="http://evil.example"?>' + svg(), HREF),
        (LAUGHS, OWN),
        (FILE, OWN),
        (b"<!DOCTYPE svg [<!ELEMENT svg ANY>]>" + svg(), OWN),
        (b'<!DOCTYPE svg SYSTEM "http://evil.example/a.dtd">' + svg("&a;"), OWN),
        (svg("<g>" * (MOST_DEPTH + 1)), "an SVG of too many parts"),
        (svg() + b" " * MOST_BYTES, f"an SVG of more than {MOST_BYTES:,} bytes"),
        (svg()[:-3], "can't be decoded"),
        (b'<?xml version="1.0" encoding="klingon"?>' + svg(), "can't be decoded"),
        (b"<svg viewBox='0 0 9 9'/>", "XML that is no SVG"),
        (b"<?xml version='1.0'?><html/>", "XML that is no SVG"),
        (svg(attributes='viewBox="0 0 0 9"'), "an SVG without a size"),
        (svg(attributes='viewBox="0 0 1e999 9"'), "an SVG without a size"),
    ],
)
def test_a_drawing_that_could_run_or_ask_is_unusable_and_kept_as_no_svg(
    content: bytes, problem: str
) -> None:
    found = facts(content)
    assert problem in found["problem"]
    # A browser runs what is called so, and nothing of what is called .bin.
    assert found["format"] is None


def test_a_style_of_many_blanks_takes_no_time() -> None:
    blanks = " " * 2_000_000
    assert read_svg(svg(f'<rect fill="url({blanks}#a)"/>')).problem is None


def test_many_beginnings_of_an_svg_take_no_longer_to_tell_than_one() -> None:
    def took_ns(content: bytes) -> int:
        since_ns = time.process_time_ns()
        assert read_header(content).format == "svg"
        return time.process_time_ns() - since_ns

    # Each is looked at no further than to where the next one begins.
    many, one = b"<svg " * 12_800, b"<svg " + b"<g id " * 10_000
    most_ns = 100 * max(100_000, *(took_ns(one) for _ in range(3)))
    assert min(took_ns(many) for _ in range(3)) < most_ns


def test_an_svg_can_not_be_sent_along() -> None:
    for content in (svg(), b"\n" + svg(), svg("<script/>")):
        with pytest.raises(BadInput, match="is an SVG, which no image model takes"):
            opened_content("a.svg", content)

"""Drawing: an SVG, judged as untrusted text and never drawn.

Read by a parser that knows no entities but XML's own, fetches nothing and keeps no
tree. Usable is what shows itself in a page without a script and without asking
anybody else: a well-formed `svg` with a size, no script, no entities of its own, and
no reference but to its own parts or to pictures of dots within it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

MOST_BYTES = 16_000_000
MOST_ELEMENTS = 200_000
MOST_DEPTH = 200
_SPACE = "http://www.w3.org/2000/svg"
# Between the namespace and the name of what the parser hands over.
_GAP = "\n"
_ROOT = f"{_SPACE}{_GAP}svg"
_MOST_EDGE = 1_000_000
_MARK_OF_ORDER = b"\xef\xbb\xbf"
# What runs, or shows what no SVG is.
_REFUSED = frozenset(
    {"script", "foreignobject", "iframe", "object", "embed", "handler"}
)
_REFERENCES = frozenset({"href", "src", "data", "action", "formaction"})
_WITHIN = re.compile(r"#|data:image/(?:png|jpeg|webp|gif)(?:;base64)?,", re.IGNORECASE)
_CALLED = re.compile(
    r"url\(\s*+[\"']?+\s*+(?!#|data:image/(?:png|jpeg|webp|gif)(?:;base64)?,)",
    re.IGNORECASE,
)
_STYLED = re.compile(
    r"@import|@font-face|@namespace|image-set\(|expression\(|javascript:", re.IGNORECASE
)
# Of which one stands in each style, and in each address.
_IN_STYLES = frozenset(":(@")
_LENGTH = re.compile(r"\s*\+?([0-9]{1,7}(?:\.[0-9]{1,9})?)(?:px)?\s*")
_GAPS = re.compile(r"[\s,]+")


class _Unusable(Exception):
    """Why it can't be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an SVG says of itself; `problem` is why it can't be used."""

    width_px: int | None = None
    height_px: int | None = None
    comments: tuple[str, ...] = ()
    problem: str | None = None


def is_svg(content: bytes) -> bool:
    """Whether some bytes begin as an SVG does, and as no picture of dots."""
    head = content[:4096].removeprefix(_MARK_OF_ORDER).lstrip()
    return head.startswith(b"<") and (head.startswith(b"<?xml") or b"<svg" in head)


def read_svg(content: bytes) -> Facts:
    """Judge the bytes of an SVG."""
    if len(content) > MOST_BYTES:
        return Facts(problem=f"an SVG of more than {MOST_BYTES:,} bytes")
    seen = _Seen()
    try:
        _parser(seen).Parse(content, True)  # noqa: FBT003  the parser's own
        width_px, height_px = seen.end_of_all()
    except _Unusable as error:
        return Facts(comments=tuple(seen.comments), problem=str(error))
    except (expat.ExpatError, ValueError, LookupError):
        return Facts(problem="can't be decoded (no well-formed SVG)")
    return Facts(width_px=width_px, height_px=height_px, comments=tuple(seen.comments))


def size_of(attributes: Mapping[str, str]) -> tuple[int, int] | None:
    """Edges in pixels by width and height, else by viewBox; None where neither says."""
    lengths = [_edge(attributes.get(name, "")) for name in ("width", "height")]
    if None in lengths:
        box = _GAPS.split(attributes.get("viewBox", "").strip())
        lengths = [_edge(part) for part in box[2:]] if len(box) == 4 else []  # noqa: PLR2004  x, y, width, height
    found = [edge for edge in lengths if edge is not None]
    return (found[0], found[1]) if len(found) == 2 else None  # noqa: PLR2004  two edges


def _edge(text: str) -> int | None:
    length = _LENGTH.fullmatch(text)
    edge = round(float(length[1])) if length else 0
    return edge if 1 <= edge <= _MOST_EDGE else None


@dataclass(slots=True)
class _Seen:
    """What the parser met so far."""

    size: tuple[int, int] | None = None
    n_elements: int = 0
    depth: int = 0
    comments: list[str] = field(default_factory=list[str])
    in_style: int = 0
    style: list[str] = field(default_factory=list[str])

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(_GAP)
        if not self.n_elements:
            if name != _ROOT:
                raise _Unusable("XML that is no SVG")
            self.size = size_of(attributes)
        self.n_elements += 1
        self.depth += 1
        if self.n_elements > MOST_ELEMENTS or self.depth > MOST_DEPTH:
            raise _Unusable("an SVG of too many parts")
        if local.lower() in _REFUSED:
            raise _Unusable(f"an SVG that holds {local.lower()[:20]}")
        if "xhtml" in space:
            raise _Unusable("an SVG that holds HTML")
        self.in_style += local.lower() == "style"
        for key, value in attributes.items():
            _check_attribute(key.rpartition(_GAP)[2].lower(), value)

    def end(self, name: str) -> None:
        self.depth -= 1
        if name.rpartition(_GAP)[2].lower() == "style":
            self.in_style -= 1

    def text(self, data: str) -> None:
        if self.in_style:
            self.style.append(data)

    def comment(self, data: str) -> None:
        if len(self.comments) < 100:  # noqa: PLR2004  our mark is one of the first
            self.comments.append(data[:200])

    def end_of_all(self) -> tuple[int, int]:
        _check_style("".join(self.style))
        if self.size is None:
            raise _Unusable("an SVG without a size (viewBox, or width and height)")
        return self.size


def _check_attribute(name: str, value: str) -> None:
    if name.startswith("on"):
        raise _Unusable("an SVG that runs a script")
    if name == "base":
        raise _Unusable("an SVG that refers to something outside")
    if name in _REFERENCES and not _WITHIN.match(value.strip()):
        raise _Unusable("an SVG that refers to something outside")
    if name == "attributename" and value.strip().lower().rpartition(":")[2].startswith(
        ("on", *_REFERENCES)
    ):
        # Animated, a reference becomes another one than was looked at.
        raise _Unusable("an SVG that changes its references")
    _check_style(value)


def _check_style(text: str) -> None:
    # An escape may spell any of the words that are looked for.
    if _CALLED.search(text):
        raise _Unusable("an SVG that refers to something outside")
    is_escaped = "\\" in text and not _IN_STYLES.isdisjoint(text)
    if is_escaped or _STYLED.search(text):
        raise _Unusable("an SVG whose style asks for more than itself")


def _parser(seen: _Seen) -> expat.XMLParserType:
    def refuse(*_: object) -> int:
        raise _Unusable("an SVG with entities of its own")

    def begin_type(_name: str, _system: object, _public: object, own: int) -> None:
        # The usual type names an address that nobody asks; what it adds is another.
        if own:
            refuse()

    def instruct(target: str, _data: str) -> None:
        if target.lower() == "xml-stylesheet":
            raise _Unusable("an SVG that refers to something outside")

    parser = expat.ParserCreate(namespace_separator=_GAP)
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartDoctypeDeclHandler = begin_type
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.SkippedEntityHandler = refuse
    parser.ProcessingInstructionHandler = instruct
    parser.StartElementHandler = seen.begin
    parser.EndElementHandler = seen.end
    parser.CharacterDataHandler = seen.text
    parser.CommentHandler = seen.comment
    parser.buffer_text = True
    return parser

"""Ready-made suites: each is planned as it stands, or refused with the cure."""

from pathlib import Path

import jsonschema
import pytest
import yaml
from PIL import Image, ImageChops

from bench.commands.choosing import planned
from bench.endpoint import read_endpoints
from bench.errors import BadInput
from bench.plan.build import Wishes
from bench.plan.forecast import forecast
from bench.suite import read_suite, suite_schema
from pricing.book import shipped_book
from tests.drawings import DRAWINGS, FOLDER, write

ROOT = Path(__file__).parents[2]
SUITES = ROOT / "data" / "suites"
GUIDES = SUITES / "guides"
FILES = [
    path
    for folder in (SUITES, GUIDES)
    for path in sorted(folder.glob("*.yaml"))
    if not path.name.startswith("endpoint")
]
# Shut down by their maker; asked of the emulator's legacy profile, by name of the file
# and whether it is one of the guides'.
GONE = {
    ("variations", False),
    *((name, True) for name in ("generate", "dall-e-3", "variation", "sizes")),
}
# Their model is shut down on 2026-12-01.
GOING = {("fidelity", False), ("logo-on-a-shirt", True)}
REFUSED = {
    "sizes": "it takes 1024x1024, 1024x1536, 1536x1024, auto",
    "tool-with-n": "leave it out, and set repeats",
    "mask-without-alpha": "pixelmeter mask IN OUT",
    "transparent-jpeg": "use png or webp",
}
# What each of them may cost at most; they are for trying things out.
MOST_USD = 1.5


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def _key(path: Path) -> tuple[str, bool]:
    return path.stem, path.parent == GUIDES


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_ready_made_suite_is_planned_or_refused_with_the_cure(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text()), suite_schema())
    is_guide = path.parent == GUIDES
    known = read_endpoints(SUITES / "endpoints.yaml")
    if path.stem == "defaults":
        known = read_endpoints(GUIDES / "service.json", "direct", "openai")
    at = known[1 if _key(path) in GONE | GOING else 0]
    if is_guide and path.stem in REFUSED:
        with pytest.raises(BadInput) as refusal:
            planned(path, (at,), Wishes(seed=1))
        assert REFUSED[path.stem] in str(refusal.value)
        return
    figures = forecast(planned(path, (at,), Wishes(seed=1)))
    assert 0 < figures.worst_case_usd < MOST_USD
    if _key(path) in GONE:
        with pytest.raises(BadInput, match="was shut down on"):
            planned(path, known[:1], Wishes(seed=1))


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_suite_is_asked_elsewhere_just_where_a_model_of_it_has_a_last_day(
    path: Path,
) -> None:
    variants, book = read_suite(path).variants, shipped_book()
    asked = {v.get(key) for v in variants for key in ("model", "mainline_model")}
    lives = [book.model("openai", str(name)) for name in asked - {None}]
    assert any(life.retired for life in lives) == (_key(path) in GONE | GOING)
    for life in lives:
        cards = [card for card in book.cards if card.model == life.name]
        assert any(card.valid_until is None for card in cards), life.name


@pytest.mark.parametrize(("name", "is_guide"), sorted(GONE | GOING))
def test_where_such_a_suite_is_asked_is_written_beside_its_name(
    name: str, *, is_guide: bool
) -> None:
    page = GUIDES / "README.md" if is_guide else ROOT / "docs" / "suites.md"
    (row,) = [x for x in page.read_text().splitlines() if f"`{name}.yaml`" in x]
    assert "legacy" in row


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("endpoint-generate", "should end before /images/generate"),
        ("endpoint-without-v1", "should be https://api.openai.com/v1"),
    ],
)
def test_the_guides_addresses_are_refused_with_the_cure(
    name: str, sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        read_endpoints(GUIDES / f"{name}.yaml")


def test_every_ready_made_suite_is_in_the_docs() -> None:
    said = (ROOT / "docs" / "suites.md").read_text()
    said += (GUIDES / "README.md").read_text() + (ROOT / "README.md").read_text()
    assert not [path.name for path in FILES if path.name not in said]


def test_the_pictures_of_the_suites_are_those_that_are_drawn(tmp_path: Path) -> None:
    write(tmp_path)
    for name in (*DRAWINGS, "room-mask.png"):
        with Image.open(tmp_path / name) as drawn, Image.open(FOLDER / name) as kept:
            assert drawn.size == kept.size
            apart = ImageChops.difference(drawn.convert("RGBA"), kept.convert("RGBA"))
            # Other versions of a JPEG library round otherwise.
            histograms = [band.histogram() for band in apart.split()]
            assert not any(sum(counts[5:]) for counts in histograms), name

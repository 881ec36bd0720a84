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
from bench.suite import suite_schema
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
LEGACY = {"variations", "generate", "dall-e-3", "variation"}
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


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_ready_made_suite_is_planned_or_refused_with_the_cure(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text()), suite_schema())
    is_guide = path.parent == GUIDES
    known = read_endpoints(SUITES / "endpoints.yaml")
    if path.stem == "defaults":
        known = read_endpoints(GUIDES / "service.json", "direct", "openai")
    is_old = path.stem in LEGACY and (is_guide or path.stem == "variations")
    at = known[1 if is_old or path.stem == "sizes" else 0]
    if is_guide and path.stem in REFUSED:
        with pytest.raises(BadInput) as refusal:
            planned(path, (at,), Wishes(seed=1))
        assert REFUSED[path.stem] in str(refusal.value)
        return
    figures = forecast(planned(path, (at,), Wishes(seed=1)))
    assert 0 < figures.worst_case_usd < MOST_USD
    if is_old:
        with pytest.raises(BadInput, match="was shut down on"):
            planned(path, known[:1], Wishes(seed=1))


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

"""Schemas: what editors check agrees with what we read."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bench.endpoint import endpoints_schema, read_endpoints
from bench.errors import BadInput
from bench.suite import read_suite, suite_schema

ROOT = Path(__file__).parents[2]
README_BLOCKS = re.findall(
    r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
)
SUITES = [
    (ROOT / "bench" / "starter" / "suite.yaml").read_text(),
    (ROOT / "data" / "suites" / "thirty.yaml").read_text(),
    README_BLOCKS[0],
]


def _without(key: str) -> dict[str, Any]:
    suite = yaml.safe_load(README_BLOCKS[0])
    del suite[key]
    return suite


@pytest.mark.parametrize("text", SUITES)
def test_the_published_schema_accepts_our_suites(text: str) -> None:
    jsonschema.validate(yaml.safe_load(text), suite_schema())


def test_the_published_schema_accepts_the_endpoints_of_the_readme() -> None:
    jsonschema.validate(yaml.safe_load(README_BLOCKS[1]), endpoints_schema())


@pytest.mark.parametrize(
    "suite",
    [
        _without("name"),
        _without("prompts"),
        {**yaml.safe_load(README_BLOCKS[0]), "repeats": 0},
        {**yaml.safe_load(README_BLOCKS[0]), "reapeats": 2},
        {**yaml.safe_load(README_BLOCKS[0]), "axes": {"modle": ["gpt-image-2"]}},
    ],
)
def test_schema_and_reader_refuse_the_same_suites(
    suite: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(suite, suite_schema())
    path = tmp_path / "suite.yaml"
    path.write_text(yaml.safe_dump(suite))
    with pytest.raises(BadInput):
        read_suite(path)


def test_the_files_of_the_readme_are_read_as_they_stand(tmp_path: Path) -> None:
    suite, endpoints = tmp_path / "suite.yaml", tmp_path / "endpoints.yaml"
    suite.write_text(README_BLOCKS[0])
    endpoints.write_text(README_BLOCKS[1])
    assert read_suite(suite).name == "starter"
    assert [e.name for e in read_endpoints(endpoints)] == ["openai", "halfprice"]


def test_the_thirty_prompts_are_thirty() -> None:
    suite = read_suite(ROOT / "data" / "suites" / "thirty.yaml")
    assert len(suite.prompts) == 30

"""Words for cells: whatever tells two of them apart is said."""

from typing import Any

from bench.words.variants import asked, beside_model, beside_variant
from dashboards.report.labels import asked_by_all, short_labels


def row(index: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "cell_index": index,
        "operation": "generate",
        "api": "images",
        "model": "gpt-image-2",
        "mainline_model": None,
        "parameters": '{"quality":"low","size":"1024x1024"}',
        **changes,
    }


TALK = row(
    1,
    operation="converse",
    api="responses",
    mainline_model="gpt-5.2",
    parameters={"quality": "low", "stream": True, "partial_images": 2},
)


def test_what_is_usual_goes_without_saying() -> None:
    assert asked(row()) == "gpt-image-2 low 1024x1024"
    assert beside_variant(row()) == ""


def test_operation_api_text_model_and_stream_are_said() -> None:
    said = "converse Responses API with gpt-5.2"
    assert beside_variant(TALK) == f"{said} streamed partial_images=2"
    assert asked(TALK) == f"gpt-image-2 {said} low streamed partial_images=2"
    assert beside_model(TALK) == f"{said} low streamed partial_images=2"


def test_labels_tell_cells_apart_by_what_varies_alone() -> None:
    by_tool = row(1, api="responses", mainline_model="gpt-5.2")
    assert short_labels([row(), by_tool]) == {
        0: "Image API",
        1: "Responses API with gpt-5.2",
    }
    assert asked_by_all([row(), by_tool]) == "gpt-image-2 low 1024x1024"
    edit = row(1, operation="edit")
    assert short_labels([row(), edit]) == {0: "generate", 1: "edit"}

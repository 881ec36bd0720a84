"""Rules file: token rules and bounds of models, read from plain data."""

from collections.abc import Mapping
from datetime import date

from pricing.errors import BadBook
from pricing.form import Form
from pricing.tokens import (
    Bounds,
    ModelRules,
    OutputGrid,
    OutputTable,
    PictureRule,
    SizeRule,
)
from pricing.variant import Size

_SIZE_KEYS = (
    *("multiple_px", "max_edge_px", "max_ratio"),
    *("min_area_px", "max_area_px", "cheapest", "dearest"),
)
_RULES_KEYS = (
    *("models", "partial_tokens", "fidelities"),
    *("output", "pictures", "bounds"),
)
_OUTPUT_KEYS = ("source", "assumed", "tokens", "grid")
_PICTURE_KEYS = (
    *("source", "valid_from", "fit_px", "short_px", "tile_px"),
    *("base_tokens", "tile_tokens", "high_square_tokens", "high_other_tokens"),
)
_BOUND_KEYS = (
    *("source", "picture_tokens"),
    *("output_text_tokens", "text_overhead_tokens"),
)


def read_rules(file: Form) -> tuple[ModelRules, ...]:
    """The rules of each model that the file's ``[[rules]]`` name."""
    if "rules" not in file:
        return ()
    sources = file.table("sources")
    checked_on = file.need(file.day, "checked_on")
    size_rule = _size_rule(file.raw("sizes"))
    result: list[ModelRules] = []
    for item in file.items("rules"):
        form = Form(item, "rules", _RULES_KEYS)
        result.extend(
            _model_rules(form, model, sources, checked_on, size_rule)
            for model in form.texts("models")
        )
    return tuple(result)


def _model_rules(
    form: Form,
    model: str,
    sources: Mapping[str, object],
    checked_on: date,
    size_rule: SizeRule,
) -> ModelRules:
    """The rules of one model."""
    where = f"rules of '{model}'"
    output = Form(form.raw("output"), f"{where}: output", _OUTPUT_KEYS)
    pictures = Form(form.table("pictures"), f"{where}: pictures", _PICTURE_KEYS)
    bounds = Form(form.raw("bounds"), f"{where}: bounds", _BOUND_KEYS)
    if "pictures" in form:
        _source(pictures, sources)
    return ModelRules(
        model=model,
        output=_output(output, size_rule),
        output_assumed=output.raw("assumed") is True,
        output_source=_source(output, sources),
        picture=_picture(pictures) if "pictures" in form else None,
        picture_from=pictures.day("valid_from"),
        fidelities=form.texts("fidelities"),
        partial_tokens=form.need(form.whole, "partial_tokens"),
        bounds=Bounds(
            picture_tokens=bounds.need(bounds.whole, "picture_tokens"),
            output_text_tokens=bounds.need(bounds.whole, "output_text_tokens"),
            text_overhead_tokens=bounds.need(bounds.whole, "text_overhead_tokens"),
            source=_source(bounds, sources),
            checked_on=checked_on,
        ),
    )


def _source(form: Form, sources: Mapping[str, object]) -> str:
    """The text of the source that a table names."""
    name = form.need(form.text, "source")
    if name not in sources:
        raise BadBook(f"{form.where}: source '{name}' is not in [sources]")
    return str(sources[name])


def _output(form: Form, size_rule: SizeRule) -> OutputTable | OutputGrid:
    """A table of fixed sizes, or a grid for free ones."""
    if "grid" in form:
        grid = Form(form.raw("grid"), f"{form.where}: grid")
        return OutputGrid(grid=_wholes(grid), size_rule=size_rule)
    tokens: dict[str, dict[Size, int]] = {}
    for quality, item in form.table("tokens").items():
        row = _wholes(Form(item, f"{form.where}: {quality}"))
        tokens[quality] = {Size.parse(size): count for size, count in row.items()}
    if not tokens or len({tuple(row) for row in tokens.values()}) > 1:
        raise BadBook(f"{form.where}: needs a grid, or tokens of the same sizes")
    return OutputTable(tokens=tokens)


def _wholes(form: Form) -> dict[str, int]:
    """A table of whole numbers."""
    return {name: form.need(form.whole, name) for name in form.names()}


def _picture(form: Form) -> PictureRule:
    """The rule for input pictures."""
    return PictureRule(
        fit_px=form.need(form.whole, "fit_px"),
        short_px=form.need(form.whole, "short_px"),
        tile_px=form.need(form.whole, "tile_px"),
        base_tokens=form.need(form.whole, "base_tokens"),
        tile_tokens=form.need(form.whole, "tile_tokens"),
        high_square_tokens=form.whole("high_square_tokens"),
        high_other_tokens=form.whole("high_other_tokens"),
    )


def _size_rule(value: object) -> SizeRule:
    """The rule for free sizes."""
    form = Form(value, "sizes", _SIZE_KEYS)
    return SizeRule(
        multiple_px=form.need(form.whole, "multiple_px"),
        max_edge_px=form.need(form.whole, "max_edge_px"),
        max_ratio=form.need(form.whole, "max_ratio"),
        min_area_px=form.need(form.whole, "min_area_px"),
        max_area_px=form.need(form.whole, "max_area_px"),
        cheapest=Size.parse(form.need(form.text, "cheapest")),
        dearest=Size.parse(form.need(form.text, "dearest")),
    )

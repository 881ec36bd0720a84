"""Asked: a price question, checked for form, not yet for its values."""

from collections.abc import Mapping
from dataclasses import dataclass

from pricing.errors import BadForm, BadQuestion
from pricing.form import Form

USAGE_KEYS = (
    *("input_text_tokens", "cached_text_tokens"),
    *("input_image_tokens", "cached_image_tokens"),
    *("output_image_tokens", "output_text_tokens"),
)
MAINLINE_KEYS = (
    *("input_tokens", "cached_tokens"),
    *("cache_write_tokens", "output_tokens"),
)
_KEYS = (
    *("id", "model", "provider", "as_of", "tier", "mode", "api"),
    *("usage", "quality", "size", "n", "partial_images", "input_images"),
    *("images", "flat_price", "requests", "multiplier", "scheme"),
    *("mainline", "tool_usage_image_gen", "svg_usage"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedImage:
    """An input picture as asked: edges in pixels, fidelity if given."""

    width: int
    height: int
    fidelity: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPart:
    """One model's part of a Responses call: its name and reported tokens."""

    model: str | None
    usage: Mapping[str, int | None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question of the right form; None is not given.

    Attributes:
        given: the keys that were given, in their order.
        scheme: as given, read by ``pricing.scheme``.
        svg_usage: what the model used that wrote a picture as SVG, beside the image
            tool; it is billed like a mainline model.
    """

    given: tuple[str, ...]
    id: str | int | None
    model: str | None
    provider: str
    as_of: str | None
    tier: str
    mode: str
    api: str
    usage: Mapping[str, int | None] | None
    quality: str | None
    size: str | None
    n: int
    partial_images: int
    input_images: tuple[AskedImage, ...] | None
    images: int
    flat_price: str | None
    requests: int
    multiplier: str | None
    scheme: object
    mainline: AskedPart | None
    tool_usage: AskedPart | None
    svg_usage: AskedPart | None


def read_question(value: object) -> Question:
    """Read plain data; an unknown key or a wrong type raises BadQuestion."""
    try:
        return _read(Form(value, "question", _KEYS))
    except BadForm as error:
        raise BadQuestion(str(error)) from error


def _read(form: Form) -> Question:
    """The question, its defaults filled in."""
    n, images, requests = form.whole("n"), form.whole("images"), form.whole("requests")
    return Question(
        given=tuple(key for key in form.names() if key in form),
        id=_id(form),
        model=form.text("model"),
        provider=form.text("provider") or "openai",
        as_of=form.text("as_of"),
        tier=form.text("tier") or "standard",
        mode=form.text("mode") or "usage",
        api=form.text("api") or "images",
        usage=_tokens(form, "usage", USAGE_KEYS),
        quality=form.text("quality"),
        size=form.text("size"),
        n=1 if n is None else n,
        partial_images=form.whole("partial_images") or 0,
        input_images=_input_images(form),
        images=1 if images is None else images,
        flat_price=form.text("flat_price"),
        requests=1 if requests is None else requests,
        multiplier=form.text("multiplier"),
        scheme=form.raw("scheme"),
        mainline=_part(form, "mainline", MAINLINE_KEYS),
        tool_usage=_part(form, "tool_usage_image_gen", USAGE_KEYS),
        svg_usage=_part(form, "svg_usage", MAINLINE_KEYS),
    )


def _id(form: Form) -> str | int | None:
    """The caller's name for the question: a text or a whole number."""
    value = form.raw("id")
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise form.wrong("id", "a text or a whole number")


def _tokens(
    form: Form, key: str, keys: tuple[str, ...]
) -> dict[str, int | None] | None:
    """Token counts by field; None when the whole is not given."""
    if key not in form:
        return None
    inner = Form(form.raw(key), f"{form.where}: {key}", keys)
    return {name: inner.whole(name) for name in keys}


def _part(form: Form, key: str, keys: tuple[str, ...]) -> AskedPart | None:
    """A model and its usage; None when not given."""
    if key not in form:
        return None
    inner = Form(form.raw(key), f"{form.where}: {key}", ("model", "usage"))
    return AskedPart(model=inner.text("model"), usage=_tokens(inner, "usage", keys))


def _input_images(form: Form) -> tuple[AskedImage, ...] | None:
    """The input pictures; None when not given, which is not the same as none."""
    if "input_images" not in form:
        return None
    result: list[AskedImage] = []
    for item in form.items("input_images"):
        where = f"{form.where}: input_images"
        inner = Form(item, where, ("width", "height", "fidelity"))
        image = AskedImage(
            width=inner.need(inner.whole, "width"),
            height=inner.need(inner.whole, "height"),
            fidelity=inner.text("fidelity"),
        )
        result.append(image)
    return tuple(result)

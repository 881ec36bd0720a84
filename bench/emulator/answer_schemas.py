"""Answer schemas: what comes back, closed against every other member."""

from bench.emulator.schemas import (
    INTEGER,
    TEXT,
    Schema,
    closed,
    file_upload,
    one_of,
    picture_source,
)

QUALITIES = ("low", "medium", "high", "xhigh", "max")


def components() -> Schema:
    """Return the schemas that more than one address uses."""
    return {
        "PictureSource": picture_source(),
        "ImagesResponse": _images_response(),
        "ImageStreamEvent": _stream_event(),
        "ErrorResponse": _error_response(),
        "File": _file(),
        "FileList": closed(
            {
                "object": one_of("list"),
                "data": {"type": "array", "items": _file()},
                "first_id": {"type": ["string", "null"]},
                "last_id": {"type": ["string", "null"]},
                "has_more": {"type": "boolean"},
            }
        ),
        "DeletedFile": closed(
            {"id": TEXT, "object": one_of("file"), "deleted": {"const": True}}
        ),
        "FileUpload": file_upload(),
        "Model": _model(),
        "ModelList": closed(
            {"object": one_of("list"), "data": {"type": "array", "items": _model()}}
        ),
    }


def _stream_event() -> Schema:
    """Return one event of a stream of the Images API, as its two lines say."""
    names = [f"image_{verb}" for verb in ("generation", "edit")]
    common = {
        "b64_json": TEXT,
        "created_at": INTEGER,
        "size": TEXT,
        "quality": one_of(*QUALITIES),
        "background": one_of("transparent", "opaque"),
        "output_format": one_of("png", "jpeg", "webp"),
    }
    # A partial picture may still say auto.
    open_yet = {
        "quality": one_of(*QUALITIES, "auto"),
        "background": one_of("transparent", "opaque", "auto"),
    }
    partials = [f"{name}.partial_image" for name in names]
    finals = [f"{name}.completed" for name in names]
    at = {"type": "integer", "minimum": 0, "maximum": 2}
    partial = closed(
        {
            "type": one_of(*partials),
            **common,
            **open_yet,
            "partial_image_index": at,
        }
    )
    final = closed(
        {
            "type": one_of(*finals),
            **common,
            "usage": usage(),
            "safety_identifier": TEXT,
        },
        "safety_identifier",
    )
    data = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"oneOf": [partial, final]},
    }
    return closed({"event": one_of(*partials, *finals), "data": data})


def _images_response() -> Schema:
    """Return the answer of a GPT image model, or of DALL-E (no usage, maybe URLs)."""
    row = closed({"b64_json": TEXT})
    drawn = closed(
        {
            "created": INTEGER,
            "background": one_of("transparent", "opaque"),
            "data": {"type": "array", "items": row, "minItems": 1, "maxItems": 10},
            "output_format": one_of("png", "jpeg", "webp", "gif", "svg"),
            "quality": one_of(*QUALITIES),
            "size": {"type": "string", "pattern": "^[0-9]+x[0-9]+$"},
            "usage": usage(),
            "safety_identifier": TEXT,
            "svg_usage": svg_usage(),
        },
        "safety_identifier",
        "svg_usage",
    )
    older_row = closed(
        {"b64_json": TEXT, "url": TEXT, "revised_prompt": TEXT},
        "b64_json",
        "url",
        "revised_prompt",
    )
    older_rows = {"type": "array", "items": older_row, "minItems": 1, "maxItems": 10}
    return {"oneOf": [drawn, closed({"created": INTEGER, "data": older_rows})]}


def usage() -> Schema:
    """Return the tokens of an image model."""
    details = closed({"image_tokens": INTEGER, "text_tokens": INTEGER})
    return closed(
        {
            "input_tokens": INTEGER,
            "input_tokens_details": details,
            "output_tokens": INTEGER,
            "output_tokens_details": details,
            "total_tokens": INTEGER,
        }
    )


def svg_usage() -> Schema:
    """Return the tokens of an SVG's author."""
    counts = ("input_tokens", "output_tokens", "reasoning_tokens", "total_tokens")
    return closed({**dict.fromkeys(counts, INTEGER), "model": TEXT})


def _error_response() -> Schema:
    nullable = {"type": ["string", "null"]}
    details = closed(
        {"moderation_stage": TEXT, "categories": {"type": "array", "items": TEXT}}
    )
    error = closed(
        {
            "message": {"type": "string", "minLength": 1},
            "type": TEXT,
            "param": nullable,
            "code": nullable,
            "moderation_details": details,
        },
        "moderation_details",
    )
    return closed({"error": error})


def _file() -> Schema:
    return closed(
        {
            "id": {"type": "string", "pattern": "^file-"},
            "object": one_of("file"),
            "bytes": INTEGER,
            "created_at": INTEGER,
            "expires_at": {"type": ["integer", "null"]},
            "filename": TEXT,
            "purpose": TEXT,
            "status": one_of("processed"),
            "status_details": {"type": "null"},
        }
    )


def _model() -> Schema:
    return closed(
        {"id": TEXT, "object": one_of("model"), "created": INTEGER, "owned_by": TEXT}
    )

"""Reference: a picture that is sent along with a prompt."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StringConstraints,
    model_validator,
)

from bench.document import unshown
from bench.errors import BadInput

Send = Literal["upload", "data_url", "file_id"]
MOST_URL_CHARACTERS = 20_971_520
_FILE_ID = re.compile(r"file-[A-Za-z0-9_-]{6,}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# By whether it was meant for a data URL.
_CURES = {
    True: (
        "a data URL should hold a png, jpeg or webp in base64, and nothing else: "
        "data:image/png;base64,..."
    ),
    False: (
        "url should be a whole address that begins with https:// or http:// and has "
        "no white space, or a data URL such as data:image/png;base64,..."
    ),
}
_DATA_URL = re.compile(r"data:image/(png|jpeg|webp);base64,[A-Za-z0-9+/=]*")


class Reference(BaseModel):
    """One picture that goes with a request: content of ours, or an address.

    Attributes:
        file: Where it lies, as it was written; beside the suite.
        url: On the web; the endpoint fetches it.
        file_id: At the endpoint, by its Files API.
        send: How content of ours goes: as a part of a form (`upload`), within the
            request (`data_url`), or by the Files API first (`file_id`). None
            leaves it to the operation.
        sha256: Of content of ours; with the format it is its name in the folder
            of inputs.
        format: png, jpeg or webp, as its bytes say.
        width_px: None where nobody knows, as of a url.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str | None = None
    url: str | None = None
    file_id: str | None = None
    send: Send | None = None
    sha256: str | None = None
    n_bytes: int | None = None
    format: str | None = None
    width_px: int | None = None
    height_px: int | None = None

    @property
    def is_ours(self) -> bool:
        """Whether its bytes are at hand."""
        return self.sha256 is not None


# Gives the bytes of a reference of ours.
Contents = Callable[[Reference], bytes]


def nothing_along(reference: Reference) -> bytes:
    """The contents of who never sends a picture along."""
    raise BadInput(f"{reference.file or reference.sha256}: no picture is at hand")


class InputForm(BaseModel):
    """A picture to be sent along, as a suite says it: exactly one of three.

    Attributes:
        file: Path from the suite's folder.
        url: `https://...`, which the endpoint fetches, or a data URL.
        file_id: Of a file that lies at the endpoint.
        send: How a file of ours goes.
        width_px: Of a picture that we can't open, for its price.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Annotated[str, StringConstraints(min_length=1, max_length=4096)] | None = None
    url: Annotated[str, Field(max_length=MOST_URL_CHARACTERS)] | None = None
    file_id: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")] | None = None
    send: Send | None = None
    width_px: Annotated[StrictInt, Field(ge=1, le=100_000)] | None = None
    height_px: Annotated[StrictInt, Field(ge=1, le=100_000)] | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "InputForm":
        places = (self.file, self.url, self.file_id)
        if sum(place is not None for place in places) != 1:
            raise unshown("should have one of file, url and file_id, and only one")
        if self.file is not None and "\0" in self.file:
            raise unshown("no file has such a name")
        if self.url is not None and not _is_address(self.url):
            raise unshown(_CURES[self.url.startswith("data:")])
        if self.send is not None and self.file is None:
            raise unshown("send is for files of yours; leave it out")
        if (self.width_px is None) != (self.height_px is None):
            raise unshown("should have width_px and height_px, or neither")
        if self.width_px is not None and self.is_ours:
            raise unshown("width_px and height_px are read from the file itself")
        return self

    @property
    def is_ours(self) -> bool:
        """Whether its bytes are at hand."""
        return self.file is not None or (self.url or "").startswith("data:")

    @property
    def reference(self) -> Reference:
        """The reference, whose content nobody opened yet."""
        return Reference(
            file=self.file,
            url=self.url,
            file_id=self.file_id,
            send=self.send,
            width_px=self.width_px,
            height_px=self.height_px,
        )


def _is_address(url: str) -> bool:
    is_web = re.fullmatch(r"https?://[!-~]+", url) is not None
    return is_web or _DATA_URL.fullmatch(url) is not None


def form_of(text: str) -> dict[str, str]:
    """What one word names: an address, a file at the endpoint, or a file of ours."""
    if _SCHEME.match(text) or text.startswith("data:"):
        return {"url": text}
    return {"file_id": text} if _FILE_ID.fullmatch(text) else {"file": text}


def _written(value: object) -> object:
    return cast("Any", form_of(value) if isinstance(value, str) else value)


Input = Annotated[
    InputForm, BeforeValidator(_written, json_schema_input_type=str | InputForm)
]

"""Reference: a picture that is sent along with a prompt."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Send = Literal["upload", "data_url", "file_id"]


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

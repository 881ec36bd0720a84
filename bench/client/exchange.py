"""Exchange: what came back for one request."""

from dataclasses import dataclass, field

from bench.transport.stamps import RequestStamps

# A picture of ours can't be read; one does not lie at the endpoint as it should.
NOT_READ, UPLOAD_FAILED = "input_not_read", "upload_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What came back for one request, not yet understood.

    Attributes:
        status: None when no status line arrived.
        headers: Of the answer, named in small letters.
        body: None when the body did not arrive whole; of a stream what arrived.
        arrived: Of a stream: how many bytes of its body were there at which instant
            of the monotonic clock, in nanoseconds; both only grow.
        failure: What broke off the exchange, None when nothing did:
            `connect_failed`, `timeout` or `broken`; `input_not_read` and
            `upload_failed` where a picture to be sent along kept it here, and
            status and body are those of its upload.
        message: The failure in the transport's words.
    """

    stamps: RequestStamps
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    arrived: tuple[tuple[int, int], ...] = ()
    failure: str | None = None
    message: str | None = None

    @property
    def flags(self) -> tuple[str, ...]:
        """Words for what is odd about how it was carried out."""
        return self.stamps.flags


def in_words(error: BaseException) -> str:
    """A failure as the record tells it."""
    return f"{type(error).__name__}: {error}"[:300].rstrip(": ")

"""Ledger: every request that came, how far it got, and what it cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from bench.emulator.prices import EXACT, usd_text


class Stage(StrEnum):
    """How far a request got; a refused one goes from received to sending."""

    RECEIVING = "receiving"
    RECEIVED = "received"
    VALIDATED = "validated"
    RENDERED = "rendered"
    SENDING = "sending"
    SENT = "sent"


@dataclass(slots=True, kw_only=True)
class Entry:
    """One request. Stamps are nanoseconds of the monotonic clock, None = not yet."""

    id: str
    method: str
    path: str
    manner: str
    client_request_id: str | None = None
    stage: Stage = Stage.RECEIVING
    status: int | None = None
    error_code: str | None = None
    fault: str | None = None
    client_gone: bool = False
    cut_by_fault: bool = False
    operation: str | None = None
    model: str | None = None
    quality: str | None = None
    size: str | None = None
    n: int | None = None
    prompt: str | None = None
    stream: bool = False
    partial_images: int | None = None
    n_inputs: int = 0
    mainline_model: str | None = None
    served_quality: str | None = None
    served_size: str | None = None
    usage: Mapping[str, object] | None = None
    mainline_usage: Mapping[str, object] | None = None
    svg_usage: Mapping[str, object] | None = None
    billed: bool = False
    price_usd: Decimal | None = Decimal(0)
    list_usd: Decimal | None = Decimal(0)
    upstream_id: str | None = None
    upstream_calls: int = 0
    received_ns: int | None = None
    rendered_ns: int | None = None
    first_byte_ns: int | None = None
    partials_ns: list[int] = field(default_factory=list[int])
    sent_ns: int | None = None

    def as_json(self) -> dict[str, object]:
        """Return the entry as `GET /_emulator/ledger` shows it."""
        shown = {name: getattr(self, name) for name in self.__slots__}
        for name in ("price_usd", "list_usd"):
            usd = shown[name]
            shown[name] = None if usd is None else usd_text(usd)
        return shown


@dataclass(slots=True)
class Ledger:
    """All entries in the order in which the requests came.

    An entry without a price (nobody can know it) counts in `n_unpriced`.
    """

    entries: list[Entry] = field(default_factory=list[Entry])

    def as_json(self) -> dict[str, object]:
        """Return all entries and what they cost together."""
        total = Decimal(0)
        priced = [e.price_usd for e in self.entries if e.price_usd is not None]
        for usd in priced:
            total = EXACT.add(total, usd)
        return {
            "requests": [entry.as_json() for entry in self.entries],
            "total_usd": usd_text(total),
            "n_unpriced": len(self.entries) - len(priced),
        }

    def stamps(self) -> list[tuple[str, int, int, int]]:
        """Return name, received, first byte and sent of what was wholly sent."""
        return [
            (e.client_request_id, e.received_ns, e.first_byte_ns, e.sent_ns)
            for e in self.entries
            if e.client_request_id is not None
            and e.received_ns is not None
            and e.first_byte_ns is not None
            and e.sent_ns is not None
        ]

    def partials(self) -> dict[str, list[int]]:
        """Return by the client's name when each partial picture was sent."""
        return {
            e.client_request_id: e.partials_ns
            for e in self.entries
            if e.client_request_id is not None and e.partials_ns
        }

    def clear(self) -> None:
        """Forget every entry; requests in flight stay forgotten."""
        self.entries.clear()

"""State: what one running emulator holds, and one exchange."""

import asyncio
import os
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal

import httpx2
from starlette.requests import Request

from bench.emulator.batches import Batches
from bench.emulator.catalogue import Model
from bench.emulator.conversations import Conversations
from bench.emulator.faults import FaultPlan
from bench.emulator.files import Files
from bench.emulator.frames import Frame
from bench.emulator.ledger import Entry, Ledger
from bench.emulator.limits import Window
from bench.emulator.mainline import TextModel
from bench.emulator.options import Manner
from bench.emulator.profile import RunProfile
from bench.emulator.wire import Connection, Unwired

PICTURES_KEPT = 64
# What was streamed, its usage and its list price.
Streamed = tuple[tuple[Frame, ...], Mapping[str, object] | None, Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A successful answer before it is sent, and what it costs.

    `list_usd` None means that nobody can price it.
    """

    body: bytes
    usage: dict[str, object] | None
    list_usd: Decimal | None
    quality: str | None
    size: str | None
    upstream_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One picture in base64, and the partial pictures that come before it."""

    picture: str
    partials: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Emulator:
    """One running emulator. Only the event loop's thread changes it."""

    models: dict[str, Model]
    origin: str
    manner: Manner = Manner.OPENAI
    seed: int = 0
    profile: RunProfile = field(default_factory=RunProfile)
    faults: FaultPlan = field(default_factory=FaultPlan)
    files: Files = field(default_factory=Files)
    text_models: dict[str, TextModel] = field(default_factory=dict[str, TextModel])
    conversations: Conversations = field(default_factory=Conversations)
    batches: Batches = field(default_factory=Batches)
    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    window: Window = field(default_factory=Window)
    ledger: Ledger = field(default_factory=Ledger)
    upstream: httpx2.AsyncClient | None = None
    n_requests: int = 0
    in_flight: int = 0
    # Bytes and media type of the latest pictures that were answered as URLs.
    pictures: OrderedDict[str, tuple[bytes, str]] = field(
        default_factory=OrderedDict[str, tuple[bytes, str]]
    )
    # Manner `repeats`: answers that will be served a second time.
    once_served: dict[tuple[object, ...], Outcome] = field(
        default_factory=dict[tuple[object, ...], Outcome]
    )
    # Answers of a size that the profile asks for, by what was asked.
    canned: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    # The same two for pictures alone: streams and the Responses API.
    streams_once: dict[tuple[object, ...], Streamed] = field(
        default_factory=dict[tuple[object, ...], Streamed]
    )
    made_once: dict[tuple[object, ...], Made] = field(
        default_factory=dict[tuple[object, ...], Made]
    )
    canned_pictures: dict[str, Made] = field(default_factory=dict[str, Made])
    pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(
            max_workers=os.cpu_count() or 2, thread_name_prefix="render"
        )
    )

    def keep_picture(self, name: str, picture: bytes, media_type: str) -> None:
        """Keep a picture for its URL; the oldest makes room."""
        self.pictures[name] = (picture, media_type)
        while len(self.pictures) > PICTURES_KEPT:
            self.pictures.popitem(last=False)


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request on its way: its connection, ledger entry, number and body."""

    connection: Connection | Unwired
    entry: Entry
    number: int
    body: bytes


def emulator_of(request: Request) -> Emulator:
    """Return the emulator that serves this request."""
    return request.app.state.emulator


def exchange_of(request: Request) -> Exchange:
    """Return the exchange that the recorder opened for this request."""
    return request.scope["state"]["exchange"]

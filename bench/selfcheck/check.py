"""Check: all that a run records about this program, from begin to end."""

from collections.abc import Iterable
from typing import Any

from bench.endpoint import Endpoint
from bench.selfcheck.watch import Keep, Watch
from bench.selfcheck.witness import Witness


class SelfCheck:
    """A watch over this process, and a witness of what emulators stamp."""

    def __init__(self, keep: Keep, *, is_asked: bool) -> None:
        """As `Watch`."""
        self.watch = Watch(keep, is_asked=is_asked)
        self.witness = Witness()

    async def last_records(self, endpoints: Iterable[Endpoint]) -> list[dict[str, Any]]:
        """What belongs before the end of a journal; nothing is probed any more."""
        record = await self.watch.last_record()
        urls = {endpoint.name: endpoint.base_url for endpoint in endpoints}
        return [*([record] if record else []), *await self.witness.records(urls)]

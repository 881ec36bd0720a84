"""Budget: a cap in dollars that holds with many in flight."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal


@dataclass(slots=True)
class Ledger:
    """Dollars of a run so far; charge + possibly billed + reserved <= cap."""

    charge_usd: Decimal = Decimal(0)
    possibly_billed_usd: Decimal = Decimal(0)
    reserved_usd: Decimal = Decimal(0)

    @property
    def committed_usd(self) -> Decimal:
        """What can't be spent on anything else."""
        return self.charge_usd + self.possibly_billed_usd + self.reserved_usd


class Budget:
    """Reserves each request's upper bound before the request leaves."""

    def __init__(self, cap_usd: Decimal | None, spent: Ledger) -> None:
        """Begin with what earlier processes of the run spent."""
        self._cap_usd = cap_usd
        self._changed = asyncio.Condition()
        self.ledger = spent
        self.is_exhausted = False

    def reserve_at_once(self, bound_usd: Decimal) -> bool:
        """Hold `bound_usd` if there is room for it now; False says nothing."""
        if self.is_exhausted or self._changed.locked():
            return False
        has_room = self._has_room(bound_usd)
        if has_room:
            self.ledger.reserved_usd += bound_usd
        return has_room

    async def reserve(self, bound_usd: Decimal) -> bool:
        """Hold `bound_usd`; False when the cap leaves no room for it.

        Waits while open reservations may still give room back.
        """
        async with self._changed:
            while not self.is_exhausted:
                if self._has_room(bound_usd):
                    self.ledger.reserved_usd += bound_usd
                    return True
                if self.ledger.reserved_usd == 0:
                    self.is_exhausted = True
                    self._changed.notify_all()
                    break
                await self._changed.wait()
        return False

    async def settle(
        self, bound_usd: Decimal, charge_usd: Decimal, possibly_billed_usd: Decimal
    ) -> None:
        """Turn a reservation into what was charged or may have been."""
        async with self._changed:
            self.ledger.reserved_usd -= bound_usd
            self.ledger.charge_usd += charge_usd
            self.ledger.possibly_billed_usd += possibly_billed_usd
            self._changed.notify_all()

    def _has_room(self, bound_usd: Decimal) -> bool:
        if self._cap_usd is None:
            return True
        return self.ledger.committed_usd + bound_usd <= self._cap_usd

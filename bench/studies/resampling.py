"""Resampling: a ratio of sums, redrawn by whole prompts."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pricing.money import round_usd, times, total
from pricing.projection import Band

N_RESAMPLES = 2_000
BAND_LEVEL = 0.90
_SEED = 20_261_121
_E12 = 10**12
_LARGEST_INT = 2**62
# Counts of so many prompts and resamples stand in memory at once.
_BATCH = 2_000_000
Key = tuple[str, str]
Sums = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Term:
    """Dollars over pictures in each resample, and the share that they count for.

    Attributes:
        usd_e12: Sums of charges in 10^-12 US dollars, exact; shape (resamples,).
        images: Sums of usable pictures; shape (resamples,).
    """

    weight: Decimal
    usd_e12: Sums
    images: Sums


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """A unit cost, or a difference of some, in each resample.

    Attributes:
        terms: What was measured; nothing where a price is given.
        constant_usd: What was given.
    """

    terms: tuple[Term, ...] = ()
    constant_usd: Decimal = Decimal(0)

    def scaled(self, weight: Decimal) -> "Draws":
        """A share of it, or with a minus sign what is taken away."""
        return Draws(
            terms=tuple(
                replace(term, weight=times(term.weight, weight)) for term in self.terms
            ),
            constant_usd=times(self.constant_usd, weight),
        )

    def plus(self, other: "Draws") -> "Draws":
        """The sum, resample by resample."""
        return Draws(
            terms=(*self.terms, *other.terms),
            constant_usd=total((self.constant_usd, other.constant_usd)),
        )

    def less(self, other: "Draws") -> "Draws":
        """The difference, resample by resample: runs of one prompt set are paired."""
        return self.plus(other.scaled(Decimal(-1)))

    def band(self, around: Decimal) -> Band | None:
        """The 90 % band: the 5 % and 95 % points of the resamples, and their median.

        All are values of single resamples, exact to 12 decimals, and the
        band is widened to hold the measured figure where it lies outside.

        Returns:
            None where nothing was measured, and where a resample held no usable
            picture, which leaves the cost without an upper end.
        """
        order = self._order()
        if order is None:
            return None
        tail = (1 - BAND_LEVEL) / 2
        low, middle, high = (self._quantile(order, q) for q in (tail, 0.5, 1 - tail))
        return Band(
            low_usd=min(low, around), high_usd=max(high, around), median_usd=middle
        )

    def _order(self) -> NDArray[np.intp] | None:
        """Resamples from the smallest value to the largest."""
        if not self.terms:
            return None
        values = np.zeros(N_RESAMPLES)
        with np.errstate(divide="ignore", invalid="ignore"):
            for term in self.terms:
                ratio = term.usd_e12.astype(float) / term.images.astype(float)
                values += float(term.weight) * ratio
        return np.argsort(values, kind="stable") if np.isfinite(values).all() else None

    def _quantile(self, order: NDArray[np.intp], q: float) -> Decimal:
        # Smallest value that at least a share q of the resamples does not pass.
        place = max(0, math.ceil(round(q * N_RESAMPLES, 6)) - 1)
        return self._exact(int(order[place]))

    def _exact(self, resample: int) -> Decimal:
        parts = [
            times(term.weight, _ratio(term.usd_e12[resample], term.images[resample]))
            for term in self.terms
        ]
        return round_usd(total((self.constant_usd, *parts)))


def _ratio(usd_e12: int, images: int) -> Decimal:
    # 28 significant digits: far below the 12 decimals that are kept.
    return Decimal(int(usd_e12)).scaleb(-12) / int(images)


def resample(columns: Mapping[Key, Sequence[int]], n_columns: int) -> tuple[Sums, ...]:
    """Sums of each column over prompts drawn with replacement, as many as there are.

    The draws depend on nothing but a fixed seed and the set of prompts, so that
    runs of the same prompts are redrawn alike and their difference is paired.

    Args:
        columns: By prompt, one whole number a column.
        n_columns: How many numbers each prompt has.

    Returns:
        For each column its sums, exact integers of shape (N_RESAMPLES,).
    """
    keys = sorted(columns)
    n = len(keys)
    rows = [columns[key] for key in keys]
    largest = max((value for row in rows for value in row), default=0)
    kind: Any = np.int64 if largest * n < _LARGEST_INT else object
    table = np.array(rows, dtype=kind).reshape(n, n_columns)
    rng = np.random.default_rng([_SEED, *_digest(keys)])
    shares = np.full(n, 1 / n)
    batch = max(1, _BATCH // n)
    parts = [
        rng.multinomial(n, shares, size=min(batch, N_RESAMPLES - begin)) @ table
        for begin in range(0, N_RESAMPLES, batch)
    ]
    sums = np.concatenate(parts)
    return tuple(sums[:, column] for column in range(n_columns))


def e12(usd: Decimal) -> int:
    """Dollars of a record as a whole number of 10^-12 dollars, exact."""
    return int(times(usd, _E12))


def _digest(keys: Sequence[Key]) -> bytes:
    text = "\n".join(f"{name}\t{digest}" for name, digest in keys)
    return hashlib.sha256(text.encode()).digest()

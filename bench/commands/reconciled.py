"""Reconciled: bill and record side by side, as JSON."""

from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import date
from decimal import Decimal
from typing import Any, cast

from bench.studies.reconcile import Reconciled
from pricing.money import usd_text

SCHEMA = "pixelmeter.reconcile/1"
Json = dict[str, Any]


def answer(found: Iterable[Reconciled]) -> Json:
    """All kinds, money as exact decimal text."""
    return {"schema": SCHEMA, "bills": [_bill(reconciled) for reconciled in found]}


def _bill(reconciled: Reconciled) -> Json:
    plain = {f.name: getattr(reconciled, f.name) for f in fields(reconciled)}
    plain["imports"] = [manifest.id for manifest in reconciled.imports]
    plain["simulated_rows"] = sum(m.simulated for m in reconciled.imports)
    plain["is_part"] = any(manifest.is_part for manifest in reconciled.imports)
    plain["untried"] = any(manifest.untried for manifest in reconciled.imports)
    for name in ("rates", "totals", "calls", "doubts", "book_changes"):
        plain[name] = [asdict(one) for one in plain[name]]
    return _plain(plain)


def _plain(value: Any) -> Any:  # noqa: ANN401  any JSON
    if isinstance(value, Decimal):
        return usd_text(value)
    if isinstance(value, date):
        return str(value)
    if isinstance(value, dict):
        members = cast("Json", value)
        return {name: _plain(one) for name, one in members.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in cast("list[Any]", value)]
    return value

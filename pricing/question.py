"""Price question: one question in, one exact answer out."""

from dataclasses import replace
from datetime import UTC, date, datetime

from pricing.asked import Question, read_question
from pricing.book import PriceBook, shipped_book
from pricing.charge import Charge
from pricing.errors import (
    BadForm,
    BadQuantity,
    BadQuestion,
    BadScheme,
    PricingError,
    UnknownQuantity,
)
from pricing.form import Form
from pricing.modes import (
    Setting,
    dearest_call,
    n_calls,
    one_call,
    possible_pictures,
)
from pricing.money import usd_text
from pricing.scheme import Scheme, parse_multiplier, parse_scheme
from pricing.variant import AUTO, parse_size


def answer(
    question: object, book: PriceBook | None = None, today: date | None = None
) -> dict[str, object]:
    """Answer one price question (design 4.1), given and returned as plain data.

    No valid question (not an object, unknown key, wrong type) raises BadQuestion.
    Everything else is answered: without a price ``usd`` is None and ``error`` says
    why, with ``range_usd`` and ``bound_usd`` where they are known.
    """
    asked = read_question(question)
    head: dict[str, object] = {} if asked.id is None else {"id": asked.id}
    try:
        scheme = _scheme(asked)
        as_of = _day(asked.as_of, today)
        setting = Setting(book=book or shipped_book(), as_of=as_of, scheme=scheme)
        return head | _answer(asked, setting)
    except BadForm as error:
        raise BadQuestion(str(error)) from error
    except PricingError as error:
        return head | _refusal(error)


def _answer(asked: Question, setting: Setting) -> dict[str, object]:
    """The priced answer, or a refusal with the limits of what is unknown."""
    # What is wrong in the question itself is told before what is unknown.
    n_calls(asked)
    try:
        charge = _all_calls(one_call(asked, setting), asked, setting)
    except UnknownQuantity as error:
        return _refusal(error) | _limits(asked, setting)
    refs = [ref.to_json() for ref in charge.books]
    one = refs[0] if refs else None
    return {
        "usd": usd_text(charge.usd),
        "lines": [line.to_json() for line in charge.lines],
        "book": refs if asked.mainline else one,
        "flags": list(charge.flags),
        "error": None,
    }


def _refusal(error: PricingError) -> dict[str, object]:
    """An answer without a price."""
    return {"usd": None, "lines": [], "book": None, "flags": [], "error": str(error)}


def _limits(asked: Question, setting: Setting) -> dict[str, object]:
    """Between what the price lies, where that can be said: range and bound."""
    found: dict[str, object] = {}
    try:
        certain = [
            replace(asked, quality=quality, size=size)
            for quality, size in possible_pictures(asked, setting)
        ]
        possible = [_all_calls(one_call(q, setting), q, setting).usd for q in certain]
        if possible:
            low, high = usd_text(min(possible)), usd_text(max(possible))
            found["range_usd"] = {"low": low, "high": high}
    except PricingError:
        pass  # another quantity is unknown too: no range, perhaps still a bound
    try:
        most = _all_calls(dearest_call(asked, setting), asked, setting)
        found["bound_usd"] = usd_text(most.usd)
        found["flags"] = list(most.flags)
    except PricingError:
        pass  # nothing binds it either
    return found


def _all_calls(direct: Charge, asked: Question, setting: Setting) -> Charge:
    """The gateway's charge of all calls; each call is rounded first."""
    calls = n_calls(asked)
    if setting.scheme is None:
        return direct.times(calls)
    size = parse_size(asked.size or AUTO) if setting.scheme.needs_size else None
    return setting.scheme.on_total(setting.scheme.per_call(direct, size).times(calls))


def _scheme(asked: Question) -> Scheme | None:
    """The gateway's scheme: the shorthand, or the scheme itself."""
    if asked.multiplier is not None and asked.scheme is not None:
        raise BadScheme("multiplier and scheme exclude each other: give one of them")
    if asked.multiplier is not None:
        return parse_multiplier(asked.multiplier)
    return parse_scheme(asked.scheme) if asked.scheme is not None else None


def _day(text: str | None, today: date | None) -> date:
    """The day of the prices: as asked, else today (UTC)."""
    if text is None:
        return today or datetime.now(UTC).date()
    try:
        return Form({"as_of": text}, "question").day("as_of") or date.min
    except BadForm as error:
        raise BadQuantity(f"as_of '{text[:40]}' is no date like 2026-11-21") from error

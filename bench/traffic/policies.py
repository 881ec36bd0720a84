"""Policies: routing policies as people write them."""

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from bench.document import read
from bench.errors import BadInput
from bench.traffic.route import POLICIES, ByLatency, ByPriority, Policy

_BY_KIND = {policy.kind: policy for policy in POLICIES}
_MOST_POLICIES = 20


def parse_policy(text: str) -> Policy:
    """A policy as an option has it: ``direct``, or ``latency:threshold_s=5,last_n=3``.

    Raises:
        BadInput: Names the option and what is wrong with it.
    """
    kind, _, rest = text.partition(":")
    written: dict[str, object] = {"kind": kind.strip()}
    for part in filter(None, (part.strip() for part in rest.split(","))):
        key, is_given, value = part.partition("=")
        if not is_given:
            raise BadInput(f"--policy {text}: '{part}' is not KEY=VALUE")
        if key.strip() in written:
            raise BadInput(f"--policy {text}: {key.strip()} is given twice")
        written[key.strip()] = value.strip()
    return _policy(written, f"--policy {text}")


def read_policies(path: Path) -> tuple[Policy, ...]:
    """The policies of a YAML file: ``policies``, a list of mappings with ``kind``.

    Raises:
        BadInput: Names the file, the place, the key and the value.
    """
    content = read(path)
    if not isinstance(content, dict):
        raise BadInput(f"{path}: should hold the key policies, a list")
    document = cast("dict[object, object]", content)
    for key in document:
        if key != "policies":
            raise BadInput(f"{path}: key '{key}' is not known; remove it")
    listed = document.get("policies")
    if not isinstance(listed, list) or not listed:
        raise BadInput(f"{path}: policies: should be a list of at least one policy")
    entries = cast("list[object]", listed)
    if len(entries) > _MOST_POLICIES:
        raise BadInput(f"{path}: policies: at most {_MOST_POLICIES}")
    found: list[Policy] = []
    for number, entry in enumerate(entries):
        where = f"{path}: policies.{number}"
        if not isinstance(entry, dict):
            raise BadInput(f"{where}: should be keys and values, such as kind: direct")
        found.append(_policy(cast("dict[str, object]", entry), where))
    return tuple(found)


def written_policy(policy: Policy) -> dict[str, Any]:
    """A policy as a file writes it, every key told."""
    told = _told(policy)
    values = {one.name: getattr(told, one.name) for one in fields(told)}
    return {"kind": policy.kind, **values}


def policy_name(policy: Policy) -> str:
    """A policy as an option has it: its threshold, and what is not as usual."""
    told = _told(policy)
    values = [
        f"{one.name}={getattr(told, one.name):g}"
        for number, one in enumerate(fields(told))
        if number == 0 or getattr(told, one.name) != one.default
    ]
    return ":".join(filter(None, (policy.kind, ",".join(values))))


def _told(policy: Policy) -> Policy:
    """What holds the keys of a policy."""
    return policy.otherwise if isinstance(policy, ByPriority) else policy


def _policy(written: Mapping[str, object], where: str) -> Policy:
    kind = written.get("kind")
    if not isinstance(kind, str) or kind not in _BY_KIND:
        known = ", ".join(_BY_KIND)
        raise BadInput(f"{where}: kind '{kind}' is no policy; there are {known}")
    # What is neither high nor batch goes by latency, so its keys are that policy's.
    is_mixed = kind == ByPriority.kind
    told = ByLatency if is_mixed else _BY_KIND[kind]
    known = {one.name: one.type is int for one in fields(told)}
    given: dict[str, Any] = {}
    for key, value in written.items():
        if key == "kind":
            continue
        if key not in known:
            takes = ", ".join(known) or "no keys"
            raise BadInput(f"{where}: {kind} has no key '{key}'; it takes {takes}")
        given[key] = _number(value, f"{where}: {key}", is_whole=known[key])
    try:
        policy = told(**given)
    except TypeError:
        raise BadInput(f"{where}: {kind} needs bound_s, in seconds") from None
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    if is_mixed and isinstance(policy, ByLatency):
        return ByPriority(otherwise=policy)
    return policy


def _number(value: object, where: str, *, is_whole: bool) -> float | int:
    """A plain number of a file or an option."""
    kind = "a whole number" if is_whole else "a number"
    if isinstance(value, int | str | Decimal) and not isinstance(value, bool):
        try:
            return int(str(value)) if is_whole else float(str(value))
        except ValueError:
            pass
    raise BadInput(f"{where}: should be {kind}, not '{str(value)[:40]}'")

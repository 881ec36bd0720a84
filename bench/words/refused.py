"""Refused: what to do about a refusal that no other request mends."""

_UNVERIFIED = "must be verified"
_NO_ACCESS = "does not have access to model"


def cure_of(message: str | None) -> str | None:
    """What mends it, None where the message says nothing that we know."""
    said = (message or "").lower()
    if _UNVERIFIED in said:
        return (
            "the organisation is not verified, so image models answer nothing; verify "
            "it in the provider's settings under Organization, General, and wait some "
            "minutes"
        )
    if _NO_ACCESS in said:
        return (
            "this key's project may not use the model; allow it in the provider's "
            "settings under Project, Limits, or name another model"
        )
    return None

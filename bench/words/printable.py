"""Printable: what others wrote, as a terminal may show it."""


def printable(text: str) -> str:
    r"""The text on one line, its control characters written out (``\\x1b``)."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)

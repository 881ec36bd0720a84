"""Printable: what others wrote, as a terminal may show it."""


def printable(text: str) -> str:
    r"""The text on one line, its control characters written out (``\\x1b``)."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def shortened(text: str, most_letters: int = 300) -> str:
    """A text from outside, cut where it is very long."""
    return text if len(text) <= most_letters else f"{text[: most_letters - 1]}…"

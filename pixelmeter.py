"""Pixelmeter: the public face and the command line."""


def main() -> None:
    """Run the command line."""

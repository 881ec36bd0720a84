"""Places: paths as people read them."""

from pathlib import Path


def place(path: Path | str) -> str:
    """A path from the working folder, where it lies in it; else as it is."""
    whole = Path(path)
    try:
        return str(whole.relative_to(Path.cwd()))
    except ValueError:
        return str(whole)

"""Machine: what a page of figures must say of where they were taken."""

import datetime as dt
import os
import platform
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

_OURS = ("openai", "httpx2", "httptools")
_PEERS = ("aiperf", "locust", "aiohttp")


def described(peers: Path) -> dict[str, str]:
    """Facts in words: day, machine and versions; no name of the machine.

    Args:
        peers: Python of the peers' environment, which may be missing.
    """
    return {
        "day": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": (
            f"{os.cpu_count()} cores ({_cpu()}), {_memory_gb():.0f} GB, "
            f"{platform.system()} {re.match(r'[0-9.]+', platform.release())[0]}, "  # pyright: ignore[reportOptionalSubscript]  a release begins with digits
            f"Python {platform.python_version()}"
        ),
        "versions": ", ".join(
            [
                *(f"{name} {metadata.version(name)}" for name in _OURS),
                *_versions(peers),
                *_wrk(),
            ]
        ),
    }


def _cpu() -> str:
    """The model that the kernel tells, or the architecture."""
    told = Path("/proc/cpuinfo").read_text() if sys.platform == "linux" else ""
    found = re.search(r"model name\s*:\s*(.+)", told)
    return found[1].strip() if found else platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _versions(python: Path) -> list[str]:
    if not python.exists():
        return []
    ask = (
        "import sys\nfrom importlib.metadata import version\n"
        "print('\\n'.join(f'{n} {version(n)}' for n in sys.argv[1:]))"
    )
    told = subprocess.run(
        [str(python), "-c", ask, *_PEERS], capture_output=True, text=True, check=False
    )
    return told.stdout.splitlines()


def _wrk() -> list[str]:
    try:
        told = subprocess.run(
            ["wrk", "-v"], capture_output=True, text=True, check=False
        )
    except OSError:
        return []
    found = re.search(r"wrk \S*?([0-9]+\.[0-9.]*[0-9])", told.stdout)
    return [f"wrk {found[1]}"] if found else []

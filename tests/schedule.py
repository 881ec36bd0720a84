"""Schedule: which tests share a process, and which of them begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xdist.scheduler.loadscope import LoadScopeScheduling

if TYPE_CHECKING:
    import pytest

# Whatever a process begins last the others wait for, so the long files begin.
LONGEST_FIRST = (
    "tests/app/test_walk_in_chromium.py",
    "tests/contract/test_litellm_gateway.py",
    "tests/flow/test_generate.py",
    "tests/flow/test_ingest.py",
    "tests/flow/test_doctor.py",
    "tests/faults/test_kill.py",
    "tests/faults/test_storage.py",
    "tests/faults/test_interrupt.py",
    "tests/app/test_report_in_browser.py",
    "tests/flow/test_run_cli.py",
    "tests/flow/test_report.py",
    "tests/flow/test_meter.py",
    "tests/faults/test_read_only.py",
    "tests/faults/test_endpoint_down.py",
    "tests/contract/test_make_gateway.py",
    "tests/flow/test_wheel.py",
    "tests/flow/test_demo.py",
    "tests/flow/test_outcomes.py",
)


class FileByFile(LoadScopeScheduling):
    """A file is the work of one process: what its tests share is made once."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        # Else files with many tests would go before files with long ones.
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0]


def turn_of(item: pytest.Item) -> int:
    """Where a test stands in the order: with its file."""
    path = item.nodeid.partition("::")[0]
    is_long = path in LONGEST_FIRST
    return LONGEST_FIRST.index(path) if is_long else len(LONGEST_FIRST)

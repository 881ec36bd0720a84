"""Compare: hot paths of this run beside the saved baselines; it warns, no more.

    python tests/perf/compare_paths.py FILE [--save]

FILE is what pytest-benchmark wrote for `hot_paths.py`. `--save` makes it the
baseline: do it with the change that explains it, on a machine with nothing else
to do. The code is 0 whatever is found.
"""

import json
import sys
from pathlib import Path

BASELINES = Path(__file__).with_name("baselines.json")
# Neighbours on a shared machine move a ratio by up to a half.
_SLOWER = 2.0


def ratios(path: Path) -> dict[str, float]:
    """Quietest round of each hot path over the quietest loop beside it."""
    told = json.loads(path.read_bytes())["benchmarks"]
    return {
        one["name"].removeprefix("test_"): one["stats"]["min"]
        / one["extra_info"]["loop_s"]
        for one in told
    }


def main() -> None:
    """Print a line a hot path."""
    path, *wishes = sys.argv[1:]
    now = ratios(Path(path))
    if wishes == ["--save"]:
        content = {name: float(f"{ratio:.3g}") for name, ratio in now.items()}
        BASELINES.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
    before = json.loads(BASELINES.read_text())
    print(f"{'hot path, in loops of plain Python':<40} {'saved':>9} {'now':>9}")
    for name in sorted({*now, *before}):
        was, is_ = before.get(name), now.get(name)
        print(f"{name:<40} {_figure(was):>9} {_figure(is_):>9}{_doubt(was, is_)}")


def _figure(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.3g}"


def _doubt(was: float | None, is_: float | None) -> str:
    if was is None or is_ is None:
        return "  warning: measured on one side only; save the baselines anew"
    if is_ > was * _SLOWER:
        return f"  warning: {is_ / was:.1f} x as slow as saved"
    return ""


if __name__ == "__main__":
    main()

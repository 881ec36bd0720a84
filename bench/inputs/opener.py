"""Opener: pictures of ours, opened one after the other in a child."""

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, Self, cast

PATIENCE_S = 30.0
_MOST_LINE_BYTES = 10_000
_ENDED = (OSError, ValueError, KeyError, TypeError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a picture is.

    Attributes:
        format: png, jpeg or webp; None of another kind.
        n_clear_px: Pixels that are wholly transparent.
        coloured_share: Of all pixels, those that are no grey.
        between_share: Those that are neither near black nor near white.
        problem: Why it can't be used, None when it can.
        mask: The mask that was made of it, where one was asked for.
    """

    format: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    has_alpha: bool = False
    n_clear_px: int = 0
    coloured_share: float = 0.0
    between_share: float = 0.0
    problem: str | None = None
    mask: bytes = b""


class Opener:
    """Owns the child; a picture that ends or holds it costs no more than itself."""

    def __init__(self) -> None:
        """Start no child yet."""
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the child."""
        self.close()

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue
        child.wait()

    def see(
        self,
        content: bytes,
        *,
        keep: str = "",
        size_px: tuple[int, int] = (0, 0),
    ) -> Seen:
        """Open one picture.

        Args:
            content: Its bytes.
            keep: `white` or `black` makes a mask that keeps these parts.
            size_px: What the mask is scaled to; (0, 0) leaves its size.
        """
        request = {"n_bytes": len(content), "keep": keep}
        request |= {"width_px": size_px[0], "height_px": size_px[1]}
        child = self._started()
        is_late = threading.Event()

        def end() -> None:
            is_late.set()
            child.kill()

        timer = threading.Timer(PATIENCE_S, end)
        timer.start()
        try:
            return _asked(child, json.dumps(request).encode() + b"\n" + content)
        except _ENDED:
            self.close()
            late = f"takes more than {PATIENCE_S:.0f} s to decode"
            return Seen(problem=late if is_late.is_set() else "ends the decoder")
        except BaseException:
            # The answer under way would be taken for that of the next picture.
            self.close()
            raise
        finally:
            timer.cancel()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self.close()
            # A session of its own: Ctrl-C at the terminal must not reach the child.
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-m", "bench.inputs.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PATH": ""},
                start_new_session=True,
            )
        return self._child


def _asked(child: subprocess.Popen[bytes], request: bytes) -> Seen:
    requests, answers = cast("IO[bytes]", child.stdin), cast("IO[bytes]", child.stdout)
    requests.write(request)
    requests.flush()
    line = answers.readline(_MOST_LINE_BYTES)
    facts: dict[str, Any] = json.loads(line)
    return Seen(
        format=facts["format"],
        width_px=facts["width_px"],
        height_px=facts["height_px"],
        has_alpha=facts["has_alpha"],
        n_clear_px=facts["n_clear_px"],
        coloured_share=facts["coloured_share"],
        between_share=facts["between_share"],
        problem=facts["problem"],
        mask=answers.read(facts["n_bytes"]),
    )

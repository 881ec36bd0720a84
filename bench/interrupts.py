"""Interrupts: Ctrl-C and its like, heard in the loop."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack


def listen(
    first: Callable[[], object],
    further: Callable[[], object],
    stack: ExitStack | AsyncExitStack,
) -> None:
    """Call `first` for the first signal to stop, `further` for each one after.

    Args:
        first: Ends in order what is under way.
        further: Breaks it off.
        stack: Ends the listening.
    """
    loop = asyncio.get_running_loop()
    n_heard = 0

    def interrupted() -> None:
        nonlocal n_heard
        n_heard += 1
        (first if n_heard == 1 else further)()

    numbers = [signal.SIGINT, signal.SIGTERM]
    # Under nohup a closed terminal is no wish to stop.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, interrupted)
        stack.callback(loop.remove_signal_handler, number)

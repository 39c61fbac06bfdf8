"""`python -m dnnstudio`, and the command `dnnstudio`: it imports the commands, which takes a moment, within a `try`."""

import os
import signal
import sys
import time
from types import FrameType

_REST_S = 1.0
"""A closed terminal tells twice that it is, and what is being cleared away shall not be left half done."""
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


def run() -> int:
    """The exit code of the command that was given. Ctrl+C during the import ends it like one later, and so do SIGTERM
    and a closed terminal at any moment, unless the command answers them in its own way.

    One while the program ends, when the command is done, ends it at once: libraries that close would show a traceback.
    """
    ending = _Ending()
    ours = [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, ending.on_signal)
    try:
        from dnnstudio.cli.main import main

        code = main()
    except KeyboardInterrupt:
        code = _stopped()
    except Exception:
        if not ending.told:  # a module in another language makes an error of its own of the interrupt
            raise
        code = _stopped()
    for number in (*ours, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    return code


class _Ending:
    """What becomes of SIGTERM and SIGHUP: an interrupt as of Ctrl+C, so that nothing is left behind."""

    def __init__(self) -> None:
        self.told = 0.0
        """When the first of them came, by the clock that only goes forward; 0 before."""

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """The first one interrupts; one that comes later ends the program where it stands."""
        del frame
        now = time.monotonic()
        if not self.told:
            self.told = now
            raise KeyboardInterrupt
        if now - self.told > _REST_S:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


def _stopped() -> int:
    from dnnstudio.cli.streams import lasting_streams

    with lasting_streams():
        print("Stopped before the end.", file=sys.stderr)
    return 130


if __name__ == "__main__":
    sys.exit(run())

"""`python -m dnnstudio`, and the command `dnnstudio`: it imports the commands, which takes a moment, within a `try`."""

import signal
import sys


def run() -> int:
    """The exit code of the command that was given. Ctrl+C during the import ends it like one later.

    One while the program ends, when the command is done, ends it at once: libraries that close would show a traceback.
    """
    try:
        from dnnstudio.cli.main import main

        code = main()
    except KeyboardInterrupt:
        print("Stopped before the end.", file=sys.stderr)
        code = 130
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return code


if __name__ == "__main__":
    sys.exit(run())

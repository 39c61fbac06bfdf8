"""`python -m dnnstudio`, and the command `dnnstudio`: it imports the commands, which takes a moment, within a `try`."""

import sys


def run() -> int:
    """The exit code of the command that was given. Ctrl+C during the import ends it like one later."""
    try:
        from dnnstudio.cli.main import main
    except KeyboardInterrupt:
        print("Stopped before the end.", file=sys.stderr)
        return 130
    return main()


if __name__ == "__main__":
    sys.exit(run())

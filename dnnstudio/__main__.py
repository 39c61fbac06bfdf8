"""`python -m dnnstudio`: the same as the command `dnnstudio`."""

import sys

from dnnstudio.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

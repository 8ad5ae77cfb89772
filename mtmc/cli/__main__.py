"""``python -m mtmc.cli``: the command line for launchers that start modules."""

import sys

from . import main

if __name__ == "__main__":
    sys.exit(main())

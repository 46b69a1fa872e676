"""Run the command line: `python -m remodel`."""

import sys

from remodel.cli.commands import main

if __name__ == "__main__":
    sys.exit(main())

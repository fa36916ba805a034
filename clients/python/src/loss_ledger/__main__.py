"""python -m loss_ledger export ID --to tensorboard DIR: what trackers show of an experiment, in their own formats."""

from __future__ import annotations

import argparse
import sys

from .errors import LedgerError
from .export import TARGETS
from .ledger import Ledger


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 1 with what went wrong on stderr."""
    parser = argparse.ArgumentParser(prog="python -m loss_ledger", description="The key, where one is needed, is LEDGER_API_KEY.")
    parser.add_argument("--url", help="where the API is; LEDGER_URL, or this machine's port 3000, if absent")
    commands = parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser("export", help="write an experiment for a tracker, by its own library")
    export.add_argument("id", help="of an experiment that has succeeded")
    export.add_argument("folder", help="where to; what is there already stays")
    export.add_argument("--to", required=True, choices=list(TARGETS))
    export.add_argument("--bucket", type=int, default=1, help="iterations that LCA of layers is summed over")
    args = parser.parse_args(arguments)
    try:
        with Ledger(args.url) as ledger:
            print(ledger.experiment(args.id).export(args.to, args.folder, bucket=args.bucket))
    except (LedgerError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

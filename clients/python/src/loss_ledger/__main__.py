"""python -m loss_ledger export ID --to tensorboard DIR: what trackers show of an experiment, in their own formats."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from typing import NoReturn

from .errors import ApiError, LedgerError, NotFound, Unreachable
from .export import TARGETS
from .ledger import Ledger

# What the exit codes mean, as those of `ledger` do.
USAGE, REFUSED, MISSING, FORBIDDEN, UNAVAILABLE, INTERRUPTED = 2, 3, 4, 5, 6, 130


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0, or another with what went wrong on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m loss_ledger",
        description="The key, where one is needed, is LEDGER_API_KEY.",
        epilog="Exit codes: 0 done, 2 wrong usage, 3 refused by the API, 4 not found, 5 not allowed, 6 no API there (or busy), 130 interrupted.",
    )
    parser.add_argument("--url", help="where the API is; LEDGER_URL, or this machine's port 3000, if absent")
    commands = parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser("export", help="write an experiment for a tracker, by its own library")
    export.add_argument("id", help="of an experiment that has succeeded; the beginning of it, or last, will do")
    export.add_argument("folder", help="where to; what is there already stays")
    export.add_argument("--to", required=True, choices=list(TARGETS))
    export.add_argument("--bucket", type=int, default=1, help="iterations that LCA of layers is summed over")
    args = parser.parse_args(arguments)
    try:
        with Ledger(args.url) as ledger:
            print(ledger.experiment(args.id).export(args.to, args.folder, bucket=args.bucket))
    except (LedgerError, OSError) as error:
        print(_words(error), file=sys.stderr)
        return _code(error)
    except KeyboardInterrupt:
        print("stopped: what was begun of it is removed, as far as the tracker's library lets go of it", file=sys.stderr)
        return INTERRUPTED
    return 0


def _code(error: Exception) -> int:
    if isinstance(error, Unreachable):
        return UNAVAILABLE
    if isinstance(error, NotFound):
        return MISSING
    if not isinstance(error, ApiError):
        return USAGE
    if error.status in (401, 403):
        return FORBIDDEN
    if error.status == 429 or error.status >= 500 or not error.problem:
        return UNAVAILABLE
    return MISSING if error.status == 404 else REFUSED


def _words(error: Exception) -> str:
    if not isinstance(error, OSError) or error.errno is None:
        return str(error)
    place = error.filename2 or error.filename
    words = {
        "EACCES": "may not be used by this user: choose another place, or have it allowed",
        "EEXIST": "is in the way: choose another place, or move it",
        "EISDIR": "is a folder, where a file is wanted",
        "ENOENT": "is not there, or cannot be made where it is to lie",
        "ENOSPC": "has no room: make some on its disk, or choose another place",
        "ENOTDIR": "is no folder, or lies in something that is none: choose another place",
        "EPERM": "may not be used by this user: choose another place, or have it allowed",
        "EROFS": "lies on a disk that is read-only: choose another place",
    }
    name = errno.errorcode.get(error.errno, "")
    said = words.get(name, error.strerror)
    return f"{place or 'the disk'} {said} ({name or error.errno})"


def _stop(number: int, _: object) -> NoReturn:
    # As an exception, so that what has been begun is removed.
    raise SystemExit(128 + number)


if __name__ == "__main__":
    if os.name == "posix":
        signal.signal(signal.SIGTERM, _stop)
    sys.exit(main())

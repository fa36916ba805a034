"""Bars that show how far something is: tqdm's where it is installed (notebooks too), else a line in the terminal."""

from __future__ import annotations

import sys
from typing import Any, Protocol


class Bar(Protocol):
    def show(self, phase: str, done: int, total: int, note: str = "") -> None: ...
    def close(self) -> None: ...


def open_bar(wanted: bool) -> Bar:
    """A bar, or what shows nothing: not wanted, or there is neither a terminal nor a notebook to show it in."""
    in_notebook = "ipykernel" in sys.modules
    if not wanted or not (in_notebook or sys.stderr.isatty()):
        return _Silent()
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _Line()
    return _Tqdm(tqdm)


class _Silent:
    def show(self, phase: str, done: int, total: int, note: str = "") -> None:
        pass

    def close(self) -> None:
        pass


class _Tqdm:
    """A bar for each phase, one after the other."""

    def __init__(self, tqdm: Any) -> None:
        self._tqdm = tqdm
        self._phase = ""
        self._bar: Any = None

    def show(self, phase: str, done: int, total: int, note: str = "") -> None:
        if phase != self._phase:
            self.close()
            self._bar = self._tqdm(total=total, desc=phase, unit="it", dynamic_ncols=True)
            self._phase = phase
        if note:
            self._bar.set_postfix_str(note, refresh=False)
        self._bar.n = done
        self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = None


class _Line:
    def __init__(self) -> None:
        self._width = 0

    def show(self, phase: str, done: int, total: int, note: str = "") -> None:
        filled = 0 if total == 0 else round(24 * done / total)
        line = f"{phase:11} {'█' * filled}{'·' * (24 - filled)} {done}/{total} {note}".rstrip()
        print(f"\r{line:{self._width}}", end="", file=sys.stderr, flush=True)
        self._width = len(line)

    def close(self) -> None:
        if self._width:
            print(file=sys.stderr)

"""Sweeps: variants × seeds, and what differs between them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import tables
from .events import deadline_of
from .experiment import Experiment
from .http import Http
from .progress import open_bar

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class Sweep:
    """A sweep of an API. `data` is what was last seen of it."""

    def __init__(self, http: Http, data: Mapping[str, Any]) -> None:
        self._http = http
        self.data = dict(data)
        self.id: str = data["id"]

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {status}" for status, n in self.data["counts"].items() if n)
        return f"<Sweep {self.id}: {counts}>"

    @property
    def _path(self) -> str:
        return f"/v1/sweeps/{self.id}"

    @property
    def variants(self) -> list[str]:
        return list(self.data["variants"])

    @property
    def baseline(self) -> str:
        return str(self.data["baseline"])

    def refresh(self) -> Sweep:
        self.data = self._http.json("GET", self._path, has="counts")
        return self

    def experiments(self) -> list[Experiment]:
        """Its experiments, in the order of the sweep."""
        if "experiments" not in self.data:
            self.refresh()
        return [Experiment(self._http, self._http.json("GET", f"/v1/experiments/{one['id']}")) for one in self.data["experiments"]]

    def wait(self, *, progress: bool = True, timeout: float | None = None, interval: float = 1.0) -> Sweep:
        """Waits until every experiment has ended, well or not: `data["counts"]` says how. Raises TimeoutError."""
        deadline = deadline_of(timeout)
        bar = open_bar(progress)
        try:
            while True:
                counts = self.refresh().data["counts"]
                ended = counts["succeeded"] + counts["failed"] + counts["cancelled"]
                failed = f"{counts['failed']} failed" if counts["failed"] else ""
                bar.show("experiments", ended, self.data["experimentCount"], failed)
                if self.data["finished"]:
                    return self
                if deadline is not None and time.monotonic() >= deadline:
                    raise TimeoutError("the sweep has not ended yet, and goes on; wait() follows it again")
                time.sleep(interval)
        finally:
            bar.close()

    def summary(self, split: str | None = None, measure: str | None = None) -> pd.DataFrame:
        """Mean, sd and n over seeds by variant, layer and measure, and the difference from the baseline with its interval."""
        return tables.read_frame(self._http, f"{self._path}/summary", {"split": split, "measure": measure})

    def cancel(self) -> Sweep:
        self.data = self._http.json("POST", f"{self._path}/cancel")
        return self

    def delete(self) -> None:
        self._http.send("DELETE", self._path)

    def plot(self, split: str = "train") -> Figure:
        """How much each variant differs from the baseline, layer by layer, with 95 % intervals."""
        from . import plot

        return plot.sweep_figure(self, split)

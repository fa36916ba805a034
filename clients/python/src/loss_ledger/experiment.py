"""One experiment: how far it is, its tables, its tensors, its figures."""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import tables
from .errors import ExperimentFailed, InvalidArgument
from .events import FINISHED, Event, deadline_of, stream_events
from .http import Http
from .progress import open_bar
from .tensors import Tensor, cache_folder

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class Experiment:
    """An experiment of an API. `data` is what was last seen of it (`refresh()` looks again); the rest asks when called."""

    def __init__(self, http: Http, data: Mapping[str, Any]) -> None:
        self._http = http
        self.data = dict(data)
        self.id: str = data["id"]

    def __repr__(self) -> str:
        name = f" {self.data['name']!r}" if self.data.get("name") else ""
        return f"<Experiment {self.id}{name}: {self.status}>"

    @property
    def status(self) -> str:
        """queued, training, allocating, succeeded, failed or cancelled, when it was last looked at."""
        return str(self.data["status"])

    @property
    def spec(self) -> dict[str, Any]:
        """The resolved spec: every default filled in."""
        if "spec" not in self.data:
            self.refresh()
        return dict(self.data["spec"])

    @property
    def summary(self) -> dict[str, Any] | None:
        """What came of it, once it has succeeded."""
        found = self.data["summary"]
        return None if found is None else dict(found)

    @property
    def splits(self) -> list[str]:
        """The splits that it allocates."""
        return list(self.spec["allocation"]["splits"])

    @property
    def _path(self) -> str:
        return f"/v1/experiments/{self.id}"

    # -------------------------------------------------------------------------------------------- its life

    def refresh(self) -> Experiment:
        """Looks again."""
        self.data = self._http.json("GET", self._path, has="status")
        return self

    def events(self, last_event_id: str | None = None) -> Iterator[Event]:
        """What happens to it until it ends; "0" begins at its beginning."""
        return stream_events(self._http, self.id, last_event_id)

    def wait(self, *, progress: bool = True, timeout: float | None = None, check: bool = True) -> Experiment:
        """Waits until it has ended, with a bar in terminals and notebooks, also while the API is away for a moment.

        Raises ExperimentFailed where it fails or is cancelled (not with check=False), TimeoutError after `timeout` seconds,
        which does not cancel it.
        """
        deadline = deadline_of(timeout)
        self.refresh()
        if self.status not in FINISHED:
            self._follow(open_bar(progress), deadline)
            self.refresh()
        tables.warn_unbalanced(self.unbalanced)
        if check and self.status != "succeeded":
            raise ExperimentFailed(self.id, self.status, self.data["error"])
        return self

    def _follow(self, bar: Any, deadline: float | None) -> None:
        note = ""
        done = dict(self.data["progress"])
        try:
            for event in stream_events(self._http, self.id, deadline=deadline):
                if event.event == "iteration":
                    if event.data["lossAfter"] is not None:
                        note = f"{event.data['split']} loss {event.data['lossAfter']:.4g}"
                    continue
                if event.event == "status":
                    done = event.data["progress"]
                    queue = event.data.get("queue")
                    note = f"place {queue['position']}, {queue['ahead']['experiments']} experiments before it" if queue else ""
                elif event.event == "progress":
                    done = event.data
                else:
                    continue
                bar.show(done["phase"], done["done"], done["total"], note)
        finally:
            bar.close()

    @property
    def unbalanced(self) -> str | None:
        """Why its books are not to be believed, in words; None where they balance."""
        found = ((self.data.get("summary") or {}).get("unbalanced")) or {}
        return "; ".join(f"{split}: {about['message']}" for split, about in found.items()) or None

    def cancel(self) -> Experiment:
        self.data = self._http.json("POST", f"{self._path}/cancel")
        return self

    def retry(self) -> Experiment:
        """Does again what is missing of it."""
        self.data = self._http.json("POST", f"{self._path}/retry")
        return self

    def extend(self, iterations: int) -> Experiment:
        """Goes on until it has so many iterations in all, as if it had been posted with them."""
        self.data = self._http.json("POST", f"{self._path}/extend", json={"iterations": iterations})
        # The manifest is that of what it was.
        self.__dict__.pop("manifest", None)
        return self

    def edit(self, **changes: Any) -> Experiment:
        """Changes name, notes and tags (a mapping; None takes a tag away); what is not given stays."""
        self.data = self._http.json("PATCH", self._path, json=changes)
        return self

    def logs(self) -> Iterator[dict[str, Any]]:
        """What workers said of it, oldest first: at, level, message, worker, facts."""
        return self._http.pages(f"{self._path}/logs")

    def archive(self, path: str | Path, *, tensors: bool = False) -> Path:
        """Everything of it as one ZIP file (in a folder, called by its id), with its raw tensors if asked for; returns where it is."""
        target = _path_of(path)
        if target.is_dir():
            target /= f"{self.id}.zip"
        target.parent.mkdir(parents=True, exist_ok=True)
        asked = {"tensors": "true" if tensors else None}
        with self._http.stream("GET", f"{self._path}/archive", params=asked) as answer:
            self._http.expect(answer, "application/zip")
            return _written(answer.iter_bytes(), target)

    def delete(self) -> None:
        self._http.send("DELETE", self._path)

    # ---------------------------------------------------------------------------------------------- tables

    def layers(self, split: str | None = None, *, by: str = "layer") -> pd.DataFrame:
        """What every layer (or variable, by="variable") did over the run."""
        return tables.read_frame(self._http, f"{self._path}/layers", {"split": split, "by": by})

    def iterations(
        self, split: str | None = None, *, start: int | None = None, stop: int | None = None, points: int | None = None
    ) -> pd.DataFrame:
        """Loss, LCA and residual of every iteration; at most `points` of them."""
        asked = {"split": split, "from": start, "to": stop, "points": points}
        return tables.read_frame(self._http, f"{self._path}/iterations", asked)

    def allocations(
        self,
        split: str | None = None,
        *,
        by: str = "layer",
        layer: str | list[str] | None = None,
        start: int | None = None,
        stop: int | None = None,
        bucket: int | None = None,
        spans: int | None = None,
    ) -> pd.DataFrame:
        """What every layer (or variable) did in every iteration, or span of `bucket` iterations, or of as many as make at most `spans`."""
        asked = {"split": split, "by": by, "layer": layer, "from": start, "to": stop, "bucket": bucket, "spans": spans}
        return tables.read_frame(self._http, f"{self._path}/allocations", asked)

    def neurons(self, split: str | None = None, *, layer: str | list[str] | None = None) -> pd.DataFrame:
        """What every output unit or channel did over the run."""
        return tables.read_frame(self._http, f"{self._path}/neurons", {"split": split, "layer": layer})

    def diagnostics(
        self,
        name: str,
        split: str | None = None,
        *,
        by: str | None = None,
        layer: str | list[str] | None = None,
        start: int | None = None,
        stop: int | None = None,
        bucket: int | None = None,
    ) -> pd.DataFrame:
        """What explains the ledger, as a table: curvature, tails, classes and the others of docs/diagnostics.md."""
        asked = {"split": split, "by": by, "layer": layer, "from": start, "to": stop, "bucket": bucket}
        return tables.read_frame(self._http, f"{self._path}/diagnostics/{urllib.parse.quote(name, safe='')}", asked)

    def findings(self) -> list[dict[str, Any]]:
        """What its numbers support: each a statement with its figures, their intervals, and what one could do."""
        return list(self._http.json("GET", f"{self._path}/findings", has="items")["items"])

    def columns(self, table: str, **asked: Any) -> dict[str, np.ndarray[Any, Any]]:
        """A table (layers, iterations, allocations, neurons, diagnostics/classes …) as columns of numpy, without pandas; `asked` as
        the API has it."""
        if not isinstance(table, str):
            raise InvalidArgument(f"the name of a table is a string, such as 'layers', got {table!r}")
        found, unbalanced = tables.read_columns(self._http, f"{self._path}/{table}", asked)
        tables.warn_unbalanced(unbalanced)
        return found

    # --------------------------------------------------------------------------------------------- tensors

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """manifest.json: the variables in the order of the columns, the segments, the checksums."""
        return dict(self._http.json("GET", f"{self._path}/artifacts/manifest.json", has="variables"))

    def artifacts(self) -> Iterator[dict[str, Any]]:
        """What there is in object storage."""
        yield from self._http.pages(f"{self._path}/artifacts")

    def tensor(self, name: str, start: int | None = None, stop: int | None = None) -> Tensor:
        """A raw tensor, fetched when it is first looked into: weights, allocations/train, neurons/train, or one segment's
        (weights/0-50). `start` and `stop` choose iterations; weights have a row more, before the first and after each."""
        if not isinstance(name, str):
            raise InvalidArgument(f"the name of a tensor is a string, such as 'allocations/train', got {name!r}")
        file = name if name.endswith(".npy") else f"{name}.npy"
        path = f"{self._path}/artifacts/{urllib.parse.quote(file)}"
        asked = {key: value for key, value in {"from": start, "to": stop}.items() if value is not None}
        return Tensor(self._http, path, asked, cache_folder() / self.id)

    @property
    def weights(self) -> Tensor:
        """θ before the first iteration and after each: float32 (iterations + 1, parameters)."""
        return self.tensor("weights")

    def lca(self, split: str = "train") -> Tensor:
        """Every allocation: float32 (iterations, parameters)."""
        return self.tensor(f"allocations/{split}")

    def columns_of(self, name: str) -> slice:
        """Which columns of the raw tensors a layer or a variable has. Raises KeyError for what there is not."""
        own = [one for one in self.manifest["variables"] if name in (one["name"], one["layer"])]
        if not own:
            raise KeyError(f"{name}: there are {', '.join(one['name'] for one in self.manifest['variables'])}")
        return slice(own[0]["offset"], own[-1]["offset"] + own[-1]["size"])

    def download(self, name: str, folder: str | Path = ".") -> Path:
        """An artifact as a file in a folder."""
        target = _path_of(folder) / _path_of(name).name
        target.parent.mkdir(parents=True, exist_ok=True)
        path = f"{self._path}/artifacts/{urllib.parse.quote(name)}"
        with self._http.stream("GET", path) as answer:
            return _written(answer.iter_bytes(1 << 20), target)

    def export(self, to: str, folder: str | Path, *, bucket: int = 1) -> Path:
        """Writes what trackers show of it, in their own format by their own library: `to` is tensorboard, mlflow or wandb-offline.
        See loss_ledger.export."""
        from .export import export

        return export(self, to, folder, bucket=bucket)

    # --------------------------------------------------------------------------------------------- figures

    def plot(self, figure: str = "ledger", split: str | None = None) -> Figure:
        """A figure of the report: ledger (of one split), loss, layers, residuals."""
        from . import plot

        return plot.experiment_figure(self, figure, split)


def _path_of(given: object) -> Path:
    if not isinstance(given, (str, os.PathLike)):
        raise InvalidArgument(f"a path or a name is wanted, got {given!r}")
    return Path(given)


def _written(chunks: Iterator[bytes], target: Path) -> Path:
    """A file of what comes, seen whole or not at all: what breaks off, by the API or by Ctrl-C, leaves nothing behind."""
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as out:
            for chunk in chunks:
                out.write(chunk)
        return part.replace(target)
    finally:
        part.unlink(missing_ok=True)

"""The way in: an API, and everything that can be asked of it."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Union

import numpy as np

from . import safetensors, tables
from .arguments import plain, several_ids, whole_id
from .errors import InvalidArgument, NotFound
from .experiment import Experiment
from .http import Http
from .sweep import Sweep

if TYPE_CHECKING:
    import pandas as pd

Spec = Mapping[str, Any]
File = Union[str, Path, IO[bytes], "np.ndarray[Any, Any]"]


class Ledger:
    """An API of Loss Ledger. `url` and `key` are LEDGER_URL (or this machine's port 3000) and LEDGER_API_KEY if absent.

    The key is sent to that API, and to no other host, wherever it redirects to. Nothing is sent before a call.
    """

    def __init__(self, url: str | None = None, key: str | None = None, *, timeout: float = 60.0) -> None:
        url = url or os.environ.get("LEDGER_URL") or "http://127.0.0.1:3000"
        self._http = Http(url, key or os.environ.get("LEDGER_API_KEY") or None, timeout)

    def __repr__(self) -> str:
        return f"Ledger({self._http.base!r})"

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    # ----------------------------------------------------------------------------------------- experiments

    def submit(self, spec: Spec, *, idempotency_key: str | None = None) -> Experiment:
        """Posts an experiment. Raises ApiError with every wrong field and its path. With the same key it is posted once."""
        return Experiment(self._http, self._post("/v1/experiments", spec, idempotency_key))

    def preview(self, spec: Spec) -> dict[str, Any]:
        """What a spec resolves to and costs; nothing is queued."""
        return dict(self._http.json("POST", "/v1/experiments/preview", json=_spec(spec)))

    def experiment(self, id: str) -> Experiment:
        """The experiment of this id; of the beginning of it (4 hexadecimal digits or more); or "last", the newest. Raises
        InvalidArgument for what can be no id, or begins several, and NotFound or ApiError where there is none."""
        return Experiment(self._http, self._http.json("GET", f"/v1/experiments/{self._id_of(id, 'experiment')}", has="id"))

    def _id_of(self, given: object, what: str) -> str:
        whole = whole_id(given, what)
        if whole is not None:
            return whole
        beginning = "" if given == "last" else str(given).lower()
        found: list[Any] = []
        # Newest first, and ids sort by age: behind the first that is smaller there is none.
        for one in self._http.pages(f"/v1/{what}s", {"limit": 1 if given == "last" else 200}):
            start = one["id"][: len(beginning)]
            if start == beginning:
                found.append(one)
            if start < beginning or len(found) > 5 or given == "last":
                break
        if not found:
            raise NotFound(f"there is no {what} yet, so there is no last one" if given == "last" else f"there is no {what} whose id begins with {given}")
        if len(found) > 1:
            told = [f"  {one['id']}  {one['name'] or ''}".rstrip() for one in found[:5]] + ["  …"][: len(found) - 5 if len(found) > 5 else 0]
            raise InvalidArgument("\n".join([f"more than one {what} has an id that begins with {given}:", *told]))
        return str(found[0]["id"])

    def experiments(
        self,
        *,
        status: str | Sequence[str] | None = None,
        tags: Mapping[str, str] | None = None,
        sweep: str | None = None,
        where: str | None = None,
        sort: str | None = None,
    ) -> Iterator[Experiment]:
        """Newest first, page after page; those with all of the tags. `where` and `sort` as docs/querying.md has them:
        where="spec.optimizer.learningRate < 0.1", sort="-validationAccuracy"."""
        if not isinstance(tags or {}, Mapping):
            raise InvalidArgument(f"tags must be a dict, such as {{'study': 'freeze'}}, got {tags!r}")
        tag = [f"{key}:{value}" for key, value in (tags or {}).items()] or None
        asked = {"status": [status] if isinstance(status, str) else status, "tag": tag, "sweep": sweep, "where": where, "sort": sort}
        for one in self._http.pages("/v1/experiments", asked):
            yield Experiment(self._http, one)

    def iterations(
        self,
        experiments: Sequence[Experiment | str],
        split: str | None = None,
        *,
        start: int | None = None,
        stop: int | None = None,
        points: int | None = None,
    ) -> pd.DataFrame:
        """Loss, LCA and residual of every iteration of up to 50 experiments, at most `points` of each; `experiment` says whose."""
        asked = {"id": several_ids(experiments), "split": split, "from": start, "to": stop, "points": points}
        return tables.read_frame(self._http, "/v1/experiments/iterations", asked)

    def compare(
        self,
        experiments: Sequence[Experiment | str],
        *,
        split: str | None = None,
        start: int | None = None,
        stop: int | None = None,
        bucket: int | None = None,
    ) -> dict[str, Any]:
        """2 to 20 experiments beside each other, the others against the first, branches on the axis of what they go back to:
        `specs`, where `weights` part, `layers`, `losses`, and `warnings` of what is not comparable."""
        asked = {"experiments": ",".join(several_ids(experiments)), "split": split, "from": start, "to": stop, "bucket": bucket}
        return dict(self._http.json("GET", "/v1/compare", params=asked))

    def compared(
        self,
        table: str,
        experiments: Sequence[Experiment | str],
        *,
        split: str | None = None,
        start: int | None = None,
        stop: int | None = None,
        bucket: int | None = None,
    ) -> pd.DataFrame:
        """One table of a comparison, a row an experiment: layers, losses or specs."""
        asked = {"experiments": ",".join(several_ids(experiments)), "table": table, "split": split, "from": start, "to": stop, "bucket": bucket}
        return tables.read_frame(self._http, "/v1/compare", asked)

    # ---------------------------------------------------------------------------------------------- sweeps

    def submit_sweep(self, spec: Spec, *, idempotency_key: str | None = None) -> Sweep:
        """Posts a sweep: a `base`, what to `vary`, `seeds`."""
        return Sweep(self._http, self._post("/v1/sweeps", spec, idempotency_key))

    def sweep(self, id: str) -> Sweep:
        """The sweep of this id; of the beginning of it; or "last", the newest. Raises as `experiment` does."""
        return Sweep(self._http, self._http.json("GET", f"/v1/sweeps/{self._id_of(id, 'sweep')}", has="id"))

    def sweeps(self) -> Iterator[Sweep]:
        for one in self._http.pages("/v1/sweeps"):
            yield Sweep(self._http, one)

    # -------------------------------------------------------------------------------------------- datasets

    def datasets(self) -> list[dict[str, Any]]:
        """Those that specs can name."""
        return list(self._http.json("GET", "/v1/datasets", has="items")["items"])

    def upload_dataset(
        self,
        name: str,
        *,
        images: File | None = None,
        labels: File | None = None,
        test_images: File | None = None,
        test_labels: File | None = None,
        npz: File | None = None,
        classes: int | None = None,
        layout: str | None = None,
        values: str | None = None,
        targets: str | None = None,
        vocabulary: int | None = None,
        class_names: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Labelled images under a name: arrays, or files (.npy, IDX, .npz; gzipped or not) that are never in memory whole.

        values: 'numbers' for features, sequences and images of floats, 'tokens' for integers below `vocabulary`; bytes from 0 to 255
        if absent. targets: 'numbers' where labels are to be predicted as numbers, by the loss mean-squared-error.
        """
        files = {"npz": npz, "images": images, "labels": labels, "testImages": test_images, "testLabels": test_labels}
        if all(given is None for given in files.values()):
            raise InvalidArgument("give images and labels, arrays or the paths of files, or npz")
        names = None if class_names is None else json.dumps(plain(list(class_names), "class_names"))
        fields = {"name": name, "classes": classes, "layout": layout, "values": values, "targets": targets}
        fields |= {"vocabulary": vocabulary, "classNames": names}
        with contextlib.ExitStack() as stack:
            parts = [
                (field, (f"{field}.npy" if isinstance(given, np.ndarray) else _name_of(given), stack.enter_context(_opened(given, field))))
                for field, given in files.items()
                if given is not None
            ]
            data = {field: str(value) for field, value in fields.items() if value is not None}
            return dict(self._http.json("POST", "/v1/datasets", data=data, files=parts, timeout=3600))

    def delete_dataset(self, name: str) -> None:
        self._http.send("DELETE", f"/v1/datasets/{_quoted(name)}")

    # ---------------------------------------------------------------------------------------- trajectories

    def upload_trajectory(
        self,
        trajectory: Mapping[str, Any],
        parts: Sequence[Union[str, Path, IO[bytes], Mapping[str, "np.ndarray[Any, Any]"]]],
        *,
        probe: str | Path | IO[bytes] | Mapping[str, np.ndarray[Any, Any]] | None = None,
    ) -> dict[str, Any]:
        """The weights of a training that happened elsewhere: `trajectory` as POST /v1/trajectories has it, `parts` in their
        order, files (safetensors, .npz) or arrays by name. Raises ApiError, which names the tensor that is wrong."""
        if isinstance(parts, (str, Path, Mapping)) or not parts:
            raise InvalidArgument("parts must be a list: files or dicts of arrays by name, one after the other")
        given = [("part", one) for one in parts] + ([("probe", probe)] if probe is not None else [])
        with contextlib.ExitStack() as stack:
            files = [(field, (f"{field}.safetensors" if isinstance(one, Mapping) else _name_of(one), stack.enter_context(_opened(one, field)))) for field, one in given]
            data = {"trajectory": json.dumps(plain(trajectory), allow_nan=False)}
            return dict(self._http.json("POST", "/v1/trajectories", data=data, files=files, timeout=3600))

    def trajectory(self, id: str) -> dict[str, Any]:
        return dict(self._http.json("GET", f"/v1/trajectories/{_quoted(id)}"))

    def trajectories(self) -> Iterator[dict[str, Any]]:
        """Newest first."""
        yield from self._http.pages("/v1/trajectories")

    def delete_trajectory(self, id: str) -> None:
        self._http.send("DELETE", f"/v1/trajectories/{_quoted(id)}")

    # ------------------------------------------------------------------------------------------- catalogue

    def architectures(self) -> list[dict[str, Any]]:
        """What `architecture` of a spec can be, each with the JSON Schema of its options."""
        return list(self._http.json("GET", "/v1/architectures", has="items")["items"])

    def workers(self) -> list[dict[str, Any]]:
        """The workers that live, and what they do."""
        return list(self._http.json("GET", "/v1/workers", has="items")["items"])

    def _post(self, path: str, body: Spec, idempotency_key: str | None) -> Any:
        headers = {} if idempotency_key is None else {"idempotency-key": idempotency_key}
        return self._http.json("POST", path, json=_spec(body), headers=headers, has="id")


def compare(experiments: Sequence[Experiment], split: str = "train", measure: str = "lca") -> pd.DataFrame:
    """One measure of every layer over the whole run of each, a column an experiment, in the order given; layers that one lacks
    are NaN there. Ledger.compare sets them beside each other over the iterations that all have."""
    import pandas as pd

    if not isinstance(experiments, Sequence) or not all(isinstance(one, Experiment) for one in experiments):
        raise InvalidArgument(f"experiments must be a list of Experiment, got {experiments!r}")
    names = [one.data.get("name") or one.id for one in experiments]
    columns = [one.layers(split).set_index("layer")[measure] for one in experiments]
    # Names may be alike, or missing.
    unique = [name if names.count(name) == 1 else f"{name} {one.id}" for name, one in zip(names, experiments)]
    return pd.concat(columns, axis=1, keys=unique, sort=False)


def _spec(given: object) -> object:
    if not isinstance(given, Mapping):
        raise InvalidArgument(f"a spec is a dict, such as {{'dataset': {{'name': 'mnist'}}, …}}; got {given!r:.100}")
    return given


def _quoted(text: object) -> str:
    if not isinstance(text, str) or text == "":
        raise InvalidArgument(f"a name is wanted, got {text!r}")
    return urllib.parse.quote(text, safe="")


def _name_of(given: object) -> str:
    return Path(str(getattr(given, "name", given))).name


@contextlib.contextmanager
def _opened(given: Any, field: str) -> Iterator[IO[bytes]]:
    if isinstance(given, np.ndarray):
        if given.dtype == object:
            raise InvalidArgument(f"{field} is an array of objects: numbers are wanted, np.asarray(…, dtype='uint8')")
        with tempfile.TemporaryFile() as file:
            np.save(file, given, allow_pickle=False)
            file.seek(0)
            yield file
    elif isinstance(given, Mapping):
        with tempfile.TemporaryFile() as file:
            safetensors.write(file, given)
            file.seek(0)
            yield file
    elif isinstance(given, (str, Path)):
        with open(given, "rb") as file:
            yield file
    elif hasattr(given, "read"):
        yield given
    else:
        raise InvalidArgument(f"{field} must be an array of numpy's, or the path of a file, got {type(given).__name__}: np.asarray(…)?")

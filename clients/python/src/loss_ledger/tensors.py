"""Raw tensors: fetched when they are first looked into, kept on disk, mapped into memory."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from .errors import Unreachable
from .http import Http

HEAD_BYTES = 512
CHUNK = 1 << 20
Array = np.ndarray[Any, np.dtype[np.float32]]


def cache_folder() -> Path:
    """Where tensors are kept: LOSS_LEDGER_CACHE, or loss-ledger in the user's cache."""
    given = os.environ.get("LOSS_LEDGER_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "loss-ledger"


class Tensor:
    """A float32 tensor of an experiment that is fetched when it is first looked into, and then memory-mapped.

    `tensor.shape` asks for a few bytes only; `tensor[10:20]`, `tensor.sum()` and whatever else numpy does with it (it is
    `np.asarray(tensor)` that it does it with) fetch the file once, into `cache_folder()`. What is there is asked for by its
    ETag, so that it is never another's.
    """

    def __init__(self, http: Http, path: str, params: dict[str, Any], folder: Path) -> None:
        self._http = http
        self._path = path
        self._params = params
        self._folder = folder
        self._about: tuple[str, int, bool] | None = None
        self._dimensions: tuple[int, ...] | None = None
        self._array: Array | None = None

    def _looked(self) -> tuple[str, int, bool]:
        """ETag, bytes, and whether the ETag is the SHA-256 of the bytes. A HEAD is never redirected."""
        if self._about is None:
            headers = self._http.send("HEAD", self._path, params=self._params).headers
            etag = headers.get("etag", "").strip('"')
            if not etag.isalnum() or "content-length" not in headers:
                raise Unreachable(f"{self._http.origin} does not say what {self._path} is")
            self._about = etag, int(headers["content-length"]), "repr-digest" in headers
        return self._about

    @property
    def shape(self) -> tuple[int, ...]:
        if self._array is not None:
            return tuple(self._array.shape)
        if self._dimensions is None:
            wanted = {"range": f"bytes=0-{HEAD_BYTES - 1}"}
            self._dimensions = _shape(self._http.send("GET", self._path, params=self._params, headers=wanted).content)
        return self._dimensions

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[np.float32]:
        return np.dtype(np.float32)

    @property
    def nbytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * 4

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        where = "fetched" if self._array is not None else "not fetched yet"
        return f"Tensor({self._path.partition('/artifacts/')[2]}, {self._params or 'all'}, {where})"

    def path(self) -> Path:
        """The file, fetched if it is not there: numpy.load(path, mmap_mode="r") reads it."""
        etag, size, hashed = self._looked()
        file = self._folder / f"{etag}.npy"
        if file.exists() and file.stat().st_size == size:
            return file
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=self._folder, suffix=".part")
        try:
            with open(handle, "wb") as out:
                with self._http.stream("GET", self._path, params=self._params) as answer:
                    digest = hashlib.sha256()
                    for chunk in answer.iter_bytes(CHUNK):
                        digest.update(chunk)
                        out.write(chunk)
                if out.tell() != size or (hashed and etag != digest.hexdigest()):
                    raise Unreachable(f"{self._path} came damaged, or not whole: {out.tell()} of {size} bytes")
            # Seen whole or not at all, also by another process that fetches the same.
            os.replace(part, file)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part)
            raise
        return file

    def array(self) -> Array:
        """The tensor, memory-mapped, read-only."""
        if self._array is None:
            self._array = np.load(self.path(), mmap_mode="r", allow_pickle=False)
        return self._array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        array = self.array()
        if dtype is not None and np.dtype(dtype) != array.dtype:
            if copy is False:
                raise ValueError("another dtype wants a copy")
            return array.astype(dtype)
        return np.array(array) if copy else array

    def __getitem__(self, key: Any) -> Any:
        return self.array()[key]

    def sum(self, *args: Any, **kwargs: Any) -> Any:
        """In float64 where nothing else is asked for: float32 loses digits over so many."""
        kwargs.setdefault("dtype", np.float64)
        return self.array().sum(*args, **kwargs)


def _shape(head: bytes) -> tuple[int, ...]:
    """The shape in the header of a .npy file, which must be of float32 in C order."""
    if head[:8] != b"\x93NUMPY\x01\x00":
        raise Unreachable("what should be a .npy file is none")
    end = 10 + int.from_bytes(head[8:10], "little")
    if end > len(head):
        raise Unreachable("the header of a .npy file is longer than any of the API's")
    header = ast.literal_eval(head[10:end].decode("latin1"))
    if header["descr"] != "<f4" or header["fortran_order"]:
        raise Unreachable(f"expected float32 in C order, got {header}")
    return tuple(int(axis) for axis in header["shape"])

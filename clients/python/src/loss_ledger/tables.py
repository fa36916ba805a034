"""Tables of the ledger as DataFrames; as columns of numpy where there is no pandas."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import UnbalancedWarning
from .http import Http, Query

if TYPE_CHECKING:
    import pandas as pd

ARROW = "application/vnd.apache.arrow.stream"
# Columns that hold text also where every cell of an answer is null.
TEXTUAL = {"layer", "variable", "variant", "split", "measure", "experiment", "path", "value"}


def read_frame(http: Http, path: str, params: Query) -> pd.DataFrame:
    """A table as a DataFrame. It comes as an Arrow stream where pyarrow is installed, which is several times faster.

    Warns (UnbalancedWarning) where the books that it is out of do not balance; `frame.attrs["unbalanced"]` says so too.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "DataFrames want pandas: pip install 'loss-ledger[all]'; or ask for columns(…), which are numpy's"
        ) from error
    try:
        import pyarrow as pa
    except ImportError:
        columns, unbalanced = read_columns(http, path, params)
        frame = pd.DataFrame(columns)
    else:
        with http.stream("GET", path, params=params, headers={"accept": ARROW}) as answer:
            http.expect(answer, ARROW)
            unbalanced = answer.headers.get("ledger-unbalanced")
            table = pa.ipc.open_stream(_Reader(answer.iter_bytes())).read_all()
        # Names as text: a dictionary may hold null, which a categorical cannot, and groups of one are those that are empty too.
        plain = [column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in table.columns]
        frame = pa.table(plain, names=table.column_names).to_pandas()
    frame.attrs["unbalanced"] = unbalanced
    warn_unbalanced(unbalanced)
    return frame


def read_columns(http: Http, path: str, params: Query) -> tuple[dict[str, np.ndarray[Any, Any]], str | None]:
    """The columns of a table, float64 (NaN where there is no value) or lists of text as objects, and what is wrong with its books."""
    answer = http.send("GET", path, params=params, headers={"accept": "application/json"})
    rows = http.parsed(answer, "items")["items"]
    names = list(rows[0]) if rows else []
    columns = {
        name: np.array([row[name] for row in rows], dtype=object)
        if name in TEXTUAL or any(isinstance(row[name], str) for row in rows)
        else np.array([np.nan if row[name] is None else row[name] for row in rows])
        for name in names
    }
    return columns, answer.headers.get("ledger-unbalanced")


def warn_unbalanced(words: str | None) -> None:
    if words is not None:
        warnings.warn(f"not to be believed: {words}", UnbalancedWarning, stacklevel=4)


class _Reader:
    """A file to read from, out of chunks as they come: memory holds what Arrow asked for."""

    def __init__(self, chunks: Any) -> None:
        self._chunks = chunks
        self._rest = bytearray()
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._rest += chunk
        size = len(self._rest) if size < 0 else size
        taken = bytes(self._rest[:size])
        del self._rest[:size]
        return taken

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True

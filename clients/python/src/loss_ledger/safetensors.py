"""Safetensors files, written as their documents have it (https://huggingface.co/docs/safetensors): no package for one header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

TYPES = {"<f2": "F16", "<f4": "F32", "<f8": "F64"}


def write(file: IO[bytes], arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Writes arrays of floats, in their order. Raises TypeError for others."""
    header: dict[str, Any] = {}
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    end = 0
    for name, array in plain.items():
        # Little-endian, whatever this machine is.
        kind = array.dtype.newbyteorder("<").str
        if kind not in TYPES:
            raise TypeError(f"{name} must be of floats, and is {array.dtype}")
        header[name] = {"dtype": TYPES[kind], "shape": list(array.shape), "data_offsets": [end, end + array.nbytes]}
        end += array.nbytes
    text = json.dumps(header).encode()
    file.write(len(text).to_bytes(8, "little") + text)
    for array in plain.values():
        file.write(array.astype(array.dtype.newbyteorder("<"), copy=False).data if array.size else b"")

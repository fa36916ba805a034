"""What users give: checked before anything is sent, so that what is wrong is said in a sentence, with where it is."""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from .errors import InvalidArgument

MOST_DEPTH = 100
IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BEGINNING = re.compile(r"[0-9a-f]{4}[0-9a-f-]{0,31}")


def to_json(value: object) -> bytes:
    """JSON of a spec: what numpy, pandas and torch have of numbers, booleans and arrays is taken for what it is. Raises
    InvalidArgument with the path of what JSON has not: NaN, sets, objects."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def plain(value: object, path: str = "$", depth: int = 0) -> Any:
    """The same in nothing but dicts, lists, strings, numbers, booleans and None."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise InvalidArgument(f"{path} has half of a character (a lone surrogate) in it: {value!r}")
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidArgument(f"{path} is {value}: it must be a number, and JSON has no {value}")
        return float(value)
    if depth == MOST_DEPTH:
        raise InvalidArgument(f"{path[:200]}… is nested more than {MOST_DEPTH} deep, or contains itself")
    if isinstance(value, Mapping):
        return {key_of(key, path): plain(one, path_of(path, key), depth + 1) for key, one in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [plain(one, f"{path}[{i}]", depth + 1) for i, one in enumerate(value)]
    if isinstance(value, (PurePath, uuid.UUID)):
        return str(value)
    # numpy's arrays and scalars, torch's tensors, pandas's series.
    listed = getattr(value, "tolist", None)
    if callable(listed):
        return plain(listed(), path, depth + 1)
    if isinstance(value, (set, frozenset)):
        raise InvalidArgument(f"{path} is a set, which has no order: a list, such as sorted(…), says which is first")
    raise InvalidArgument(
        f"{path} is of {type(value).__module__}.{type(value).__qualname__}: it must be a dict, a list, a string, a number, a boolean or None"
    )


def key_of(key: object, path: str) -> str:
    if not isinstance(key, str):
        raise InvalidArgument(f"{path} has the key {key!r}: the names of fields are strings")
    return key


def path_of(path: str, key: object) -> str:
    return f"{path}.{key}" if isinstance(key, str) and key.isidentifier() else f"{path}[{key!r}]"


def header(name: str, value: object) -> str:
    """A value that a header of HTTP can have."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        # It may be a secret.
        raise InvalidArgument(f"{name} must be a string of printable ASCII characters")
    return value


def whole_id(given: object, what: str) -> str | None:
    """The id that is meant, in small letters: a string, a UUID, or what has an `id`. None where it is the beginning of one, or
    `last`: those have to be looked up. Raises InvalidArgument for what cannot be one."""
    typed = str(getattr(given, "id", given) if not isinstance(given, uuid.UUID) else given).lower()
    if IDENTIFIER.fullmatch(typed):
        return typed
    if isinstance(given, str) and (typed == "last" or BEGINNING.fullmatch(typed)):
        return None
    article = "an" if what == "experiment" else "a"
    raise InvalidArgument(
        f"{given!r} is no id of {article} {what}: wanted is its id, the beginning of it (4 hexadecimal digits or more), or 'last' for the newest"
    )


def some_id(given: object) -> str:
    """The id of an experiment that is one of several: an Experiment, or its whole id."""
    found = whole_id(given, "experiment")
    if found is None:
        raise InvalidArgument(f"{given!r} is the beginning of an id: here the whole of it is wanted, or ledger.experiment({given!r})")
    return found


def several_ids(given: object) -> list[str]:
    if isinstance(given, (str, Mapping)) or not hasattr(given, "__iter__"):
        raise InvalidArgument(f"experiments must be a list of experiments or their ids, got {given!r}")
    return [some_id(one) for one in given]

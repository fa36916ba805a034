"""What can go wrong, in the words of the API: every wrong field with its path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class FieldError(NamedTuple):
    """One wrong field: where it is (`$.training.iterations`), and what would be right."""

    path: str
    message: str


class LedgerError(Exception):
    """Anything that this package raises about the API, and about what it is asked for."""


class InvalidArgument(LedgerError, ValueError):
    """What was given to a call is not what it takes; the message says where, and what would be right. Nothing was sent."""


class NotFound(LedgerError, LookupError):
    """There is no experiment or sweep that `last`, or this beginning of an id, could mean."""


class ApiError(LedgerError):
    """The API answered with an error: its `status`, the `problem` as it was sent (empty where something else answered, as the
    message says), and the wrong fields of it."""

    def __init__(self, status: int, problem: Mapping[str, Any], fallback: str) -> None:
        self.status = status
        self.problem = dict(problem)
        self.errors = field_errors(problem.get("errors"))
        words = problem.get("detail") or problem.get("title") or fallback
        super().__init__(lines_of(f"{status} {words}", self.errors))


class Unreachable(LedgerError):
    """There was no answer, or none that an API would give, or it broke off."""


class ExperimentFailed(LedgerError):
    """An experiment that was waited for has failed, or was cancelled: `status`, and what the worker said."""

    def __init__(self, id: str, status: str, error: Mapping[str, Any] | None) -> None:
        self.id = id
        self.status = status
        self.errors = field_errors((error or {}).get("errors"))
        words = f": {error['message']}" if error else ""
        super().__init__(lines_of(f"experiment {id} {status}{words}", self.errors))


class UnbalancedWarning(UserWarning):
    """The books of a split do not balance: its LCA is not to be believed (docs/numbers.md)."""


def field_errors(found: object) -> list[FieldError]:
    """The `errors` of a problem, as far as they are such."""
    if not isinstance(found, list):
        return []
    return [
        FieldError(str(one["path"]), str(one["message"]))
        for one in found
        if isinstance(one, Mapping) and "path" in one and "message" in one
    ]


def lines_of(words: str, errors: list[FieldError]) -> str:
    return "\n".join([words, *(f"  {path}: {message}" for path, message in errors)])

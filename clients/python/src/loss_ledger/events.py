"""Server-sent events (WHATWG HTML, 9.2.6): what happens to an experiment, as it happens."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .errors import ApiError, InvalidArgument, Unreachable
from .http import Http

FINISHED = ("succeeded", "failed", "cancelled")
# The API sends a heartbeat every 15 seconds: without any for so long the connection is dead.
SILENCE = 45.0


class Event(NamedTuple):
    """`status`, `progress`, `iteration` or `decision`; going on after `id` is what Last-Event-ID is for."""

    id: str
    event: str
    data: dict[str, Any]


def stream_events(
    http: Http, id: str, last_event_id: str | None = None, patience: float = 120.0, deadline: float | None = None
) -> Iterator[Event]:
    """The events of an experiment until it has ended. A connection that breaks is made again after the last event, so that
    each comes once; raises what the API says, Unreachable where it is away for longer than `patience` seconds, and
    TimeoutError at the `deadline` (of time.monotonic)."""
    last = last_event_id
    retry = 2.0
    away: float | None = None
    seen = ended = False
    while True:
        try:
            headers = {"accept": "text/event-stream"} | ({"last-event-id": last} if last is not None else {})
            with http.stream("GET", f"/v1/experiments/{id}/events", headers=headers, timeout=SILENCE) as answer:
                if answer.status_code == 204:
                    return
                http.expect(answer, "text/event-stream")
                for name, value in _fields(_until(answer.iter_lines(), deadline)):
                    away, seen = None, True
                    if name == "retry":
                        retry = value
                        continue
                    event = Event(*value)
                    last = event.id
                    ended = event.event == "status" and event.data["status"] in FINISHED
                    yield event
                # The status comes first: what is known of one that has ended follows it.
                if ended:
                    return
        except (Unreachable, ApiError) as error:
            passes = isinstance(error, Unreachable) or error.status == 429 or error.status >= 500
            away = time.monotonic() if away is None else away
            if not passes or not seen or time.monotonic() - away >= patience:
                raise
        _check(deadline)
        time.sleep(retry)


def deadline_of(timeout: float | None) -> float | None:
    """So many seconds from now, of time.monotonic."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise InvalidArgument(f"timeout must be a number of seconds, or None, got {timeout!r}")
    return time.monotonic() + float(timeout)


def _until(lines: Iterable[str], deadline: float | None) -> Iterator[str]:
    for line in lines:
        _check(deadline)
        yield line


def _check(deadline: float | None) -> None:
    if deadline is not None and time.monotonic() >= deadline:
        raise TimeoutError("the experiment has not ended yet, and goes on; wait() follows it again")


def _fields(lines: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Messages of a stream as the standard parses them; what has no data is dropped."""
    id, event = "", "message"
    data: list[str] = []
    for line in lines:
        if line == "":
            if data:
                yield "event", (id, event, json.loads("\n".join(data)))
            event, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            event = value
        elif name == "id":
            id = value
        elif name == "retry" and value.isdecimal():
            yield "retry", int(value) / 1000

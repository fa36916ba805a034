"""Requests to the API: what goes out, what comes back, and where the key may go."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from . import errors

MOST_REDIRECTS = 5
Query = Mapping[str, Any]


class Http:
    """One API, over connections that stay open. The key goes to its origin (scheme, host and port), and nowhere else."""

    def __init__(self, url: str, key: str | None, timeout: float) -> None:
        parsed = httpx.URL(url)
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ValueError(f"{url!r} is not a URL of an API: http://host:port")
        if parsed.userinfo or parsed.query or parsed.fragment:
            raise ValueError("the URL of an API has no user, password, query or fragment; give the key as key=")
        self.base = str(parsed).rstrip("/")
        self.origin = _origin(parsed)
        self._key = key
        # A read may wait for the API's own long polls and heartbeats; connections are either there or not.
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=10),
            follow_redirects=False,
            # A proxy of the environment has no business with this machine itself.
            trust_env=not _is_here(parsed.host),
        )

    def close(self) -> None:
        self._client.close()

    @contextlib.contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        params: Query | None = None,
        json: object = None,
        content: Any = None,
        data: Mapping[str, str] | None = None,
        files: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Iterator[httpx.Response]:
        """The answer with its body still to be read. Raises ApiError for a status of 400 and above, Unreachable for none."""
        url = httpx.URL(self.base + path)
        if params:
            url = url.copy_merge_params({name: _text(value) for name, value in params.items() if value is not None})
        asked: dict[str, Any] = {"json": json, "content": content, "data": data, "files": files}
        body = {name: value for name, value in asked.items() if value is not None}
        if timeout is not None:
            body["timeout"] = httpx.Timeout(timeout, connect=10)
        with _told(self.origin):
            for _ in range(MOST_REDIRECTS + 1):
                sent = dict(headers or {})
                if self._key is not None and _origin(url) == self.origin:
                    sent["authorization"] = f"Bearer {self._key}"
                request = self._client.build_request(method, url, headers=sent, **body)
                response = self._client.send(request, stream=True)
                if not response.has_redirect_location:
                    break
                response.close()
                if method not in ("GET", "HEAD"):
                    raise errors.Unreachable(f"{self.origin} redirects a {method}: is it the address of the API?")
                url = url.join(response.headers["location"])
            else:
                raise errors.Unreachable(f"{self.origin} redirects without end")
            try:
                if response.status_code >= 400:
                    raise _api_error(response)
                yield response
            finally:
                response.close()

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The answer, read to its end. Raises as `stream` does."""
        with self.stream(method, path, **more) as response:
            response.read()
            return response

    def json(self, method: str, path: str, **more: Any) -> Any:
        """The JSON of the answer. Raises as `stream` does, and Unreachable where it is none: something else answers there."""
        response = self.send(method, path, **more)
        try:
            return response.json()
        except ValueError as error:
            raise errors.Unreachable(f"{self.origin} answered with something that is no JSON") from error

    def pages(self, path: str, params: Query | None = None) -> Iterator[Any]:
        """The items of a list, page after page."""
        cursor: str | None = None
        while True:
            page = self.json("GET", path, params={"limit": 200, **(params or {}), "cursor": cursor})
            yield from page["items"]
            cursor = page["nextCursor"]
            if cursor is None:
                return


@contextlib.contextmanager
def _told(origin: str) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise errors.Unreachable(f"no answer from {origin}: {error or type(error).__name__}") from None


def _api_error(response: httpx.Response) -> errors.ApiError:
    response.read()
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    return errors.ApiError(response.status_code, problem if isinstance(problem, dict) else {}, response.reason_phrase)


def _origin(url: httpx.URL) -> str:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
    return f"{url.scheme}://{url.host}:{port}"


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _text(value: object) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return [str(one) for one in value]
    return str(value)

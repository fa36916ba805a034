"""Requests to the API: what goes out, what comes back, and where the key may go."""

from __future__ import annotations

import contextlib
import ipaddress
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from . import errors
from .arguments import header, to_json

MOST_REDIRECTS = 5
# What the words of systems and of OpenSSL mean.
MEANINGS = (
    (r"Connection refused|actively refused", "nothing listens there"),
    (r"Name or service not known|getaddrinfo|nodename nor servname|name resolution", "there is no such host, or its name cannot be looked up"),
    (r"WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|PACKET_LENGTH_TOO_LONG", "it does not speak TLS: http:// instead of https://?"),
    (r"CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted here"),
    (r"unreachable", "the network does not lead there"),
    (r"peer closed connection", "the answer broke off"),
    (r"without sending a response|Connection reset|illegal", "the connection was cut, or what listens there speaks no HTTP (https:// alone?)"),
)
Query = Mapping[str, Any]


class Http:
    """One API, over connections that stay open. The key goes to its origin (scheme, host and port), and nowhere else."""

    def __init__(self, url: str, key: str | None, timeout: float) -> None:
        try:
            parsed = httpx.URL(url.strip())
        except (AttributeError, TypeError, httpx.InvalidURL):
            parsed = httpx.URL("")
        if parsed.scheme not in ("http", "https") or not parsed.host or not 0 <= (parsed.port or 0) < 65536:
            raise errors.InvalidArgument(f"{url!r} is not a URL of an API: http://host:port")
        if parsed.userinfo or parsed.query or parsed.fragment:
            raise errors.InvalidArgument("the URL of an API has no user, password, query or fragment; give the key as key=")
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout < math.inf:
            raise errors.InvalidArgument(f"timeout must be a number of seconds above 0, got {timeout!r}")
        self.base = str(parsed).rstrip("/")
        self.origin = _origin(parsed)
        # As it is read from a file.
        self._key = None if key is None else header("key", key.strip() if isinstance(key, str) else key)
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
        own = {name: header(name, value) for name, value in (headers or {}).items()}
        if json is not None:
            content = to_json(json)
            own.setdefault("content-type", "application/json")
        asked: dict[str, Any] = {"content": content, "data": data, "files": files}
        body = {name: value for name, value in asked.items() if value is not None}
        if timeout is not None:
            body["timeout"] = httpx.Timeout(timeout, connect=10)
        with _told(self.origin):
            for _ in range(MOST_REDIRECTS + 1):
                sent = dict(own)
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
                    raise _api_error(response, method)
                yield response
            finally:
                response.close()

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The answer, read to its end. Raises as `stream` does."""
        with self.stream(method, path, **more) as response:
            response.read()
            return response

    def json(self, method: str, path: str, *, has: str = "", **more: Any) -> Any:
        """The JSON of the answer, an object that has this. Raises as `stream` does, and Unreachable where it is not."""
        return self.parsed(self.send(method, path, **more), has)

    def parsed(self, response: httpx.Response, has: str = "") -> Any:
        """The JSON of an answer. Raises Unreachable where it is none, or lacks what it should have: something else answers there."""
        try:
            found = response.json()
        except ValueError:
            raise errors.Unreachable(f"{self.origin} answers with what is no JSON, so it is no API of Loss Ledger: is that the address?") from None
        if not isinstance(found, dict) or (has and has not in found):
            raise errors.Unreachable(f"{self.origin} answers with JSON that has no {has or 'fields'}: it is no API of Loss Ledger, or none of this version")
        return found

    def expect(self, response: httpx.Response, kind: str) -> None:
        """Raises Unreachable where an answer is not of this media type: something else answers there."""
        found = response.headers.get("content-type", "nothing")
        if not found.startswith(kind):
            raise errors.Unreachable(f"{self.origin} answers with {found} where {kind} is wanted: it is no API of Loss Ledger, or none of this version")

    def pages(self, path: str, params: Query | None = None) -> Iterator[Any]:
        """The items of a list, page after page."""
        cursor: str | None = None
        while True:
            page = self.json("GET", path, params={"limit": 200, **(params or {}), "cursor": cursor}, has="items")
            yield from page["items"]
            cursor = page.get("nextCursor")
            if cursor is None:
                return


@contextlib.contextmanager
def _told(origin: str) -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
        raise errors.Unreachable(f"no answer from {origin}: {_in_words(error)}") from None


def _in_words(error: Exception) -> str:
    said = str(error) or type(error).__name__
    if isinstance(error, httpx.ConnectTimeout):
        return "it takes no connection (10 seconds)"
    if isinstance(error, httpx.TimeoutException):
        return "it took too long; Ledger(…, timeout=…) is how many seconds it may be silent"
    meaning = next((words for pattern, words in MEANINGS if re.search(pattern, said, re.I)), None)
    return said if meaning is None else f"{meaning} ({said})"


def _api_error(response: httpx.Response, method: str) -> errors.ApiError:
    response.read()
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    status, origin = response.status_code, _origin(response.request.url)
    told = isinstance(problem, dict) and ("title" in problem or "detail" in problem)
    # A proxy, a bucket, or whatever else is at a wrong address. What answers a HEAD has no words.
    strange = f"{response.reason_phrase}, and not in the words of the API: is {origin} its address?"
    if told and status == 401:
        problem = {**problem, "detail": f"{problem.get('detail') or problem.get('title')}; give it as key=…, or as LEDGER_API_KEY"}
    return errors.ApiError(status, problem if told else {}, response.reason_phrase if method == "HEAD" else strange)


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
    listed = getattr(value, "tolist", None)
    if callable(listed):
        return _text(listed())
    if isinstance(value, (list, tuple)):
        return [str(one) for one in value]
    return str(value)

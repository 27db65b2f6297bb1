"""Requests that a browser has recorded (HAR 1.2, https://w3c.github.io/web-performance/specs/HAR/Overview.html)."""

from __future__ import annotations

import base64
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from harness.results.records.app_request import SAFE_METHODS, AppRequest
from harness.results.records.credentials import is_credential
from harness.results.records.errors import UsageError
from harness.results.records.text import count, printable
from harness.serving.request_entry import as_sent, why_no_headers

_SHOWN_HOSTS = 5
_FORM = "application/x-www-form-urlencoded"
_SWITCHING_PROTOCOLS = 101
_NOT_MODIFIED = 304
# What belongs to the connection, to the browser's cache or to the place that was recorded.
_LEFT_OUT = frozenset(
    {
        *("accept-encoding", "cache-control", "connection", "content-length", "host", "keep-alive", "pragma"),
        *("proxy-authenticate", "proxy-authorization", "proxy-connection", "referer", "te", "trailer", "trailers"),
        *("transfer-encoding", "upgrade"),
    }
)
_LEFT_OUT_PREFIXES = (":", "if-", "sec-")


class HarRequests(Struct, frozen=True):
    """`said`: one line that says what was taken and what was left out."""

    requests: tuple[AppRequest, ...]
    said: str


class _Pair(Struct):
    name: str
    value: str | None = None


class _PostData(Struct, rename="camel"):
    mime_type: str = ""
    text: str | None = None
    params: list[_Pair] | None = None
    encoding: str | None = None


class _Asked(Struct, rename="camel"):
    method: str
    url: str
    headers: list[_Pair] = []
    post_data: _PostData | None = None


class _Answered(Struct):
    status: int = 0


class _Entry(Struct):
    request: _Asked
    response: _Answered | None = None

    @property
    def host(self) -> str:
        """With the port; empty when it is not HTTP."""
        try:
            url = urlsplit(self.request.url)
        except ValueError:
            return ""
        return url.netloc.rpartition("@")[2].lower() if url.scheme in ("http", "https") else ""


class _Log(Struct):
    entries: list[_Entry]


class _Har(Struct):
    log: _Log


class _Chosen(NamedTuple):
    host: str
    entries: list[_Entry]


def read_har(path: Path, *, host: str | None, with_credentials: bool, unsafe: bool) -> HarRequests:
    """The requests to `host` (None: the one that most of them are to), each of them once: how often it was made is its
    weight. What may change something is only among them with `unsafe`. Raises UsageError."""
    entries = _read(path)
    chosen = _choose(path, entries, host)
    left_out: Counter[str] = Counter({"to other hosts": len(entries) - len(chosen.entries)})
    alike: dict[tuple[object, ...], list[AppRequest]] = {}
    for entry in chosen.entries:
        if entry.request.method.upper() not in SAFE_METHODS and not unsafe:
            left_out["that may change something (add --unsafe)"] += 1
            continue
        try:
            request = _request(entry, with_credentials)
        except ValueError:
            left_out["that cannot be sent"] += 1
            continue
        alike.setdefault((request.method, request.path, request.body, *sorted(request.headers.items())), []).append(
            request
        )
    without = ", ".join(f"{many:,} {what}" for what, many in left_out.items() if many)
    if not alike:
        raise UsageError(f"--har {path}: no request to {printable(chosen.host)} is left; left out: {without}")
    said = [f"{path}: {count(len(alike), 'request')} to {printable(chosen.host)}"]
    if without:
        said.append(f"left out: {without}")
    names = {pair.name for each in chosen.entries for pair in each.request.headers}
    if not with_credentials and any(map(is_credential, names)):
        said.append("sent without its cookies and keys (add --with-credentials)")
    return HarRequests(tuple(_once(same) for same in alike.values()), "; ".join(said))


def _read(path: Path) -> list[_Entry]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--har {path}: cannot be read ({error.strerror})") from error
    try:
        return msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=_Har).log.entries
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        reason = printable(str(error))
        raise UsageError(f"--har {path}: is no HAR file ({reason}); save it in the browser's network panel") from error


def _choose(path: Path, entries: list[_Entry], host: str | None) -> _Chosen:
    hosts = Counter(entry.host for entry in entries if entry.host)
    if not hosts:
        raise UsageError(f"--har {path}: has no HTTP request; record it again, with the network panel open")
    wanted = host.lower() if host else hosts.most_common(1)[0][0]
    chosen = [each for each in entries if each.host == wanted or (host and each.host.rpartition(":")[0] == wanted)]
    if not chosen:
        known = ", ".join(printable(name) for name, _ in hosts.most_common(_SHOWN_HOSTS))
        raise UsageError(f"--har-host {host}: {path} has no request to it; its hosts are {known}")
    return _Chosen(wanted, chosen)


def _request(entry: _Entry, with_credentials: bool) -> AppRequest:
    """Raises ValueError when it cannot be sent."""
    asked, status = entry.request, entry.response.status if entry.response else 0
    if status == _SWITCHING_PROTOCOLS or not re.fullmatch("[A-Za-z]+", asked.method):
        raise ValueError("is no request that has one answer")
    url = urlsplit(asked.url)
    headers = _headers(asked.headers, with_credentials)
    body = _body(asked.post_data)
    kind = asked.post_data.mime_type if asked.post_data and body is not None else ""
    if kind and "content-type" not in {name.lower() for name in headers}:
        headers["Content-Type"] = kind
    if wrong := why_no_headers(headers):
        raise ValueError(wrong)
    return AppRequest(
        method=asked.method.upper(),
        path=as_sent((url.path or "/") + (f"?{url.query}" if url.query else "")),
        headers=headers,
        body=body,
        # Not modified: the browser had the answer already, and we have not. 0: no answer was recorded.
        status=status if status != _NOT_MODIFIED and 100 <= status < 600 else None,
    )


def _headers(recorded: list[_Pair], with_credentials: bool) -> dict[str, str]:
    headers: dict[str, str] = {}
    names: dict[str, str] = {}
    for pair in recorded:
        name = pair.name.lower()
        if name in _LEFT_OUT or name.startswith(_LEFT_OUT_PREFIXES) or (is_credential(name) and not with_credentials):
            continue
        first = names.setdefault(name, pair.name)
        value = pair.value or ""
        headers[first] = f"{headers[first]}{'; ' if name == 'cookie' else ', '}{value}" if first in headers else value
    return headers


def _body(data: _PostData | None) -> bytes | None:
    """Raises ValueError when the recording does not hold it."""
    if data is None or not (data.text or data.params):
        return None
    if data.text:
        return base64.b64decode(data.text, validate=True) if data.encoding == "base64" else data.text.encode()
    if not data.mime_type.startswith(_FORM):
        raise ValueError("has the fields of a multipart body, and not the text between them")
    return urlencode([(pair.name, pair.value or "") for pair in data.params or []]).encode()


def _once(same: list[AppRequest]) -> AppRequest:
    """Of statuses that differ none is the right one."""
    statuses = {request.status for request in same} - {None}
    return msgspec.structs.replace(
        same[0], weight=float(len(same)), status=statuses.pop() if len(statuses) == 1 else None
    )

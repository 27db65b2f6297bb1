"""What of a request is sent: its method, headers and body, checked, and encoded alike for the load and for the check
before it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypedDict
from urllib.parse import urlencode

_PATH = re.compile(r"/[!-~]*")  # visible ASCII: it is sent unchanged, so no spaces, no line ends
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_FIELD_VALUE = re.compile(r"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")  # RFC 9110, 5.5
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
# They say where a message ends and what becomes of the connection, which is the client's business.
_CLIENTS_HEADERS = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
# Without a body they say so: servers wait for one (RFC 9110, 8.6).
_WITH_A_LENGTH = frozenset({"PATCH", "POST", "PUT"})


class RequestParts(TypedDict, total=False):
    """What a request may have beside its path and its answer. At most one of `json` (any JSON value, `None` too: it is
    sent as `null`), `form` (a value may be a list) and `body` (sent as it is; text as UTF-8). `status`: the one that is
    right, whatever the answer."""

    method: str
    headers: Mapping[str, str] | None
    json: Any
    form: Mapping[str, Any] | None
    body: str | bytes | None
    status: int | None


class EncodedRequest(NamedTuple):
    """The Content-Type of `body` is one of the `headers`."""

    method: str
    headers: dict[str, str]
    body: bytes


def encode_request(path: str, parts: RequestParts) -> EncodedRequest:
    """Raises ValueError, one line, for what cannot be sent."""
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path!r} is not / followed by visible ASCII")
    if unknown := sorted(parts.keys() - RequestParts.__optional_keys__):
        there_are = ", ".join(sorted(RequestParts.__optional_keys__))
        raise ValueError(f"{path!r}: no part {unknown[0]!r} of a request; there are {there_are}")
    method = parts.get("method", "GET")
    if reason := _bad_method(method):
        raise ValueError(f"{path!r}: method {method!r} {reason}")
    headers = dict(parts.get("headers") or {})
    for reason in _bad_headers(headers):
        raise ValueError(f"{path!r}: {reason}")
    try:
        kind, body = _body(parts)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path!r}: {' '.join(str(error).split())}") from error
    if kind and "content-type" not in {name.lower() for name in headers}:
        headers = {"Content-Type": kind, **headers}
    return EncodedRequest(method, headers, body)


def check_expectation(path: str, method: str, *, has_answer: bool, sha256: str, status: int | None) -> None:
    """Raises ValueError, one line, unless exactly one thing says what is right, and can come."""
    given = (("an answer", has_answer), ("a SHA-256", sha256), ("a status", status is not None))
    named = [name for name, is_given in given if is_given]
    if not named:
        raise ValueError(f"{path!r}: nothing says what is right; name an answer or a status")
    if len(named) > 1:
        raise ValueError(f"{path!r} has {' and '.join(named)}; leave one out (in a list: None for the answer)")
    if status is not None and not (type(status) is int and 200 <= status <= 599):
        raise ValueError(f"{path!r}: status {status!r} is none of 200 to 599")
    if method == "HEAD" and status is None:
        raise ValueError(f"{path!r}: what answers HEAD has no body; name a status")


def accepting_json(headers: Mapping[str, str]) -> dict[str, str]:
    """`headers`, unless they say themselves what they accept."""
    if "accept" in {name.lower() for name in headers}:
        return dict(headers)
    return {"Accept": "application/json", **headers}


def needs_length(encoded: EncodedRequest) -> bool:
    """Whether it must have a Content-Length."""
    return bool(encoded.body) or encoded.method in _WITH_A_LENGTH


def _bad_method(method: object) -> str:
    if not (isinstance(method, str) and _TOKEN.fullmatch(method)):
        return "is not a token such as POST"
    if method == "CONNECT":
        return "opens a tunnel, which is no request to measure"
    if method not in _METHODS and method.upper() in _METHODS:
        return f"is written {method.upper()}"
    return ""


def _bad_headers(headers: Mapping[Any, Any]) -> Iterator[str]:
    """Values are not repeated: they may be secret."""
    seen: set[str] = set()
    for name, value in headers.items():
        if not (isinstance(name, str) and _TOKEN.fullmatch(name)):
            yield f"header {name!r:.80} is not named with a token such as X-Request-Id"
        elif name.lower() in _CLIENTS_HEADERS:
            yield f"header {name!r:.80} is written by the client; leave it out"
        elif name.lower() in seen:
            yield f"header {name!r:.80} is named twice"
        elif not isinstance(value, str):
            yield f"header {name!r:.80}: its value is not text"
        elif not _FIELD_VALUE.fullmatch(value):
            yield f"header {name!r:.80}: its value is not one line of Latin-1 without blanks around it"
        else:
            seen.add(name.lower())


def _body(parts: RequestParts) -> tuple[str, bytes]:
    """Its Content-Type, empty when only the file can know it, and the body."""
    form, body = parts.get("form"), parts.get("body")
    given = (("json", "json" in parts), ("form", form is not None), ("body", body is not None))
    named = [name for name, is_given in given if is_given]
    if len(named) > 1:
        raise ValueError(f"has {' and '.join(named)}; a request has one body")
    if "json" in parts:
        text = json.dumps(parts["json"], ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return "application/json", text.encode()
    if form is not None:
        return "application/x-www-form-urlencoded", urlencode(list(_fields(form))).encode()
    if body is None or isinstance(body, bytes):
        return "", body or b""
    if not isinstance(body, str):
        raise ValueError("body is neither text nor bytes")
    return "", body.encode()


def _fields(form: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    if not isinstance(form, Mapping):
        raise ValueError("form is not a dict")
    for name, values in form.items():
        for value in values if isinstance(values, list | tuple) else (values,):
            if not isinstance(name, str) or isinstance(value, bool) or not isinstance(value, str | int | float):
                raise ValueError(f"form field {name!r:.80} is neither text nor a number, nor a list of them")
            yield name, str(value)

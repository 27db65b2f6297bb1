"""One `[[request]]` of `bench-app.toml`, and the request that it makes."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from msgspec import UNSET, Meta, Struct, UnsetType

from harness.results.records.app_request import AppRequest
from harness.results.records.values import PositiveFloat

_BODIES = ("json", "form", "body")
_PLACE = re.compile(r"\{[^{}/]*\}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_HEADER_VALUE = re.compile(r"[\t -~\x80-\xff]*\Z")
_OF_THE_CONNECTION = ("connection", "content-length", "transfer-encoding")

Scalar = str | int | float | bool
Pairs = dict[str, Scalar | list[Scalar]]


class RequestEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As it is written in the file. At most one of `json`, `form` and `body` is set."""

    method: Annotated[str, Meta(pattern=r"^[A-Za-z]+\Z")] = "GET"
    path: str
    query: Pairs = {}
    headers: dict[str, str] = {}
    json: Any = UNSET
    form: Pairs | UnsetType = UNSET
    body: str | UnsetType = UNSET
    status: Annotated[int, Meta(ge=100, le=599)] | None = None
    weight: PositiveFloat = 1.0
    ignore: tuple[str, ...] = ()

    def request(self, template: str = "") -> AppRequest:
        """Raises ValueError with a phrase that names the key: "path: put a value in place of {order}"."""
        body, kind = self._encoded()
        headers = dict(self.headers)
        if kind and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = kind
        if wrong := why_no_headers(headers):
            raise ValueError(wrong)
        return AppRequest(
            method=self.method.upper(),
            path=self._path_and_query(),
            template=template,
            headers=headers,
            body=body,
            status=self.status,
            weight=self.weight,
            ignore=self.ignore,
        )

    def _path_and_query(self) -> str:
        if not self.path.startswith("/"):
            raise ValueError(f"path: begin it with /, as in {'/' + self.path!r}")
        if place := _PLACE.search(self.path.partition("?")[0]):
            raise ValueError(f"path: put a value in place of {place[0]}")
        path = as_sent(self.path)
        if not self.query:
            return path
        return f"{path}{'&' if '?' in path else '?'}{_url_encoded(self.query)}"

    def _encoded(self) -> tuple[bytes | None, str]:
        """The body and its Content-Type."""
        given = [name for name in _BODIES if getattr(self, name) is not UNSET]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)}: a request has one body; leave one of them out")
        if self.form is not UNSET:
            return _url_encoded(self.form).encode(), "application/x-www-form-urlencoded"
        if self.body is not UNSET:
            return self.body.encode(), ""
        if self.json is not UNSET:
            return json_text(self.json).encode(), "application/json"
        return None, ""


def json_text(value: Any) -> str:
    """As it is sent. Raises ValueError."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError("json: holds what JSON does not know, such as a date or nan; put it into quotes") from error


def as_sent(path: str) -> str:
    """With what may not stand in a URL percent-encoded, and without the part after `#`, which is never sent. Raises
    ValueError for half of a character."""
    return quote(path.partition("#")[0], safe="/?&=%+:@!$'()*,;~[]-._")


def why_no_headers(headers: dict[str, str]) -> str:
    """What is wrong with them, as a phrase; empty when they can be sent."""
    for name, value in headers.items():
        if not _HEADER_NAME.match(name):
            return f"headers: {name!r} is no name of a header"
        if name.lower() in _OF_THE_CONNECTION:
            return f"headers: {name} is set by whoever sends the request; leave it out"
        if not _HEADER_VALUE.match(value):
            return f"headers: the value of {name} has a line end or a character beyond Latin-1; percent-encode it"
    return ""


def _url_encoded(pairs: Pairs) -> str:
    """As HTML forms are, with `true` and `false` as JSON writes them."""
    return urlencode({name: _in_words(value) for name, value in pairs.items()}, doseq=True)


def _in_words(value: Scalar | list[Scalar]) -> str | list[str]:
    if isinstance(value, list):
        return [_in_word(each) for each in value]
    return _in_word(value)


def _in_word(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

"""A request as a workload file writes it: a list of its path and its answer, or a dict that may name a method, headers
and a body."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from harness.catalog.literal_reader import LiteralReader
from harness.results.records.encoded_request import RequestParts, check_expectation, encode_request
from harness.results.records.workload import Request

_KEY = "REQUESTS"
_Digest = Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")]
_Number = int | float
_FormValue = str | _Number | list[str | _Number]


class ListedRequest(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`["/io?key=1", {"key": 1}]`: what `BenchUser.ask` takes without names."""

    path: str
    answer: Any
    sha256: _Digest = ""


class DescribedRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`{"method": "POST", "path": "/orders", "json": {"item": 1}, "status": 201}`: what it takes by name."""

    path: str
    method: str = "GET"
    headers: dict[str, str] = {}
    json: Any = UNSET
    form: dict[str, _FormValue] | UnsetType = UNSET
    body: str | UnsetType = UNSET
    answer: Any = UNSET
    sha256: _Digest = ""
    status: int | None = None

    @property
    def parts(self) -> RequestParts:
        parts = RequestParts(method=self.method, headers=self.headers)
        if self.json is not UNSET:
            parts["json"] = self.json
        if self.form is not UNSET:
            parts["form"] = self.form
        if self.body is not UNSET:
            parts["body"] = self.body
        return parts


def written_requests(reader: LiteralReader) -> tuple[Request, ...]:
    """Those of REQUESTS; none when there is no such constant. Raises UsageError."""
    written: tuple[ListedRequest | dict[str, Any], ...] = reader.get(
        _KEY, tuple[ListedRequest | dict[str, Any], ...], ()
    )
    requests = []
    for number, each in enumerate(written):
        try:
            described = _described(each) if isinstance(each, ListedRequest) else msgspec.convert(each, DescribedRequest)
            requests.append(_request(described))
        except msgspec.ValidationError as error:
            raise reader.error(_KEY, f"entry {number}: {error}") from error
        except ValueError as error:
            raise reader.error(_KEY, str(error)) from error
    return tuple(requests)


def _described(listed: ListedRequest) -> DescribedRequest:
    answer = UNSET if listed.sha256 and listed.answer is None else listed.answer
    return DescribedRequest(path=listed.path, answer=answer, sha256=listed.sha256)


def _request(written: DescribedRequest) -> Request:
    method, headers, body = encode_request(written.path, written.parts)
    has_answer = written.answer is not UNSET
    if written.answer is None and (written.sha256 or written.status is not None):  # as in a list
        has_answer = False
    check_expectation(written.path, method, has_answer=has_answer, sha256=written.sha256, status=written.status)
    answer = None if written.answer is UNSET else written.answer
    return Request(written.path, answer, written.sha256, method, headers, body.decode(), written.status)

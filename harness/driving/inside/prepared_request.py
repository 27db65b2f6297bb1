"""A request ready to be sent, and what answers it rightly. It is prepared once and looked up from then on."""

from __future__ import annotations

import functools
import marshal
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from harness.driving.inside.answer_checker import answer_checker
from harness.results.records.encoded_request import (
    EncodedRequest,
    RequestParts,
    accepting_json,
    check_expectation,
    encode_request,
    needs_length,
)

# Stands for an answer that is not given. JSON has no such value.
NO_ANSWER: Any = ...
# Of all users together. A scenario may make up its requests, without an end.
_REMEMBERED = 1024
# The last that writes equal values alike, however often something else refers to them.
_MARSHAL_VERSION = 2


class Status(Struct, frozen=True):
    """An answer with this status is the right one, whatever its body; any other is wrong."""

    code: int


class PreparedRequest(Struct, frozen=True):
    """`status`: the one that is right; None: any 2xx whose body `is_right`, which may raise what a predicate of the
    scenario raises."""

    request: bytes
    is_right: Callable[[bytes], bool]
    status: int | None
    is_head: bool
    method: str
    name: str  # the path without its query: one row in Locust's statistics
    url: str


def prepare_request(
    address: tuple[str, int], path: str, answer: Any, sha256: str, parts: RequestParts
) -> PreparedRequest:
    """`answer`: a JSON value, a Status, or a predicate of the body. Raises ValueError, one line."""
    predicate: Callable[[bytes], bool] | None = None
    if isinstance(answer, Status):
        if parts.get("status") is not None:
            raise ValueError(f"{path!r} has {answer} and a status; leave one out")
        answer, parts = NO_ANSWER, {**parts, "status": answer.code}
    elif callable(answer):
        predicate, answer = answer, NO_ANSWER
    # The predicate itself is no part of it: each call may have another.
    asked = (path, answer, sha256, parts, predicate is not None)
    # By value: a scenario may change a body between two requests.
    key = _written(asked)
    prepared = _prepared(address, *asked) if key is None else _remembered(address, key)
    return prepared if predicate is None else replace(prepared, is_right=predicate)


def _written(asked: Any) -> bytes | None:
    """None: it holds what `marshal` does not know, such as a member of an enumeration."""
    try:
        return marshal.dumps(asked, _MARSHAL_VERSION)
    except ValueError:
        return None


@functools.lru_cache(maxsize=_REMEMBERED)
def _remembered(address: tuple[str, int], key: bytes) -> PreparedRequest:
    return _prepared(address, *marshal.loads(key))


def _prepared(
    address: tuple[str, int], path: str, answer: Any, sha256: str, parts: RequestParts, has_predicate: bool
) -> PreparedRequest:
    encoded = encode_request(path, parts)
    status = parts.get("status")
    has_answer = answer is not NO_ANSWER
    if answer is None and (sha256 or status is not None):  # in a list: there is none
        has_answer = False
    check_expectation(path, encoded.method, has_answer=has_predicate or has_answer, sha256=sha256, status=status)
    try:
        is_right = answer_checker(answer if has_answer else None, sha256)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path!r}: its answer is not JSON: {' '.join(str(error).split())}") from error
    host = f"{address[0]}:{address[1]}"
    return PreparedRequest(
        request=_request_bytes(host, path, encoded),
        is_right=is_right,
        status=status,
        is_head=encoded.method == "HEAD",
        method=encoded.method,
        name=path.partition("?")[0],
        url=f"http://{host}{path}",
    )


def _request_bytes(host: str, path: str, encoded: EncodedRequest) -> bytes:
    headers = accepting_json(encoded.headers)
    if "host" not in {name.lower() for name in headers}:
        headers = {"Host": host, **headers}
    if needs_length(encoded):
        headers["Content-Length"] = str(len(encoded.body))
    lines = [f"{encoded.method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + encoded.body

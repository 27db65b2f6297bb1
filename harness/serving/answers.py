"""Are the answers right? Asked before any load: a wrong answer is not worth measuring, however fast it comes."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from harness.results.records.text import printable
from harness.results.records.workload import Request, Workload

MAX_ANSWER_BYTES = 1024 * 1024
_CHUNK_BYTES = 65536
_SHOWN_CHARS = 120
_NOT_FOUND = 404


class AnswerCheck(Struct, frozen=True):
    """`error` is one line, when `failed`: the workload, what was asked, what came and what should have."""

    status: Literal["ok", "not_applicable", "failed"]
    error: str = ""


class _WrongError(Exception):
    """`str()` follows the request's path in the verdict's line."""


def check_answers(
    host: str, port: int, workload: Workload, timeout_s: float, *, at_most: int | None = None
) -> AnswerCheck:
    """Ask every distinct request of `workload` (or the first `at_most`) once, each within `timeout_s`, on one
    keep-alive connection.

    Equal means the same JSON value: `1` is neither `1.0` nor `true`. A route that is not there (404) is "not
    applicable", unless an earlier request of the workload was answered. A bad answer is a verdict, never an exception.
    """
    connection = http.client.HTTPConnection(host, port)
    try:
        for number, request in enumerate(_distinct(workload.requests)[:at_most]):
            try:
                status, body = _fetch(connection, request.path, timeout_s)
            except _WrongError as wrong:
                return AnswerCheck("failed", f"{workload.name}: {request.path} {wrong}")
            if status == _NOT_FOUND and number == 0:
                return AnswerCheck("not_applicable")
            if wrong_with := _difference(status, body, request.answer):
                return AnswerCheck("failed", f"{workload.name}: {request.path} {wrong_with}")
    finally:
        connection.close()
    return AnswerCheck("ok")


def _distinct(requests: Sequence[Request]) -> list[Request]:
    return list({request.path: request for request in requests}.values())


def _fetch(connection: http.client.HTTPConnection, path: str, timeout_s: float) -> tuple[int, bytes]:
    deadline_s = time.monotonic() + timeout_s
    connection.timeout = timeout_s  # of connecting; later ones are set as time goes by
    try:
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        connection.request("GET", path)
        response = connection.getresponse()
        body = b""
        while chunk := response.read1(_CHUNK_BYTES):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise _WrongError(f"answered with more than {MAX_ANSWER_BYTES:,} bytes")
            if (left_s := deadline_s - time.monotonic()) <= 0:
                raise TimeoutError
            if connection.sock is not None:
                connection.sock.settimeout(left_s)
        response.close()  # read1 leaves a response of known length open (CPython 3.11), and the next must wait for it
    except TimeoutError as error:
        raise _WrongError(f"did not answer within {timeout_s:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        raise _WrongError(f"ended without an answer ({type(error).__name__})") from error
    return response.status, body


def _difference(status: int, body: bytes, expected: Any) -> str:
    """What is wrong with an answer, in words; empty when nothing is."""
    shown = _short(body.decode(errors="replace"))
    if status != 200:
        return f"answered {status} ({shown})"
    try:
        answer = json.loads(body)
    except ValueError:
        return f"answered what is not JSON ({shown})"
    if _canonical(answer) != _canonical(expected):
        return f"answered {shown}, expected {_short(_canonical(expected))}"
    return ""


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "..."

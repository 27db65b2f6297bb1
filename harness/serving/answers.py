"""Are the answers right? Asked before any load: a wrong answer is not worth measuring, however fast it comes."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from time import monotonic
from typing import Any, Literal

from msgspec import Struct

from harness.processes.ask import AskError, ask
from harness.results.records.answer import canonical_json, is_success
from harness.results.records.text import printable
from harness.results.records.workload import Request, Workload

_SHOWN_CHARS = 120
_NOT_FOUND = 404


class AnswerCheck(Struct, frozen=True):
    """`error` is one line, when `failed`: the workload, what was asked, what came and what should have. `answer_s`: the
    time of the fastest answer, connecting included."""

    status: Literal["ok", "not_applicable", "failed"]
    error: str = ""
    answer_s: float = 0.0


def check_answers(
    host: str, port: int, workload: Workload, timeout_s: float, *, at_most: int | None = None
) -> AnswerCheck:
    """Ask every distinct request of `workload` (or the first `at_most`) once, each within `timeout_s` and on a
    connection of its own: of several workers more than one may answer.

    What is right is said in `harness.results.records.answer`, for the load too. A route that is not there (404) is "not
    applicable", unless an earlier request of the workload was answered. A bad answer is a verdict, never an exception.
    """
    fastest_s = math.inf
    for number, request in enumerate(_distinct(workload.requests)[:at_most]):
        began_s = monotonic()
        try:
            answer = ask(host, port, request.path, timeout_s=timeout_s)
        except AskError as error:
            return AnswerCheck("failed", f"{workload.name}: {request.path}: {error}")
        if answer.status == _NOT_FOUND and number == 0:
            return AnswerCheck("not_applicable")
        fastest_s = min(fastest_s, monotonic() - began_s)
        if wrong_with := _difference(answer.status, answer.body, request.answer):
            return AnswerCheck("failed", f"{workload.name}: {request.path} {wrong_with}")
    return AnswerCheck("ok", answer_s=0.0 if fastest_s == math.inf else fastest_s)


def _distinct(requests: Sequence[Request]) -> list[Request]:
    return list({request.path: request for request in requests}.values())


def _difference(status: int, body: bytes, expected: Any) -> str:
    """What is wrong with an answer, in words; empty when nothing is."""
    shown = _short(body.decode(errors="replace"))
    if not is_success(status):
        return f"answered {status} ({shown})"
    try:
        right = canonical_json(json.loads(body)) == canonical_json(expected)
    except (ValueError, RecursionError):  # RecursionError: nested deeper than Python can follow
        return f"answered what is not JSON ({shown})"
    if not right:
        return f"answered {shown}, expected {_short(canonical_json(expected))}"
    return ""


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "..."

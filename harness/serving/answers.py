"""Are the answers right? Asked before any load: a wrong answer is not worth measuring, however fast it comes."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from time import monotonic
from typing import Literal

from msgspec import Struct

from harness.processes.ask import AskError, HttpAnswer, ask
from harness.results.records.answer import canonical_json, is_refusal, is_success, json_sha256
from harness.results.records.encoded_request import accepting_json
from harness.results.records.text import printable
from harness.results.records.workload import Request, Workload

_SHOWN_CHARS = 120
_NOT_FOUND = 404
_METHOD_NOT_ALLOWED = 405
# Whoever sheds load or gives up at a deadline may answer the next time. Of the waits of `tail` about one in twenty is
# longer than the deadline of `deadline`: nine in a row are one in 10^11.
_ASKED_AGAIN = 8


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

    What is right is said in `harness.results.records.answer`, for the load too. A route that is not there (404, or 405
    for another method than GET) is "not applicable", unless that is right, or an earlier request of the workload was
    answered. What is refused (503, 504) is asked again, a few times. A bad answer is a verdict, never an exception.
    """
    fastest_s = math.inf
    requests = _distinct(workload.requests)
    same_name = Counter(request.name for request in requests)
    for number, request in enumerate(requests[:at_most]):
        name = request.name if same_name[request.name] == 1 else f"{request.name} (request {number + 1})"
        try:
            answer, took_s = _ask_again_if_refused(host, port, request, timeout_s)
        except AskError as error:
            return AnswerCheck("failed", f"{workload.name}: {name}: {error}")
        if number == 0 and _is_not_there(answer.status, request):
            return AnswerCheck("not_applicable")
        fastest_s = min(fastest_s, took_s)
        if wrong_with := _difference(answer.status, answer.body, request):
            return AnswerCheck("failed", f"{workload.name}: {name} {wrong_with}")
    return AnswerCheck("ok", answer_s=0.0 if fastest_s == math.inf else fastest_s)


def _is_not_there(status: int, request: Request) -> bool:
    if status == request.status:
        return False
    return status == _NOT_FOUND or (status == _METHOD_NOT_ALLOWED and request.method != "GET")


def _ask_again_if_refused(host: str, port: int, request: Request, timeout_s: float) -> tuple[HttpAnswer, float]:
    """The answer, and how long the request took that got it."""
    for _ in range(1 + _ASKED_AGAIN):
        began_s = monotonic()
        answer = ask(
            host,
            port,
            request.path,
            timeout_s=timeout_s,
            method=request.method,
            headers=accepting_json(request.headers),
            body=request.body.encode(),
        )
        took_s = monotonic() - began_s
        if answer.status == request.status or not is_refusal(answer.status):
            break
    return answer, took_s


def _distinct(requests: Sequence[Request]) -> list[Request]:
    return list({request.identity: request for request in requests}.values())


def _difference(status: int, body: bytes, request: Request) -> str:
    """What is wrong with an answer, in words; empty when nothing is."""
    shown = _short(body.decode(errors="replace"))
    if request.status is not None:
        return "" if status == request.status else f"answered {status} ({shown}), expected {request.status}"
    if not is_success(status):
        return f"answered {status} ({shown})"
    try:
        value = json.loads(body)
        came, expected = canonical_json(value), canonical_json(request.answer)
    except (ValueError, RecursionError):  # RecursionError: nested deeper than Python can follow
        return f"answered what is not JSON ({shown})"
    if request.sha256:
        digest = json_sha256(value)
        return "" if digest == request.sha256 else f"answered {shown} of SHA-256 {digest}, expected {request.sha256}"
    return "" if came == expected else f"answered {shown}, expected {_short(expected)}"


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "..."

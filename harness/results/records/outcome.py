"""How a scheduled request ended, and what that is called wherever it is shown or judged."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Outcome(StrEnum):
    """How a scheduled request ended: exactly one of these."""

    OK = "ok"
    WRONG_ANSWER = "wrong_answer"
    HTTP_ERROR = "http_error"
    REFUSED = "refused"  # 503 or 504: the server says itself that it does not answer this one
    TIMEOUT = "timeout"
    CONNECTION_ERROR = "connection_error"
    NOT_SENT = "not_sent"


# Something answered, or broke, and it was not the right answer.
ERRORS = (Outcome.WRONG_ANSWER, Outcome.HTTP_ERROR, Outcome.CONNECTION_ERROR)
# Nothing went wrong, only the answer did not come in time. A request that was not sent waited for a free user until the
# drain was over: the users were all waiting for the server.
TOO_LATE = (Outcome.TIMEOUT, Outcome.NOT_SENT)
# A refusal is neither: a server that sheds load, or gives up at its own deadline, does what it was built for. It is no
# goodput all the same.


_WORDS = {
    Outcome.OK: ("right answer", "right answers"),
    Outcome.WRONG_ANSWER: ("wrong answer", "wrong answers"),
    Outcome.HTTP_ERROR: ("HTTP error", "HTTP errors"),
    Outcome.REFUSED: ("refused", "refused"),
    Outcome.TIMEOUT: ("timeout", "timeouts"),
    Outcome.CONNECTION_ERROR: ("connection error", "connection errors"),
    Outcome.NOT_SENT: ("not sent", "not sent"),
}


def in_words(outcome: Outcome, many: int) -> str:
    """1 timeout, 1,200 timeouts, 3 not sent"""
    return f"{many:,} {_WORDS[outcome][many != 1]}"


def error_count(outcomes: Mapping[Outcome, int]) -> int:
    """How many requests ended in an error; those that were too late are not among them."""
    return sum(outcomes.get(outcome, 0) for outcome in ERRORS)


def too_late_count(outcomes: Mapping[Outcome, int]) -> int:
    """How many requests had no answer in time, those that could not be sent in time among them."""
    return sum(outcomes.get(outcome, 0) for outcome in TOO_LATE)


def refused_count(outcomes: Mapping[Outcome, int]) -> int:
    """How many requests the server refused by itself."""
    return outcomes.get(Outcome.REFUSED, 0)

"""How a scheduled request ended."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """How a scheduled request ended: exactly one of these."""

    OK = "ok"
    WRONG_ANSWER = "wrong_answer"
    HTTP_ERROR = "http_error"
    TIMEOUT = "timeout"
    CONNECTION_ERROR = "connection_error"
    NOT_SENT = "not_sent"

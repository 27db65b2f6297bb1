"""Literal constants of one file as values of the right type."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from harness.catalog import literals
from harness.catalog.literals import Module
from harness.results.records.errors import UsageError

_V = TypeVar("_V")
# How each literal is written, for error messages.
EXAMPLES = {
    "SERVER": 'SERVER = {"workers": "cores", "loop": "uvloop"}',
    "PARAMS": 'PARAMS = {"threads": 8}',
    "CHOICES": 'CHOICES = {"client": ["httpx", "aiohttp"]}',
    "IN_FLIGHT": 'IN_FLIGHT = 40, or IN_FLIGHT = "threads" for a parameter',
    "CONNECTIONS": 'CONNECTIONS = 15, or CONNECTIONS = "connections" for a parameter',
    "REQUIRES": 'REQUIRES = ">=3.14"',
    "REQUESTS": 'REQUESTS = [["/io?wait_ms=100&key=1", {"key": 1, "value": 2}]], or '
    '[{"method": "POST", "path": "/orders", "json": {"item": 1}, "status": 201}]',
    "WAIT_MS": "WAIT_MS = 100",
    "WAIT_SIGMA": "WAIT_SIGMA = 0.8",
    "CALLS": "CALLS = 1",
    "QUERIES": "QUERIES = 1",
    "SERVICES": 'SERVICES = ["upstream"]',
}


class LiteralReader:
    """The constants of one module."""

    def __init__(self, module: Module, shown: str) -> None:
        self._constants = module.constants
        self._shown = shown

    def get(self, key: str, kind: Any, default: _V) -> _V:
        """The value of `key`, or `default`. Raises UsageError when it is not a `kind`, or when JSON (`run.json`) would
        change it."""
        if key not in self._constants:
            return default
        try:
            value: _V = msgspec.convert(self._constants[key].value, kind)
            if msgspec.json.decode(msgspec.json.encode(value), type=kind) == value:
                return value
        except (msgspec.MsgspecError, OverflowError, RecursionError, TypeError, ValueError) as error:
            raise self.error(key, str(error)) from error
        raise self.error(key, "JSON cannot hold it")

    def has(self, key: str) -> bool:
        return key in self._constants

    def error(self, key: str, reason: str) -> UsageError:
        constant = self._constants[key]
        value = literals.brief(constant.value)
        reason = " ".join(reason.split())  # it may quote a key of the file, line ends included
        return UsageError(f"{self._shown}:{constant.line}: {key} = {value}: {reason}; write it like {EXAMPLES[key]}")

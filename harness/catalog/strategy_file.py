"""What a strategy file and a workload file say about themselves, with every literal's type and range checked."""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from harness import literals
from harness.literals import Module, NotPythonError
from harness.model import Name, PositiveInt, Request, ServerOptions, Strategy, UsageError, Workload

_V = TypeVar("_V")
Params = dict[str, int | float | str]

# How each literal is written: the way out of an error.
_EXAMPLES = {
    "SERVER": 'SERVER = {"workers": "cores", "loop": "uvloop"}',
    "PARAMS": 'PARAMS = {"threads": 8}',
    "IN_FLIGHT": 'IN_FLIGHT = 40, or IN_FLIGHT = "threads" for a parameter',
    "REQUIRES": 'REQUIRES = ">=3.14"',
    "REQUESTS": 'REQUESTS = [["/io?wait_ms=100&key=1", {"key": 1, "value": 2}]]',
    "WAIT_MS": "WAIT_MS = 100",
    "CALLS": "CALLS = 1",
}
_STRATEGY_LITERALS = ("SERVER", "PARAMS", "IN_FLIGHT", "REQUIRES")
_WORKLOAD_LITERALS = ("REQUESTS", "WAIT_MS", "CALLS")

# With these names, BENCH_<PARAM> would be what harness, services and targets tell each other.
_RESERVED_PARAMS = frozenset(
    {"probe_dir", "target", "token", "tree", "trial_token", "upstream", "upstream_seed", "upstream_sigma"}
)
_PATH = re.compile(r"/[!-~]*")  # visible ASCII: it is sent as it stands, so no blank and no line end
_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(\d{1,4}(?:\.\d{1,4}){0,2})\s*")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


def read_strategy(path: Path, shown: str, cores: int) -> Strategy:
    """The strategy in `path`, called `shown` in errors; a parameter "cores" becomes `cores`. Raises UsageError."""
    try:
        module = literals.read(path, shown, _STRATEGY_LITERALS)
    except NotPythonError:
        # What a newer Python may well be able to read is not broken, it is not applicable here.
        requires = literals.find_string(path, "REQUIRES")
        if requires is not None and _is_requirement(requires) and unmet(requires):
            return Strategy(name=path.stem, title=path.stem, description="", path=shown, requires=requires)
        raise
    reader = _Reader(module, shown)
    params = _params(reader, cores)
    in_flight, in_flight_param = _in_flight(reader, params)
    requires = reader.get("REQUIRES", str | None, None)
    if requires is not None and not _is_requirement(requires):
        raise reader.error("REQUIRES", "not Python versions with >=, <=, >, <, == or !=")
    return Strategy(
        name=path.stem,
        title=module.title or path.stem,
        description=module.description,
        path=shown,
        server=reader.get("SERVER", ServerOptions, ServerOptions()),
        params=params,
        in_flight=in_flight,
        in_flight_param=in_flight_param,
        requires=requires,
        routes=module.routes,
    )


def read_workload(path: Path, shown: str) -> Workload:
    """The workload in `path`, called `shown` in errors. Raises UsageError."""
    module = literals.read(path, shown, _WORKLOAD_LITERALS)
    reader = _Reader(module, shown)
    wait_ms = reader.get("WAIT_MS", Annotated[float, Meta(ge=0, le=60_000)], 0.0)
    calls = reader.get("CALLS", Annotated[int, Meta(ge=0, le=1000)], 0)
    if wait_ms > 0 and calls == 0:
        raise reader.error("WAIT_MS", "without CALLS nothing waits; add how many upstream calls a request makes")
    return Workload(
        name=path.stem,
        title=module.title or path.stem,
        description=module.description,
        path=shown,
        requests=_requests(reader, shown),
        wait_ms=wait_ms,
        calls=calls,
    )


def unmet(requires: str | None, python: tuple[int, int, int] = sys.version_info[:3]) -> str:
    """Why a strategy that `requires` this is not applicable under `python`; empty when it is."""
    for symbol, version in _CLAUSE.findall(requires or ""):
        wanted = tuple(int(part) for part in version.split("."))
        if not _OPERATORS[symbol](python[: len(wanted)], wanted):
            return f"needs Python {requires}, and this is {'.'.join(map(str, python))}"
    return ""


def nearest(name: str, known: Sequence[str]) -> str:
    """The way out for a name that is not known."""
    from difflib import get_close_matches  # noqa: PLC0415 - only an error needs it

    near = get_close_matches(name, known, n=1)
    there_are = f"there are: {', '.join(known)}" if known else "there are none"
    return f"did you mean {near[0]!r}? ({there_are})" if near else there_are


def _is_requirement(text: str) -> bool:
    return all(_CLAUSE.fullmatch(clause) for clause in text.split(","))


def _params(reader: _Reader, cores: int) -> Params:
    params: dict[str, int | float | str] = reader.get("PARAMS", dict[Name, int | float | str], {})
    for name, value in params.items():
        if name in _RESERVED_PARAMS:
            raise reader.error("PARAMS", f"BENCH_{name.upper()} is taken; choose another name than {name!r}")
        if isinstance(value, str) and not value.isprintable():
            raise reader.error("PARAMS", f"{name!r} holds what an environment variable should not")
    return {name: cores if value == "cores" else value for name, value in params.items()}


def _in_flight(reader: _Reader, params: Mapping[str, int | float | str]) -> tuple[int | None, str | None]:
    """The number, and the parameter that it is the value of."""
    given = reader.get("IN_FLIGHT", PositiveInt | str | None, None)
    if not isinstance(given, str):
        return given, None
    if given not in params:
        raise reader.error("IN_FLIGHT", f"PARAMS has no {given!r}; {nearest(given, sorted(params))}")
    value = params[given]
    if not isinstance(value, int) or value < 1:
        raise reader.error("IN_FLIGHT", f"PARAMS says {given!r} is {value!r}, which is no number of calls")
    return value, given


def _requests(reader: _Reader, shown: str) -> tuple[Request, ...]:
    requests: tuple[Request, ...] = reader.get("REQUESTS", tuple[Request, ...], ())
    if not requests:
        raise UsageError(f"{shown}: has no REQUESTS; write them like {_EXAMPLES['REQUESTS']}")
    answers: dict[str, Any] = {}
    for request in requests:
        if not _PATH.fullmatch(request.path):
            raise reader.error("REQUESTS", f"{request.path!r} is not / followed by visible ASCII")
        if answers.setdefault(request.path, request.answer) != request.answer:
            raise reader.error("REQUESTS", f"{request.path!r} has two answers")
    return requests


class _Reader:
    """The constants of one module."""

    def __init__(self, module: Module, shown: str) -> None:
        self._constants = module.constants
        self._shown = shown

    def get(self, key: str, kind: Any, default: _V) -> _V:
        """The value of `key` as a `kind` that survives `run.json` unchanged, or `default`; UsageError if it is not."""
        if key not in self._constants:
            return default
        try:
            value: _V = msgspec.convert(self._constants[key].value, kind)
            if msgspec.json.decode(msgspec.json.encode(value), type=kind) == value:
                return value
        except (msgspec.MsgspecError, OverflowError, RecursionError, TypeError, ValueError) as error:
            raise self.error(key, str(error)) from error
        raise self.error(key, "JSON cannot hold it")

    def error(self, key: str, reason: str) -> UsageError:
        constant = self._constants[key]
        value = literals.brief(constant.value)
        return UsageError(f"{self._shown}:{constant.line}: {key} = {value}: {reason}; write it like {_EXAMPLES[key]}")

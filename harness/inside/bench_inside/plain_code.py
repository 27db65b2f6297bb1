"""Which functions cannot wait for anything: those that call nothing but some of Python's own functions, on plain data.

What waits for half a millisecond, such as for a local database, cannot be told by its time from what goes through a
thread and back. On the event loop it would block all requests on the day on which it waits for longer.
"""

from __future__ import annotations

import builtins
import dis
import functools
from types import CodeType, FunctionType
from typing import Any

_DATA = (bool, int, float, complex, str, bytes, tuple, list, dict, set, frozenset, type(None))
_HARMLESS = {
    *("abs", "bool", "chr", "divmod", "float", "hex", "int", "isinstance", "len", "oct", "ord", "round", "str"),
}
# What may lead to any code: attributes and methods, imports, context managers.
_ANYWHERE = {
    *("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "LOAD_NAME", "LOAD_BUILD_CLASS", "IMPORT_NAME", "IMPORT_FROM"),
    *("SETUP_WITH", "BEFORE_WITH", "LOAD_SPECIAL"),
}
_JUMPS = frozenset([*dis.hasjrel, *dis.hasjabs])
_RUNS_LATER = 0x20 | 0x80 | 0x200  # CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR


def cannot_wait(function: Any) -> bool:
    """`function` must get plain data only."""
    if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
        return False
    code = function.__code__
    return not code.co_freevars and not code.co_flags & _RUNS_LATER and _is_plain(function)


@functools.lru_cache(maxsize=1024)
def _is_plain(function: FunctionType) -> bool:
    left = [function.__code__]
    while left:
        code = left.pop()
        left += [each for each in code.co_consts if isinstance(each, CodeType)]
        for step in dis.get_instructions(code):
            if step.opcode in _JUMPS and step.argval <= step.offset:
                return False  # a loop may take as long as what it is given
            is_global = step.opname == "LOAD_GLOBAL"
            if step.opname in _ANYWHERE or (is_global and not _is_harmless(step.argval, function.__globals__)):
                return False
    return True


def _is_harmless(name: str, known: dict[str, Any]) -> bool:
    if name in known:
        return type(known[name]) in _DATA
    return name in _HARMLESS and hasattr(builtins, name)

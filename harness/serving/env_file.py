"""Variables for somebody's own app, from a file as `python-dotenv` reads it: what uvicorn's own `--env-file` uses."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from harness.results.records.errors import UsageError

_LINE = re.compile(
    r"""
    [^\S\n]* (?:export[^\S\n]+)?
    (?: '(?P<quoted_name>[^'\n]+)' | (?P<name>[^=\#\s'"]+) ) [^\S\n]* = (?P<blank>[^\S\n]*+)
    (?: '(?P<single>(?:\\.|[^'\\])*)' | "(?P<double>(?:\\.|[^"\\])*)" | (?P<bare>[^'"\n][^\n]*|) )
    [^\S\n]* (?:\#[^\n]*)? (?:\n|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_WITHOUT_VALUE = re.compile(r"[^\S\n]*(?:export[^\S\n]+)?[A-Za-z_][A-Za-z0-9_.]*[^\S\n]*(?:\#[^\n]*)?(?:\n|\Z)")
_NOTHING = re.compile(r"[^\S\n]*(?:\#[^\n]*)?(?:\n|\Z)")
_COMMENT = re.compile(r"\s+#.*")
_REFERENCE = re.compile(r"\$\{(?P<name>[^}:]*)(?::-(?P<default>[^}]*))?\}")
_ESCAPES = {**{letter: letter for letter in "\\'\""}, **dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))}


def read_env_file(path: Path) -> dict[str, str]:
    """Raises UsageError, which names the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--env-file {path}: cannot be read ({error})") from error
    try:
        return variables_of(text, os.environ)
    except ValueError as error:
        raise UsageError(f"--env-file {path}:{error}") from error


def variables_of(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    """`${NAME}` stands for a variable of a line above, else of `environment`. Raises ValueError with the number of the
    line and what is wrong; the line itself may hold a secret."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        number = text.count("\n", 0, at) + 1
        entry = _LINE.match(text, at)
        nothing = None if entry else _NOTHING.match(text, at)
        if entry is not None:
            value = _value(entry)
            if "\0" in entry[0]:
                raise ValueError(f"{number}: holds a null character, which no variable can")
            found[entry["quoted_name"] or entry["name"]] = _resolved(value, {**environment, **found})
        elif bare := _WITHOUT_VALUE.match(text, at):  # valid there, and sets nothing
            at = bare.end()
            continue
        elif nothing is None:
            raise ValueError(f"{number}: is not NAME=value, or a quote in it is never closed")
        at = (entry or nothing).end()  # type: ignore[union-attr]
    return found


def _value(entry: re.Match[str]) -> str:
    if entry["single"] is not None:
        return re.sub(r"\\([\\'])", r"\1", entry["single"])
    if entry["double"] is not None:
        return re.sub(r"\\([\\'\"abfnrtv])", lambda escape: _ESCAPES[escape[1]], entry["double"])
    return _COMMENT.sub("", entry["blank"] + entry["bare"]).strip()


def _resolved(value: str, known: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda found: known.get(found["name"], found["default"] or ""), value)

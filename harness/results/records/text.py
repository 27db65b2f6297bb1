"""How records and foreign text become bytes and lines."""

from __future__ import annotations

import msgspec
from msgspec import Struct


def printable(text: str) -> str:
    """Text from elsewhere in one line without control characters: nothing in it can steer a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))


def is_utf8(text: str) -> bool:
    """False for the name of a file in another encoding, as Python reads it: no record and no page can hold that."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def count(many: int, one: str, several: str = "") -> str:
    """1 slice, 2 slices."""
    return f"{many:,} {one if many == 1 else several or one + 's'}"


def to_json(value: Struct) -> bytes:
    """Stable, indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"

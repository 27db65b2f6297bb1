"""The limits of a gate as people write them: `--max-blocked 20ms --max-p99 300ms --at 50rps`."""

from __future__ import annotations

import re

from harness.results.records.errors import UsageError

_UNITS_MS = {"ms": 1.0, "s": 1000.0, "": 1.0}
_MOST_MS = 3_600_000.0
_MOST_RPS = 86_400.0  # as of a phase, `harness.results.records.values.PositiveFloat`


def milliseconds(text: str, option: str) -> float:
    """Of "20ms", "0.3s" or "20"; raises UsageError, which names the `option`."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?(ms|s|)", text.strip())
    value_ms = float(found[1]) * _UNITS_MS[found[2]] if found else -1.0
    if not 0 <= value_ms <= _MOST_MS:
        raise UsageError(f"{option} {text}: is not a time of at most an hour; write it like 20ms or 0.3s")
    return value_ms


def arrivals_rps(text: str, option: str = "--at") -> float:
    """Arrivals per second of "50rps", "50/s" or "50"; raises UsageError."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?(rps|/s|)", text.strip())
    value_rps = float(found[1]) if found else 0.0
    if not 0 < value_rps <= _MOST_RPS:
        raise UsageError(f"{option} {text}: is not a rate of at most {_MOST_RPS:,.0f}/s; write it like 50rps or 50/s")
    return value_rps


def check_gate(max_p99_ms: float | None, at_rps: float | None) -> None:
    """Raises UsageError where a p99 has no rate."""
    if max_p99_ms is not None and at_rps is None:
        raise UsageError(f"--max-p99 {max_p99_ms:g}ms: at which rate? add --at, such as --at 50rps")

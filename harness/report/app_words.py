"""What is said of somebody's own app in words that the terminal, the page and the exports share."""

from __future__ import annotations

from harness.analysis.blocking_lines import BlockingLine
from harness.analysis.measured_remedies import MeasuredRemedy
from harness.report import wording
from harness.results.records.text import printable

_MUCH_LONGER = 1.5


def finding_in_words(line: BlockingLine, folder: str) -> str:
    """shop/main.py:15 slow: waits for 57.9 ms in time.sleep (endpoint)"""
    return printable(f"{line.place(folder)}: {what_it_does(line)} ({line.where})")


def what_it_does(line: BlockingLine) -> str:
    """waits for 57.9 ms in time.sleep"""
    call = f" in {line.call}" if line.call else ""
    return printable(f"{line.cause.replace('_', ' ')} for {line.ms:g} ms{_under_load(line)}{call}")


def _under_load(line: BlockingLine) -> str:
    if line.under_load:
        return " under load"
    longer = line.under_load_ms is not None and line.under_load_ms >= _MUCH_LONGER * line.ms
    return f" (under load {line.under_load_ms:g} ms)" if longer else ""


def gain_in_words(remedy: MeasuredRemedy) -> str:
    """The ratio with its interval, and the verdict where that is not `faster`."""
    if remedy.ratio is None:
        return remedy.verdict
    said = f"{wording.times(remedy.ratio.value)} {wording.interval_of_ratio(remedy.ratio)}"
    return said if remedy.verdict == "faster" else f"{said} ({remedy.verdict})"


def code_parts(text: str) -> list[tuple[bool, str]]:
    """Of "`def` in place of `async def`": each part, and whether it is code. All is text where a backtick is alone."""
    parts = printable(text).split("`")
    if len(parts) % 2 == 0:
        return [(False, printable(text))]
    return [(place % 2 == 1, part) for place, part in enumerate(parts) if part]


def code_lines(text: str) -> list[str]:
    """Lines of code with their indentation, and nothing in them that steers a terminal or a reader."""
    return [_code_line(line) for line in text.splitlines()]


def _code_line(line: str) -> str:
    said = line.expandtabs(4).rstrip()
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in said)

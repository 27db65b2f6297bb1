"""What the watching threads of one boot have written, and the user's files that it names."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from harness.results.records.blocked_stretch import Stretch
from harness.results.records.request_line import RequestLine
from harness.results.store import read_lines

_LARGEST_BYTES = 2_000_000


class WatchFiles(Struct, frozen=True):
    """Of an app with one worker: the numbers of requests are a worker's own."""

    stretches: tuple[Stretch, ...]
    requests: tuple[RequestLine, ...]
    sources: dict[str, str]

    @classmethod
    def read(cls, watch_dir: Path) -> WatchFiles:
        stretches = [each for path in watch_dir.glob("*.stretches.jsonl") for each in read_lines(path, Stretch)]
        requests = [each for path in watch_dir.glob("*.requests.jsonl") for each in read_lines(path, RequestLine)]
        files = {place.file for stretch in stretches for place in stretch.places if place.file is not None}
        return cls(tuple(stretches), tuple(requests), {file: _source(Path(file)) for file in files})


def _source(path: Path) -> str:
    """Empty when it cannot be read: only the names of calls are taken from it."""
    try:
        return path.read_text(errors="replace") if path.stat().st_size <= _LARGEST_BYTES else ""
    except OSError:
        return ""

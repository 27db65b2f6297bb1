"""What the watching threads of one boot have written, and the user's files that it names: where it blocks, and where
its endpoints are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from harness.results.records.blocked_stretch import Stretch
from harness.results.records.request_line import RequestLine
from harness.results.store import StoreError, read_lines, write_atomically

_LARGEST_BYTES = 2_000_000
_KEPT = "sources.json"
_T = TypeVar("_T", bound=Struct)


class WatchFiles(Struct, frozen=True):
    """Of an app with one worker: the numbers of requests are a worker's own. `sources` by the name of the file; empty
    where it could not be read."""

    stretches: tuple[Stretch, ...]
    requests: tuple[RequestLine, ...]
    sources: dict[str, str]

    @classmethod
    def read(cls, watch_dir: Path) -> WatchFiles:
        """Sources as they were when they were kept, else as they are now. Raises StoreError."""
        stretches = _last_of_each("*.stretches.jsonl", Stretch, watch_dir, lambda line: line.t_s)
        requests = _last_of_each("*.requests.jsonl", RequestLine, watch_dir, lambda line: line.number)
        kept = watch_dir / _KEPT
        if kept.exists():
            return cls(tuple(stretches), tuple(requests), _kept_sources(kept))
        places = [place for stretch in stretches for place in stretch.places]
        files = {place.file for place in places if place.file is not None}
        files |= {place.coroutine.file for place in places if place.coroutine is not None}
        files |= {request.endpoint_place[0] for request in requests if request.endpoint_place[0]}
        return cls(tuple(stretches), tuple(requests), {file: _source(Path(file)) for file in sorted(files)})

    def keep(self, watch_dir: Path) -> None:
        """Writes the sources down, so that whoever reads the records later sees the lines that ran."""
        write_atomically(watch_dir / _KEPT, msgspec.json.encode(self.sources))


def _last_of_each(names: str, kind: type[_T], watch_dir: Path, key: Callable[[_T], float]) -> list[_T]:
    """What went on for long, or has not ended, has several lines. In the order in which each was first written."""
    return [
        line for path in watch_dir.glob(names) for line in {key(each): each for each in read_lines(path, kind)}.values()
    ]


def _kept_sources(path: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise StoreError(f"{path}: is not a record of ours or was cut off ({error}); move it away") from error


def _source(path: Path) -> str:
    """Empty when it cannot be read: only the names of calls are taken from it."""
    try:
        return path.read_text(errors="replace") if path.stat().st_size <= _LARGEST_BYTES else ""
    except OSError:
        return ""

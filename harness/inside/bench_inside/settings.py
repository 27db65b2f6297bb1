"""What the harness tells this package: these environment variables, and nothing else.

| variable | what it holds |
|---|---|
| `BENCH_TARGET` | the app, as ASGI servers are told it: `targets.sync_def:app` (`stacks.UserCode` reads it, too) |
| `BENCH_TARGET_FOLDER` | the folder that it is imported from |
| `BENCH_TARGET_FACTORY` | `1`: it is a function that makes the app (optional) |
| `BENCH_TOKEN` | what `/health` must answer with, so that no stranger is measured |
| `BENCH_PROBE_DIR` | where each worker writes `<pid>.jsonl` |
| `BENCH_WATCH_DIR` | where each worker writes what blocks its event loop (optional; without it that is not watched) |
| `BENCH_REMEDIES` | what runs elsewhere than the app says, as `remedies.RemedyOrder` reads it (optional) |

What a target itself is told (`BENCH_UPSTREAM`, `BENCH_<PARAM>`) comes with the target and is not read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class InsideSettings(NamedTuple):
    """Written by the harness, read inside the target. Paths are absolute."""

    app: str
    folder: Path
    token: str
    probe_dir: Path
    factory: bool = False
    watch_dir: Path | None = None
    remedies: str = ""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> InsideSettings:
        watch_dir = environment.get("BENCH_WATCH_DIR")
        return cls(
            app=environment["BENCH_TARGET"],
            folder=Path(environment["BENCH_TARGET_FOLDER"]),
            token=environment["BENCH_TOKEN"],
            probe_dir=Path(environment["BENCH_PROBE_DIR"]),
            factory=environment.get("BENCH_TARGET_FACTORY") == "1",
            watch_dir=Path(watch_dir) if watch_dir else None,
            remedies=environment.get("BENCH_REMEDIES", ""),
        )

    def variables(self) -> dict[str, str]:
        variables = {
            "BENCH_TARGET": self.app,
            "BENCH_TARGET_FOLDER": str(self.folder),
            "BENCH_TOKEN": self.token,
            "BENCH_PROBE_DIR": str(self.probe_dir),
        }
        if self.factory:
            variables["BENCH_TARGET_FACTORY"] = "1"
        if self.watch_dir is not None:
            variables["BENCH_WATCH_DIR"] = str(self.watch_dir)
        if self.remedies:
            variables["BENCH_REMEDIES"] = self.remedies
        return variables

"""One line of `samples.jsonl`: what a process tree used."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

TreeName = Literal["target", "generator", "services"]


class Sample(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of `samples.jsonl`: one process tree at one moment.

    `cpu_s` is cumulative over the tree's life, exited children included: a difference of two is exact.
    """

    t_s: float
    tree: TreeName
    cpu_s: float
    rss_bytes: int
    processes: int
    mark: str = ""  # "<phase>:start" / "<phase>:end" at a phase's edge, "<phase>:drained" after an open loop's drain
    pss_bytes: int | None = None
    threads: int | None = None
    ctx_voluntary: int | None = None
    ctx_involuntary: int | None = None
    service: str = ""  # its name, for tree "services"

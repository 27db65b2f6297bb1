"""What is said of a means against overload."""

from __future__ import annotations

from msgspec import Struct

from harness.judging.estimate import Estimate
from harness.judging.stats import Verdict


class EffectRatio(Struct, frozen=True):
    """`faster` means better. None: the two have no valid slices in a common round, or one of them choked there."""

    ratio: Estimate | None
    verdict: Verdict


class OverloadEffect(Struct, frozen=True, kw_only=True):
    """At one rate, `variant` over `without`, which is the same but for the `means`. The p99 is of the requests that
    were not refused."""

    workload: str
    phase: str
    means: str
    variant: str
    without: str
    in_time: EffectRatio
    p99: EffectRatio

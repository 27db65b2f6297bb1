"""Other runs whose sweeps and claims the report of a run shows, too."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from harness.analysis.claims.merged import merged_claims
from harness.analysis.evidence import Analysis


class AddedRun(Struct, frozen=True, kw_only=True):
    """`name`: its folder's. `differs`: in what its conditions were not those of the run that it was added to."""

    name: str
    analysis: Analysis
    differs: tuple[str, ...] = ()


class Added(Struct, frozen=True):
    """`left_out`: a line for each that is gone, or that cannot be read."""

    runs: tuple[AddedRun, ...] = ()
    left_out: tuple[str, ...] = ()


def with_added_claims(name: str, analysis: Analysis, added: Sequence[AddedRun]) -> Analysis:
    """The analysis of the run `name`, its claims merged with those of the others."""
    by_run = {name: analysis.claims} | {each.name: each.analysis.claims for each in added}
    return msgspec.structs.replace(analysis, claims=merged_claims(by_run, name))

"""Which remedy gains most. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from harness.analysis.measured_remedies import MeasuredRemedy


class RankedRemedy(NamedTuple):
    """`first` on its route; `beside` are those that have something more, in words as "with 2 workers"."""

    first: MeasuredRemedy
    beside: tuple[tuple[str, MeasuredRemedy], ...]

    @property
    def members(self) -> tuple[MeasuredRemedy, ...]:
        return self.first, *(remedy for _, remedy in self.beside)

    @property
    def best(self) -> MeasuredRemedy | None:
        """Of those that are faster; None: none is."""
        faster = [remedy for remedy in self.members if remedy.verdict == "faster"]
        return max(faster, key=_gain, default=None)


def ranked_remedies(remedies: Iterable[MeasuredRemedy]) -> list[RankedRemedy]:
    """The largest gain first; those without a ratio, and those that leave the route as it is, left out."""
    measured = [remedy for remedy in remedies if remedy.ratio is not None and remedy.changes_route]
    titles = {remedy.name: remedy.title for remedy in measured}
    groups: dict[tuple[str, str], list[MeasuredRemedy]] = {}
    for route in dict.fromkeys(remedy.route for remedy in measured):
        own = [remedy for remedy in measured if remedy.route == route]
        names = [remedy.name for remedy in own]
        for remedy in own:
            groups.setdefault((route, base_name(remedy.name, names)), []).append(remedy)
    ranked = [_ranked(base, group, titles) for (_, base), group in groups.items()]
    return sorted(ranked, key=lambda each: -max(map(_gain, each.members)))


def unmeasured_remedies(remedies: Iterable[MeasuredRemedy]) -> list[MeasuredRemedy]:
    """Those without a ratio: what does not apply first."""
    return sorted((remedy for remedy in remedies if remedy.ratio is None), key=lambda remedy: remedy.applies)


def changes_in_turn(ranked: Iterable[RankedRemedy]) -> list[tuple[RankedRemedy, str]]:
    """Of each the change of its best, without the parts that another before it has; empty where none is faster."""
    said: dict[str, None] = {}
    found = []
    for each in ranked:
        parts = each.best.change.split("\n\n") if each.best is not None else []
        found.append((each, "\n".join(part for part in parts if part not in said)))
        said |= dict.fromkeys(parts)
    return found


def base_name(name: str, names: Sequence[str]) -> str:
    """The remedy that it is a combination with: `in_thread` of `in_thread_workers_2`; itself, if it is none."""
    return min((other for other in names if name.startswith(f"{other}_")), key=len, default=name)


def _ranked(base: str, group: Sequence[MeasuredRemedy], titles: Mapping[str, str]) -> RankedRemedy:
    first = next(remedy for remedy in group if remedy.name == base)
    beside = sorted((remedy for remedy in group if remedy is not first), key=_gain)
    return RankedRemedy(first, tuple((_more(remedy, base, titles), remedy) for remedy in beside))


def _more(remedy: MeasuredRemedy, base: str, titles: Mapping[str, str]) -> str:
    rest = remedy.name.removeprefix(f"{base}_")
    if number := re.fullmatch(r"(workers|threads)_(\d+)", rest):
        return f"with {number[2]} {number[1]}"
    return f"with {titles.get(rest, rest)}"


def _gain(remedy: MeasuredRemedy) -> float:
    return remedy.ratio.value if remedy.ratio is not None else 0.0

"""What speaks for or against a claim, and the verdict that follows from all of it. Pure.

A part is a ratio with its interval, or something counted. It speaks for a claim, against it, or for neither. This is
read off the interval that is shown: the whole of it lies where the claim says, or where the claim cannot be true.

The intervals of all claims of a run hold at once with 95 % confidence, by the inequality of Bonferroni (Dunn, "Multiple
comparisons among means", Journal of the American Statistical Association 56, 1961). The 5 % are shared equally by the
claims that have a ratio, and the part of a claim equally by its ratios. That asks nothing of how they depend on each
other: two claims often share slices. Where a run was looked at several times, it is the last look's part of the 5 %
that is shared. Each interval is Student's, with the error and the freedom of the fit in
`harness.judging.simultaneous`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis.evidence import Claim, ClaimEvidence
from harness.judging import stats
from harness.judging.stats import SAME_WITHIN, LogRatio

Shows = Literal["for", "against", "neither"]
ClaimVerdict = Literal["confirmed", "refuted", "depends", "open", "not tested"]
Expectation = Callable[[tuple[float, float]], Shows]  # of an interval of the logarithm of a ratio


def beats(interval: tuple[float, float]) -> Shows:
    """More. What lies within +-5 % is the same and no more, even where the small difference is certain."""
    low, high = interval
    if high <= SAME_WITHIN:
        return "against"
    return "for" if low > 0 else "neither"


def does_not_beat(interval: tuple[float, float]) -> Shows:
    opposite: dict[Shows, Shows] = {"for": "against", "against": "for", "neither": "neither"}
    return opposite[beats(interval)]


def falls_behind(interval: tuple[float, float]) -> Shows:
    low, high = interval
    return beats((-high, -low))


def between(least: float, most: float) -> Expectation:
    """The ratio is one of these."""
    lowest, highest = math.log(least) if least > 0 else -math.inf, math.log(most)

    def expected(interval: tuple[float, float]) -> Shows:
        low, high = interval
        if lowest <= low and high <= highest:
            return "for"
        return "against" if high < lowest or low > highest else "neither"

    return expected


def about(most: float, another: float) -> Expectation:
    """The ratio is this or less. From `another` on it is something else; between them nobody can say."""

    def expected(interval: tuple[float, float]) -> Shows:
        low, high = interval
        if high <= math.log(most):
            return "for"
        return "against" if low >= math.log(another) else "neither"

    return expected


def more_than(factor: float) -> Expectation:
    return between(factor, math.inf)


@dataclass(frozen=True)
class Behind:
    """Which slices of which rounds something was found in."""

    workload: str
    rounds: tuple[int, ...]
    slices: tuple[str, ...]


@dataclass(frozen=True)
class RatioPart:
    """`alpha`: the probability of an error that its look has. `choices`: of so many ratios it was chosen, and all of
    them count. `is_least`: the true ratio is this or more, so nothing speaks against it being large."""

    what: str
    source: Behind
    ratio: LogRatio
    expects: Expectation
    alpha: float = stats.ALPHA
    choices: int = 1
    is_least: bool = False

    def shown(self, share: float) -> ClaimEvidence:
        """With its `share` of the probability of an error."""
        ratio = stats.at_level(self.ratio, self.alpha * share)
        shows = self.expects(ratio.interval) if ratio.interval is not None else "neither"
        return ClaimEvidence(
            what=self.what,
            shows="neither" if self.is_least and shows == "against" else shows,
            effect=ratio.estimate,
            workload=self.source.workload,
            rounds=self.source.rounds,
            slices=self.source.slices,
        )


@dataclass(frozen=True)
class CountPart:
    """What was counted is what happened: it has no interval."""

    what: str
    source: Behind
    counted: str
    shows: Shows

    def shown(self, share: float) -> ClaimEvidence:
        return ClaimEvidence(
            what=self.what,
            shows=self.shows,
            effect=None,
            counted=self.counted,
            workload=self.source.workload,
            rounds=self.source.rounds,
            slices=self.source.slices,
        )


@dataclass(frozen=True)
class Missing:
    """What would be needed, and why it is not there."""

    why: str


Part = RatioPart | CountPart | Missing


@dataclass(frozen=True)
class Draft:
    """A claim before its verdict. In a case it is true when all the parts are so. `one_is_enough`: the claim is that
    something can be, so one case confirms it."""

    id: str
    claim: str
    cases: Sequence[Sequence[Part]]
    command: str
    one_is_enough: bool = False

    @property
    def ratios(self) -> int:
        return sum(part.choices for case in self.cases for part in case if isinstance(part, RatioPart))


@dataclass(frozen=True)
class _Case:
    evidence: tuple[ClaimEvidence, ...]
    missing: tuple[str, ...]

    @classmethod
    def of(cls, parts: Sequence[Part], share: float) -> _Case:
        return cls(
            tuple(part.shown(share) for part in parts if not isinstance(part, Missing)),
            tuple(part.why for part in parts if isinstance(part, Missing)),
        )

    @property
    def shows(self) -> Shows:
        found = {each.shows for each in self.evidence}
        if "against" in found:
            return "against"
        return "for" if found == {"for"} and not self.missing else "neither"


def with_verdicts(drafts: Sequence[Draft]) -> tuple[Claim, ...]:
    tested = sum(draft.ratios > 0 for draft in drafts)
    return tuple(_with_verdict(draft, tested) for draft in drafts)


def verdict_from(cases: Sequence[Shows], *, one_is_enough: bool = False) -> ClaimVerdict:
    """Where a claim is true in one case and false in another, it depends on what the two differ in."""
    found = set(cases)
    if not found:
        return "not tested"
    if "for" in found and one_is_enough:
        return "confirmed"
    if {"for", "against"} <= found:
        return "depends"
    if "neither" in found:
        return "open"
    return "confirmed" if found == {"for"} else "refuted"


def run_command(workloads: Sequence[str], baseline: str, *others: str) -> str:
    """Measures these, with `baseline` in every comparison."""
    chosen = [*(f"-w {name}" for name in workloads), *(f"-s {name}" for name in (baseline, *others))]
    return f"bench run {' '.join(chosen)} --baseline {baseline}"


def _with_verdict(draft: Draft, tested: int) -> Claim:
    share = 1 / (tested * draft.ratios) if draft.ratios else 1.0
    cases = [_Case.of(parts, share) for parts in draft.cases]
    seen = [case for case in cases if case.evidence]
    verdict = verdict_from([case.shows for case in seen], one_is_enough=draft.one_is_enough)
    evidence = [each for case in seen for each in case.evidence]
    headline = _headline(verdict, evidence)
    return Claim(
        id=draft.id,
        claim=draft.claim,
        verdict=verdict,
        effect=headline.effect if headline is not None else None,
        because=_because(verdict, cases),
        evidence=tuple(sorted(evidence, key=lambda each: each is not headline)),
        command=draft.command,
    )


_NAMED_CASES = 3

# What the verdict follows from.
_DECIDES: dict[ClaimVerdict, Shows] = {
    "confirmed": "for",
    "refuted": "against",
    "depends": "for",
    "open": "neither",
}


def _headline(verdict: ClaimVerdict, evidence: Sequence[ClaimEvidence]) -> ClaimEvidence | None:
    """The first ratio that the verdict follows from; None where it follows from what was counted."""
    ratios = [each for each in evidence if each.effect is not None]
    first = next((each for each in ratios if each.shows == _DECIDES[verdict]), None)
    if first is None and verdict == "open":  # for what is missing: all that was measured is clear
        return ratios[0] if ratios else None
    return first


def _because(verdict: ClaimVerdict, cases: Sequence[_Case]) -> str:
    missing = list(dict.fromkeys(why for case in cases for why in case.missing))
    if verdict == "not tested":
        return "; ".join(missing)
    if verdict == "open":
        is_unclear = any(each.shows == "neither" for case in cases for each in case.evidence)
        return "; ".join([*(["what is marked ? decides nothing"] if is_unclear else []), *missing])
    if verdict == "depends":
        true = [case.evidence[0].what for case in cases if case.shows == "for"]
        false = [each.what for case in cases for each in case.evidence if each.shows == "against"]
        return f"it is so for {_some(true)}; it is not for {_some(false)}"
    return ""


def _some(cases: Sequence[str]) -> str:
    """All of them are in the evidence."""
    named, others = cases[:_NAMED_CASES], len(cases) - _NAMED_CASES
    return "; ".join([*named, *([f"{others} more"] if others > 0 else [])])

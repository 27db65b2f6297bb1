"""The claims as one would put them to a colleague: "...: confirmed, x2.09 [1.97, 2.22]"."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from harness.analysis.evidence import Analysis, Claim, ClaimEvidence
from harness.report import wording
from harness.report.verdicts import VerdictBadge
from harness.results.records.text import count

_BADGES = {
    "confirmed": ("better", "✓"),
    "refuted": ("worse", "✗"),
    "depends": ("same", "±"),
    "open": ("open", "?"),
    "not tested": ("open", wording.NOTHING),
}
_SIGNS = {"for": "✓", "against": "✗", "neither": "?"}
_TO_TEST = {"not tested": "to test it", "open": "to test it further"}


@dataclass(frozen=True)
class PartRow:
    """`sign`: whether it speaks for the claim. `behind`: the slices that it comes from."""

    sign: str
    what: str
    found: str
    behind: str


@dataclass(frozen=True)
class ClaimRow:
    number: int
    id: str
    claim: str
    effect: str
    effect_interval: str
    verdict: VerdictBadge
    because: str
    parts: tuple[PartRow, ...]
    to_test: str
    command: str


def claim_rows(analysis: Analysis) -> tuple[ClaimRow, ...]:
    return tuple(
        ClaimRow(
            number=number,
            id=claim.id,
            claim=claim.claim,
            effect=wording.times(claim.effect.value) if claim.effect else wording.NOTHING,
            effect_interval=wording.interval_of_ratio(claim.effect) if claim.effect else "",
            verdict=VerdictBadge(_BADGES[claim.verdict][0], f"{_BADGES[claim.verdict][1]} {claim.verdict}"),
            because=claim.because,
            parts=tuple(
                PartRow(_SIGNS[part.shows], part.what, _found(part), slices_behind(part)) for part in claim.evidence
            ),
            to_test=_TO_TEST.get(claim.verdict, ""),
            command=claim.command,
        )
        for number, claim in enumerate(analysis.claims, start=1)
    )


def claim_sentence(claim: Claim) -> str:
    """With its verdict and its effect."""
    effect = ""
    if claim.effect is not None:
        effect = f", {wording.times(claim.effect.value)} {wording.interval_of_ratio(claim.effect)}"
    return f"{claim.claim}: {claim.verdict}{effect}"


def terminal_claims(claims: Sequence[Claim], width: int) -> str:
    """All of them for a terminal of `width` columns, each with what is behind it. A command is never broken, so that it
    can be copied."""
    return "\n\n".join("\n".join(_lines(number, claim, width)) for number, claim in enumerate(claims, start=1))


def _lines(number: int, claim: Claim, width: int) -> Iterator[str]:
    fill = partial(
        textwrap.fill, width=width, subsequent_indent="     ", break_on_hyphens=False, break_long_words=False
    )
    yield fill(f"{number:>2}. {claim_sentence(claim)}")
    for part in claim.evidence:
        yield fill(f"   {_SIGNS[part.shows]} {part.what}: {_found(part)} ({slices_behind(part)})")
    if claim.because:
        yield fill(f"   {claim.because}")
    if claim.verdict in _TO_TEST:
        yield f"   {_TO_TEST[claim.verdict]}: {claim.command}"


def _found(part: ClaimEvidence) -> str:
    if part.effect is None:
        return part.counted
    return f"{wording.times(part.effect.value)} {wording.interval_of_ratio(part.effect)}"


def slices_behind(part: ClaimEvidence) -> str:
    """24 slices of rounds 1-6, 8-13, and where they are not of the run whose report it is, of which one."""
    ends = [list(part.rounds[:1])]
    for before, number in pairwise(part.rounds):
        if number == before + 1:
            ends[-1][1:] = [number]
        else:
            ends.append([number])
    ranges = ", ".join("-".join(map(str, end)) for end in ends if end)
    word = "round" if len(part.rounds) == 1 else "rounds"
    of = f" of {part.run}" if part.run else ""
    return f"{count(len(part.slices), 'slice')} of {word} {ranges}{of}" if ranges else f"no slice{of}"

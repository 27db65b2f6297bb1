"""The claims of several runs as one list: of each claim what the run says whose evidence tells the most. Pure.

Nothing is computed anew: a ratio is always of slices of one run, and its interval holds at once with those of that run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from harness.analysis.claims.claim_part import ClaimVerdict
from harness.analysis.evidence import Claim

_DECIDED = 2
_TELLS: dict[ClaimVerdict, int] = {
    "not tested": 0,
    "open": 1,
    "confirmed": _DECIDED,
    "depends": _DECIDED,
    "refuted": _DECIDED,
}


def merged_claims(by_run: Mapping[str, Sequence[Claim]], own: str) -> tuple[Claim, ...]:
    """`by_run`: by the name of the run. `own`: the run whose report it is; what comes from another one names it.

    What was tested beats what was not, and a verdict beats "open". Of equals the one with the narrowest interval
    speaks. Where runs decide differently the claim `depends`, and all of them are named.
    """
    return tuple(
        _merged({run: found for run, claims in by_run.items() for found in claims if found.id == claim.id}, own)
        for claim in by_run[own]
    )


def _merged(claims: Mapping[str, Claim], own: str) -> Claim:
    most = max(_TELLS[claim.verdict] for claim in claims.values())
    telling = {run: claim for run, claim in claims.items() if _TELLS[claim.verdict] == most}
    if most == _DECIDED and len({claim.verdict for claim in telling.values()}) > 1:
        return _differing(telling, own)
    speaks = min(telling, key=lambda run: (_width(telling[run]), run != own))
    made = _named(telling[speaks], speaks, own)
    undecided = [run for run, claim in claims.items() if claim.verdict == "open"]
    if most < _DECIDED or not undecided:
        return made
    beside = f"open in {', '.join(undecided)}"
    return msgspec.structs.replace(made, because="; ".join(filter(None, [made.because, beside])))


def _differing(claims: Mapping[str, Claim], own: str) -> Claim:
    """With the evidence of all, that for the claim first."""
    ordered = sorted(claims, key=lambda run: list(_TELLS).index(claims[run].verdict))
    said = [
        f"{claims[run].verdict} in {run}" + (f" ({claims[run].because})" if claims[run].because else "")
        for run in ordered
    ]
    return msgspec.structs.replace(
        claims[ordered[0]],
        verdict="depends",
        because="; ".join(said),
        evidence=tuple(part for run in ordered for part in _named(claims[run], run, own).evidence),
    )


def _named(claim: Claim, run: str, own: str) -> Claim:
    if run == own:
        return claim
    return msgspec.structs.replace(
        claim,
        because=f"in {run}: {claim.because}" if claim.because else "",
        evidence=tuple(msgspec.structs.replace(part, run=run) for part in claim.evidence),
    )


def _width(claim: Claim) -> float:
    """Of the interval of its effect, by factors."""
    effect = claim.effect
    if effect is None or not effect.low or effect.high is None:
        return math.inf
    return math.log(effect.high / effect.low)

"""Of several runs that one speaks for a claim whose evidence tells the most; where they contradict, both are named."""

from __future__ import annotations

import pytest

from harness.analysis.claims.claim_part import ClaimVerdict
from harness.analysis.claims.merged import merged_claims
from harness.analysis.evidence import Claim, ClaimEvidence
from harness.judging.estimate import Estimate

OWN, OTHER = "own", "20260102-other"
NARROW, WIDE = Estimate(2.0, 1.9, 2.1, 6), Estimate(2.0, 1.1, 3.6, 6)


def claim(verdict: ClaimVerdict, effect: Estimate | None = NARROW, *, id: str = "pools", because: str = "") -> Claim:
    tested = verdict != "not tested"
    part = ClaimEvidence(
        what=f"ratio of {verdict}",
        shows="for",
        effect=effect,
        workload="cpu",
        rounds=(1, 2),
        slices=("001-cpu-a", "002-cpu-a"),
    )
    return Claim(
        id=id,
        claim="A claim",
        verdict=verdict,
        effect=effect if tested else None,
        because=because,
        evidence=(part,) if tested else (),
        command=f"bench run for {verdict}",
    )


def merged(own: Claim, other: Claim) -> Claim:
    (found,) = merged_claims({OWN: (own,), OTHER: (other,)}, OWN)
    return found


def runs_behind(found: Claim) -> list[str]:
    return [part.run for part in found.evidence]


@pytest.mark.parametrize(
    ("own", "other", "verdict"),
    [
        ("not tested", "open", "open"),
        ("not tested", "refuted", "refuted"),
        ("open", "confirmed", "confirmed"),
        ("open", "depends", "depends"),
    ],
)
def test_tested_beats_not_tested_and_decided_beats_open(
    own: ClaimVerdict, other: ClaimVerdict, verdict: ClaimVerdict
) -> None:
    found = merged(claim(own), claim(other, because="a reason"))
    assert (found.verdict, runs_behind(found)) == (verdict, [OTHER])
    assert found.because == f"in {OTHER}: a reason" + ("; open in own" if own == "open" else "")
    back = merged(claim(other), claim(own))
    assert (back.verdict, runs_behind(back)) == (verdict, [""]), "of the page's own no run is named"
    assert back.because == (f"open in {OTHER}" if own == "open" else "")


@pytest.mark.parametrize("verdict", ["confirmed", "open"])
def test_of_equals_the_one_with_the_narrowest_interval_speaks(verdict: ClaimVerdict) -> None:
    assert runs_behind(merged(claim(verdict, WIDE), claim(verdict, NARROW))) == [OTHER]
    assert runs_behind(merged(claim(verdict, NARROW), claim(verdict, WIDE))) == [""]
    assert runs_behind(merged(claim(verdict, NARROW), claim(verdict, NARROW))) == [""]
    unknown = Estimate(2.0, None, None, 1)
    assert runs_behind(merged(claim(verdict, unknown), claim(verdict, WIDE))) == [OTHER]
    assert runs_behind(merged(claim(verdict, Estimate(2.0, 0.0, 4.0, 2)), claim(verdict, WIDE))) == [OTHER]


def test_where_runs_decide_differently_it_depends_and_both_are_named_with_their_evidence() -> None:
    found = merged(claim("refuted", WIDE), claim("confirmed", NARROW))
    assert found.verdict == "depends"
    assert found.because == f"confirmed in {OTHER}; refuted in {OWN}"
    assert [(part.what, part.run) for part in found.evidence] == [
        ("ratio of confirmed", OTHER),
        ("ratio of refuted", ""),
    ]
    assert found.effect == NARROW, "that of the first of its evidence"
    conditional = merged(claim("confirmed"), claim("depends", because="it is so on io; it is not on cpu"))
    assert conditional.because == f"confirmed in {OWN}; depends in {OTHER} (it is so on io; it is not on cpu)"


def test_no_evidence_is_lost_or_made_when_several_agree() -> None:
    claims = {OWN: (claim("confirmed"),), "b": (claim("refuted"),), "c": (claim("confirmed"),), "d": (claim("open"),)}
    (found,) = merged_claims(claims, OWN)
    assert found.because == "confirmed in own; confirmed in c; refuted in b"
    assert runs_behind(found) == ["", "c", "b"]


def test_each_claim_is_merged_with_its_like_and_their_order_stays() -> None:
    own = (claim("not tested", id="a"), claim("confirmed", id="b"))
    other = (claim("refuted", id="b"), claim("refuted", id="a"))
    found = merged_claims({OWN: own, OTHER: other}, OWN)
    assert [(each.id, each.verdict) for each in found] == [("a", "refuted"), ("b", "depends")]


def test_a_run_alone_is_as_it_was() -> None:
    own = tuple(claim(verdict, id=verdict) for verdict in ("confirmed", "open", "not tested"))
    assert merged_claims({OWN: own}, OWN) == own

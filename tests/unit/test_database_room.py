"""Who cannot have its connections beside those of the baseline fails before it is measured: a comparison needs both."""

from __future__ import annotations

from harness.measuring.database_room import with_room
from harness.results.records.run_record import Preflight
from harness.results.records.variant import Variant

VARIANTS = [
    Variant(name=name, strategy=name, title="", path="", connections=connections)
    for name, connections in (("sync_def", 15), ("forty", 40), ("ninety", 90), ("none", None))
]
CHECKED = [
    Preflight("sync_def", "db", "ok", boot_s=0.5),
    Preflight("forty", "db", "ok"),
    Preflight("ninety", "io", "not_applicable"),
    Preflight("ninety", "db", "ok", boot_s=0.7),
    Preflight("none", "db", "ok"),
]


def test_who_fits_alone_but_not_beside_the_baseline_fails_by_name() -> None:
    found = with_room(CHECKED, VARIANTS, "sync_def", 96)
    assert [cell.status for cell in found] == ["ok", "ok", "not_applicable", "failed", "ok"]
    assert found[3].error.startswith("ninety: would have 90 connections beside 15 of sync_def, which it is compared ")
    assert [cell for cell in found if cell.status != "failed"] == [CHECKED[0], CHECKED[1], CHECKED[2], CHECKED[4]]


def test_a_large_baseline_is_what_the_others_have_no_room_beside() -> None:
    found = with_room(CHECKED, VARIANTS, "ninety", 96)
    assert [cell.variant for cell in found if cell.status == "failed"] == ["sync_def", "forty"]


def test_with_enough_for_all_and_without_a_limit_nothing_changes() -> None:
    for allowed in (105, None):
        assert with_room(CHECKED, VARIANTS, "sync_def", allowed) == tuple(CHECKED)
    assert with_room(CHECKED[2:3], VARIANTS, None, 1) == tuple(CHECKED[2:3])

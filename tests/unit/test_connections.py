"""Who cannot have its connections to a database is told so before it is measured, and who can is not."""

from __future__ import annotations

import pytest

from harness.results.records.variant import Variant
from harness.services.connections import fit_together, too_many_connections


def with_connections(name: str, connections: int | None, workers: int = 1) -> Variant:
    return Variant(name=name, strategy=name, title="", path="", connections=connections, workers=workers)


USUAL = with_connections("sync_def", 15)


@pytest.mark.parametrize(("connections", "workers"), [(96, 1), (48, 2), (None, 9)])
def test_what_fits_alone_is_not_refused(connections: int | None, workers: int) -> None:
    assert too_many_connections(with_connections("v", connections, workers), 96) == ""
    assert fit_together([with_connections("v", connections, workers)], 96)


def test_two_that_fit_alone_may_not_fit_together() -> None:
    forty, sixty = with_connections("forty", 40), with_connections("sixty", 60)
    assert not fit_together([forty, sixty], 96)
    assert fit_together([forty, sixty], 100) and fit_together([forty, sixty], None)


def test_one_that_has_no_room_is_one_line() -> None:
    assert too_many_connections(with_connections("v", 97), 96) == (
        "would have 97 connections, and the database takes 96 (max_connections, less those that are kept for "
        "administrators); use fewer, or raise max_connections of one that you give with --postgres-url"
    )


def test_one_that_has_none_beside_the_baseline_is_told_so() -> None:
    assert too_many_connections(with_connections("v", 81), 96, USUAL) == ""
    assert too_many_connections(with_connections("v", 82), 96, USUAL).startswith(
        "would have 82 connections beside 15 of sync_def, which it is compared with, and the database takes 96 (max_"
    )

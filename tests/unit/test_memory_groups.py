"""All variants of a workload live side by side where memory allows; else in groups that share the baseline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measuring.memory_groups import ConnectionNeeds, connections_line, memory_groups, memory_line

MIB = 1 << 20
NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1)


def test_where_all_fit_there_is_one_group() -> None:
    assert memory_groups(["a", "b", "c"], "b", {"a": 10, "b": 10, "c": 10}, 30) == [["b", "a", "c"]]


def test_where_they_do_not_each_group_has_the_baseline() -> None:
    need_bytes = dict.fromkeys("abcd", 10)
    assert memory_groups(list("abcd"), "a", need_bytes, 29) == [["a", "b"], ["a", "c"], ["a", "d"]]
    assert memory_groups(list("abcd"), None, need_bytes, 29) == [["a", "b"], ["c", "d"]]


def test_one_that_is_too_large_for_any_company_is_measured_beside_the_baseline_all_the_same() -> None:
    assert memory_groups(["a", "b", "c"], "a", {"a": 10, "b": 999, "c": 10}, 30) == [["a", "b"], ["a", "c"]]


def test_a_database_that_does_not_take_all_connections_makes_groups_too() -> None:
    needs = ConnectionNeeds({"a": 15, "b": 15, "c": 15, "d": 45}, 60)
    assert memory_groups(list("abcd"), "a", {}, 1, needs) == [["a", "b", "c"], ["a", "d"]]
    assert connections_line(needs) == (
        "connections: all servers together would have 90, and the database takes 60; so they are measured in groups"
    )
    for enough in (ConnectionNeeds({"a": 30, "b": 30}, 60), ConnectionNeeds({"a": 1000}, None)):
        assert len(memory_groups(list("ab"), "a", {}, 1, enough)) == 1
        assert connections_line(enough) == ""


def test_the_baseline_alone_is_a_group() -> None:
    assert memory_groups(["a"], "a", {"a": 10}, 1) == [["a"]]


@given(NAMES, st.integers(0, 8), st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 50)), st.integers(1, 100))
def test_every_variant_is_in_one_group_and_no_group_is_too_large(
    names: list[str], at: int, need_bytes: dict[str, int], allowed_bytes: int
) -> None:
    baseline = names[at] if at < len(names) else None
    groups = memory_groups(names, baseline, need_bytes, allowed_bytes)
    assert sorted(name for own in groups for name in own if name != baseline) == sorted({*names} - {baseline})
    for own in groups:
        assert baseline is None or baseline in own
        used = sum(need_bytes.get(name, 0) for name in own)
        assert used <= allowed_bytes or len(own) - (baseline is not None) <= 1


@given(NAMES, st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 50)), st.integers(100, 150))
def test_no_group_has_more_connections_than_the_database_takes(
    names: list[str], of: dict[str, int], allowed: int
) -> None:
    """Where each has room for its own beside the baseline, which is refused else."""
    for own in memory_groups(names, names[0], {}, 1, ConnectionNeeds(of, allowed)):
        assert sum(of.get(name, 0) for name in own) <= allowed


@pytest.mark.parametrize(
    ("allowed_mib", "groups", "said"),
    [
        (600, 1, "memory: 2 servers side by side use about 150 MiB of 1,000 free"),
        (600, 2, "memory: 2 servers side by side use about 150 MiB of 1,000 free"),  # for want of connections
        (
            100,
            2,
            "memory: 2 servers side by side use about 150 MiB of 1,000 free; that is too much at once, so they are "
            "measured in 2 groups",
        ),
    ],
)
def test_it_is_said_before_the_run(allowed_mib: int, groups: int, said: str) -> None:
    need_bytes = {"a": 100 * MIB, "b": 50 * MIB, "c": 999 * MIB}
    assert memory_line(["a", "b"], need_bytes, 1000 * MIB, allowed_mib * MIB, groups) == said

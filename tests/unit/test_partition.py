"""Who may use which CPUs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.machine.partition import available_cpus, detect, partition

cpu_sets = st.sets(st.integers(0, 300), min_size=1, max_size=64).map(lambda cpus: tuple(sorted(cpus)))
quotas = st.none() | st.floats(0.1, 100)
cores_of = st.dictionaries(st.integers(0, 300), st.integers(0, 300), max_size=64)


@given(available=cpu_sets, quota_cores=quotas, can_pin=st.booleans(), core_of=cores_of)
def test_every_cpu_goes_to_exactly_one_side_or_is_shared_by_both(
    available: tuple[int, ...], quota_cores: float | None, can_pin: bool, core_of: dict[int, int]
) -> None:
    parts = partition(available, quota_cores, can_pin, core_of)
    assert parts.available == available
    assert parts.quota_cores == quota_cores
    assert parts.target
    assert not set(parts.target) & set(parts.generator)
    assert sorted(parts.target + parts.generator) == list(available)
    assert parts.pinned == bool(parts.generator), "pinned exactly when there is something to keep apart"
    assert 1 <= parts.target_cores <= len(parts.target)


@given(available=cpu_sets, quota_cores=quotas, core_of=cores_of)
def test_with_four_cores_to_use_a_quarter_is_reserved(
    available: tuple[int, ...], quota_cores: float | None, core_of: dict[int, int]
) -> None:
    parts = partition(available, quota_cores, True, core_of)
    cores = min(len(available), int(quota_cores)) if quota_cores else len(available)
    assert len(parts.generator) == (max(1, cores // 4) if cores >= 4 else 0)
    if cores >= 4:
        assert parts.target_cores + len(parts.generator) <= cores, "both sides fit into the quota"


@given(available=cpu_sets, quota_cores=quotas)
def test_where_nothing_can_be_pinned_all_share(available: tuple[int, ...], quota_cores: float | None) -> None:
    assert partition(available, quota_cores, False).target == available


def test_three_cores_are_shared_and_four_are_split() -> None:
    assert partition((0, 1, 2), None, True).generator == ()
    assert partition((0, 1, 2, 3), None, True).generator == (3,)
    assert partition(tuple(range(8)), 3.9, True).generator == ()


def test_services_have_the_reserved_cores_or_share_all_within_the_quota() -> None:
    assert partition(tuple(range(8)), None, True).cores_beside_target == 2
    assert partition((0, 1), None, True).cores_beside_target == 2
    assert partition((0, 1), 1.5, True).cores_beside_target == 1.5


def test_hyperthreads_of_one_core_are_reserved_together() -> None:
    """Eight logical CPUs, numbered as on bare metal: 0 and 4 are one core, 1 and 5 the next."""
    parts = partition(tuple(range(8)), None, True, {cpu: cpu % 4 for cpu in range(8)})
    assert parts.generator == (3, 7)


def test_this_machine_has_a_partition() -> None:
    assert available_cpus()
    assert detect().available == available_cpus()

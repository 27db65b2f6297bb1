"""What was planted in a strategy is found, and a strategy is never found to differ from itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.figures.planted import PLANTED, one_run


@pytest.mark.measures
def test_a_fifth_more_work_is_found_in_two_minutes_and_the_same_strategy_is_not_told_from_itself(
    tmp_path: Path,
) -> None:
    found = one_run(tmp_path, "2m", seed=1, copies=tuple(PLANTED))
    print("\n" + "\n".join(f"{name}: {each}" for name, each in found.items()))
    assert found["plus_20"].verdict == "slower"
    assert found["plus_10"].verdict in ("slower", "open"), "8 of 10 runs find it"
    assert found["same_again"].verdict in ("same", "open")

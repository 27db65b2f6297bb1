"""What was planted in a strategy is found, and a strategy is never found to differ from itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.figures.planted import verdicts


@pytest.mark.measures
def test_a_fifth_more_work_is_found_in_two_minutes_and_the_same_strategy_is_not_told_from_itself(
    tmp_path: Path,
) -> None:
    found = verdicts(tmp_path, "2m", seed=1)
    print(f"\n{found}")
    assert found["plus_20"][0] == "slower"
    assert found["plus_10"][0] in ("slower", "open"), "8 of 10 runs find it"
    assert found["same_again"][0] in ("same", "open")

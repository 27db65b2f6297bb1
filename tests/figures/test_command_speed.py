"""`bench list` and `bench --help` answer at once."""

import pytest

from tests.integration.test_cli import cpu_seconds


@pytest.mark.measures
@pytest.mark.parametrize("command", ["list", "--help"])
def test_answers_in_under_0_3_s(command: str) -> None:
    """Of CPU time; the least of some, since the first fills the caches."""
    took_s = min(cpu_seconds("-m", "harness", command) for _ in range(5))
    print(f"\nbench {command}: {took_s:.2f} s of CPU")
    assert took_s < 0.3

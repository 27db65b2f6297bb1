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


@pytest.mark.measures
@pytest.mark.parametrize("command", ["list", "--help"])
def test_answers_with_less_cpu_than_an_import_of_fastapi_alone_would_need(command: str) -> None:
    """In turns, and the least of each: the first fills the caches, and the machine's speed changes for both."""
    both = [(cpu_seconds("-m", "harness", command), cpu_seconds("-c", "import fastapi")) for _ in range(5)]
    assert min(ours for ours, _ in both) < min(fastapi for _, fastapi in both)

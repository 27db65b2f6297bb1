"""Ten million requests in the generator's own recorder: constant memory, and not one lost."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.results import histograms
from harness.results.records.metric import Metric
from harness.results.records.outcome import Outcome

_REQUESTS = 10_000_000
_LIMIT_MIB = 200  # for the whole generator, Locust included
_NOISE_MIB = 4  # the allocator's; a hundred bytes a request would be a gigabyte


@pytest.mark.measures
def test_ten_million_requests_are_recorded_in_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "latency.hlog"
    command = [sys.executable, "-m", "tests.record_many", str(path), str(_REQUESTS)]
    ended = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True, timeout=240
    )
    told = json.loads(ended.stdout)
    print(f"{_REQUESTS:,} requests: {told['cpu_s']:.1f} s of CPU; RSS {told['rss_mib']} MiB")
    assert max(told["rss_mib"]) < _LIMIT_MIB
    assert max(told["rss_mib"]) - told["rss_mib"][1] < _NOISE_MIB
    recorded = histograms.read_histograms(path)
    assert recorded.broken_lines == 0
    for metric in (Metric.SERVICE, Metric.RESPONSE, Metric.SEND_LAG):
        assert recorded.merged("capacity", [Outcome.OK], metric).total == _REQUESTS

"""What a workload file imports: `from harness.scenario import BenchUser`, and `Status` where only a status is right.
Nothing else of ours is needed there."""

from harness.driving.inside.client import BenchUser
from harness.driving.inside.prepared_request import Status

__all__ = ["BenchUser", "Status"]

"""What a workload file imports: `from harness.scenario import BenchUser`. Nothing else of ours is needed there."""

from harness.driving.inside.client import BenchUser

__all__ = ["BenchUser"]

"""Which trials are measured again, on real run folders; the judge is the test's."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from harness.measuring.retries import Retries
from harness.results.records.run_record import RunRecord
from harness.results.records.trial_record import TrialSpec
from harness.results.store import Run
from tests.handmade_analysis import run_record
from tests.made_trials import trial


class Measuring:
    """A run whose trials take `took_s`; those named in `bad` stay invalid for that many attempts."""

    def __init__(self, folder: Path, bad: Mapping[str, int], budget_s: float, took_s: float = 10.0) -> None:
        self.run = Run.create(folder / "run")
        record = run_record(["a", "b"], ["io", "cpu"], blocks=2)
        pilot = TrialSpec(0, 0, "io", "a")
        self.record: RunRecord = msgspec.structs.replace(
            record,
            plan=(pilot, *record.plan),
            estimate_s=1000.0,
            profile=msgspec.structs.replace(record.profile, retry_share=budget_s / 1000),
        )
        self.bad, self.took_s = bad, took_s
        self.order: list[str] = []

    def measure(self, spec: TrialSpec) -> None:
        attempt = self.run.new_attempt(spec)
        record = trial(spec.variant, spec.block, workload=spec.workload, attempt=attempt.number).record
        attempt.write(msgspec.structs.replace(record, elapsed_s=self.took_s))
        self.order.append(f"{spec.id}/{attempt.number}")

    def judge(self, run: Run, among: Sequence[TrialSpec]) -> dict[str, tuple[str, ...]]:
        return {s.id: ("stolen_time",) for s in among if len(run.attempts(s)) <= self.bad.get(s.id, 0)}

    def all(self) -> list[str]:
        todo = [spec for spec in self.record.plan if not self.run.attempts(spec)]
        retries = Retries(self.run, self.record, self.judge)
        for number, spec in enumerate(todo):
            self.measure(spec)
            for again, codes in retries.after(spec, todo[number + 1 :]):
                assert codes == ("stolen_time",)
                self.measure(again)
        return self.order


def again(order: Sequence[str]) -> list[str]:
    return [name for name in order if not name.endswith("/1")]


def test_an_invalid_trial_is_measured_again_at_the_end_of_its_block(tmp_path: Path) -> None:
    order = Measuring(tmp_path, {"01-io-a": 1}, budget_s=100).all()
    assert again(order) == ["01-io-a/2"]
    assert order.index("01-io-a/2") == order.index("01-io-b/1") + 1


def test_at_most_twice_and_every_trial_gets_its_first_chance_before_another_gets_a_second(tmp_path: Path) -> None:
    order = Measuring(tmp_path, {"01-io-a": 9, "01-io-b": 9}, budget_s=1000).all()
    assert again(order) == ["01-io-a/2", "01-io-b/2", "01-io-a/3", "01-io-b/3"]


@pytest.mark.parametrize(("budget_s", "retries"), [(0, 0), (9, 0), (10, 1), (25, 2), (1000, 4)])
def test_only_within_the_budget(tmp_path: Path, budget_s: float, retries: int) -> None:
    order = Measuring(tmp_path, {"01-io-a": 9, "02-cpu-b": 9}, budget_s=budget_s).all()
    assert len(again(order)) == retries


def test_valid_trials_and_pilots_are_left_alone(tmp_path: Path) -> None:
    assert again(Measuring(tmp_path, {"00-io-a": 9}, budget_s=1000).all()) == []


def test_a_resumed_run_goes_on_with_what_is_left_of_the_budget(tmp_path: Path) -> None:
    measuring = Measuring(tmp_path, {"01-io-a": 9, "02-io-a": 9}, budget_s=25)
    for spec in measuring.record.plan[:3]:
        measuring.measure(spec)
    measuring.measure(measuring.record.plan[1])  # 01-io-a, a second time: then the power failed
    assert again(measuring.all()) == ["01-io-a/2", "02-io-a/2"]


def test_a_record_that_was_cut_off_is_no_reason_to_stop(tmp_path: Path) -> None:
    measuring = Measuring(tmp_path, {"02-io-a": 1}, budget_s=100)
    measuring.measure(measuring.record.plan[1])
    measuring.run.attempts(measuring.record.plan[1])[0].record_path.write_bytes(b"{")
    assert again(measuring.all()) == ["02-io-a/2"]

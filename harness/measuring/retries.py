"""Measuring again what a block left invalid: at most twice each, and within a share of the run's time.

A retry is measured at the end of its block, so that it can still be compared with what was measured close to it. The
loop asks only `harness.judging`, which judges by the files of the attempts, as every later reader does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.judging.judge import judge, median_canary_of
from harness.results.raw_trial import complete_records, read_raw_trial
from harness.results.records.run_record import RunRecord
from harness.results.records.trial_record import TrialSpec
from harness.results.store import Run, StoreError

MOST_RETRIES = 2

# The trials that have no valid attempt, by id: the codes of the findings against the last one.
Judge = Callable[[Run, Sequence[TrialSpec]], Mapping[str, tuple[str, ...]]]


def invalid_trials(run: Run, among: Sequence[TrialSpec]) -> dict[str, tuple[str, ...]]:
    """A `Judge`. The machine's speed is compared with that of all trials so far."""
    record = run.read()
    wanted = {spec.id for spec in among}
    complete = complete_records(run, record, [])
    median_canary_ms = median_canary_of(trial for _, trial in complete)
    judged = [
        (trial.spec.id, judge(record, read_raw_trial(run, attempt, trial, []), median_canary_ms))
        for attempt, trial in complete
        if trial.spec.id in wanted
    ]
    valid = {trial_id for trial_id, judgement in judged if judgement.valid}
    return {
        trial_id: tuple(sorted({found.code for found in judgement.findings if found.level == "invalid"}))
        for trial_id, judgement in judged
        if trial_id not in valid
    }


class Retries:
    """What to measure again. What has been spent is read from disk, so a resumed run keeps its budget."""

    def __init__(self, run: Run, record: RunRecord, judge: Judge) -> None:
        self._run = run
        self._plan = record.plan
        self._judge = judge
        self._left_s = record.profile.retry_share * record.estimate_s
        self._left_s -= sum(sum(self._elapsed_s(spec)[1:]) for spec in self._plan)

    def after(self, done: TrialSpec, todo: Sequence[TrialSpec]) -> Iterator[tuple[TrialSpec, tuple[str, ...]]]:
        """The trials to measure again after `done`, and why. The caller measures each before it asks for the next.

        There are none while the same block goes on in `todo`, the trials that are left. Pilots are not measured again:
        they only set the rates.
        """
        if not done.is_pilot and not (todo and _block(todo[0]) == _block(done)):
            yield from self._block_again(done)

    def left_over(self, todo: Sequence[TrialSpec]) -> Iterator[tuple[TrialSpec, tuple[str, ...]]]:
        """As `after`, for the blocks that were complete before an interruption: perhaps their retries are missing."""
        open_blocks = {_block(spec) for spec in todo}
        first_of = {_block(spec): spec for spec in self._plan if not spec.is_pilot and _block(spec) not in open_blocks}
        for spec in first_of.values():
            yield from self._block_again(spec)

    def _block_again(self, done: TrialSpec) -> Iterator[tuple[TrialSpec, tuple[str, ...]]]:
        if self._left_s <= 0:
            return
        block = [spec for spec in self._plan if _block(spec) == _block(done)]
        for _ in range(MOST_RETRIES):
            invalid = self._judge(self._run, block)
            block = [spec for spec in block if spec.id in invalid]
            for spec in block:
                took_s = self._elapsed_s(spec)
                if not took_s or len(took_s) > MOST_RETRIES or took_s[-1] > self._left_s:
                    continue
                yield spec, invalid[spec.id]
                self._left_s -= self._elapsed_s(spec)[-1]

    def _elapsed_s(self, spec: TrialSpec) -> list[float]:
        """What each complete attempt took, oldest first."""
        seconds = []
        for attempt in self._run.attempts(spec):
            if attempt.is_complete:
                try:
                    seconds.append(attempt.read().elapsed_s)
                except StoreError:
                    continue  # cut off: it does not count; the code that judges it reports it
        return seconds


def _block(spec: TrialSpec) -> tuple[int, str]:
    return spec.block, spec.workload

"""What leaves the run for other programs: `summary.csv` for pandas users, a Markdown table for a job summary."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.analysis.evidence import Analysis, Decision, Undecided
from harness.analysis.slices import invalid_codes
from harness.judging.context import was_silent
from harness.judging.figures import Percentile, PhaseFigures, SliceFigures
from harness.judging.overload import is_overloaded
from harness.judging.validity import DISTURBANCES
from harness.report import wording
from harness.results.records.outcome import error_count, too_late_count
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.text import count
from harness.results.store import Run, write_atomically

COLUMNS = (
    "run",
    "slice",
    "boot",
    "round",
    "workload",
    "variant",
    "strategy",
    "valid",
    "phase",
    "phase_kind",
    "phase_status",
    "offered_rps",
    "metric",
    "value",
    "unit",
    "at_least",
)

# The figures of PhaseFigures that are exported, with their units.
_NUMBERS = {
    "duration_s": "s",
    "goodput_rps": "1/s",
    "in_time_rps": "1/s",
    "scheduled": "requests",
    "censored": "requests",
    "target_cpu_s": "s",
    "generator_cpu_s": "s",
    "services_cpu_s": "s",
    "target_cpu_s_per_1000": "s per 1000 right answers",
    "target_idle_cores": "cores",
    "target_cores": "cores",
    "generator_cores": "cores",
    "generator_own_cores": "cores",
    "generator_wait_share": "of the time",
    "services_cores": "cores",
    "target_rss_max_bytes": "bytes",
    "target_pss_max_bytes": "bytes",
    "target_threads_max": "threads",
    "target_processes_max": "processes",
    "ctx_voluntary": "switches",
    "ctx_involuntary": "switches",
    "loop_lag_p50_ms": "ms",
    "loop_lag_p99_ms": "ms",
    "loop_lag_max_ms": "ms",
    "limiter_borrowed_max": "tokens",
    "limiter_waiting_max": "requests",
    "pool_wait_p50_ms": "ms",
    "pool_wait_p99_ms": "ms",
    "pool_waiting_max": "requests",
}
_PERCENTILES = (
    "service_p50",
    "service_p90",
    "service_p99",
    "response_p50",
    "response_p90",
    "response_p99",
    "response_p999",
    "send_lag_p99",
    "health_p50",
    "health_p99",
)
_LISTED = 10  # lines of slices that a strategy spoilt itself
# Spreadsheets take a cell that begins so for a formula (OWASP, "CSV Injection").
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_summary_csv(run: Run, analysis: Analysis) -> Path:
    """Write `summary.csv`: a row for each slice x phase x metric that has a value. StoreError if it cannot be.

    CPU times are between a phase's start and end; only `target_cpu_s_per_1000` of an open loop counts on until it is
    drained, and it alone is without `target_idle_cores`, what the target uses while nobody asks. An open loop's
    `overloaded` is 1 where more was asked than answered; a phase that was skipped because the server had choked at a
    lower rate has that row only. `at_least` is true where a percentile lies among requests that were given up, so that
    it is a lower bound; only `valid` slices count in the report.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    strategies = {variant.name: variant.strategy for variant in analysis.run.variants}
    for slice in analysis.slices:
        for phase in slice.phases.values():
            writer.writerows(_rows(analysis.run.id, strategies, slice, phase))
    write_atomically(run.summary_path, text.getvalue().encode())
    return run.summary_path


def _rows(
    run_id: str, strategies: Mapping[str, str], slice: SliceFigures, phase: PhaseFigures
) -> Iterator[tuple[str, ...]]:
    spec = slice.record.spec
    head = (
        _text(run_id),
        _text(spec.id),
        str(slice.record.boot),
        str(spec.round),
        _text(spec.workload),
        _text(spec.variant),
        _text(strategies[spec.variant]),
        _truth(slice.valid),
        _text(phase.name),
        phase.kind.value,
        phase.status.value,
        "" if phase.offered_rps is None else repr(phase.offered_rps),
    )
    for name, value, unit, at_least in _values(phase):
        yield (*head, name, repr(value), unit, at_least)


def _values(phase: PhaseFigures) -> Iterator[tuple[str, float, str, str]]:
    """Metric, value, unit and, of a percentile, whether it is a lower bound.

    A skipped phase has one row, that it was overloaded: a goodput of 0 would be taken for a measurement. For the same
    reason a phase without a right answer has no goodput.
    """
    if phase.kind is PhaseKind.RATE:
        right_answers = phase.goodput_rps * phase.duration_s
        yield "overloaded", int(is_overloaded(phase.kind, phase.status, right_answers, phase.scheduled)), "of 1", ""
    if phase.status is PhaseStatus.SKIPPED:
        return
    for name, unit in _NUMBERS.items():
        number = getattr(phase, name)
        if number is not None and not (name == "goodput_rps" and was_silent(phase)):
            yield name, number, unit, ""
    for name in _PERCENTILES:
        percentile: Percentile | None = getattr(phase, name)
        if percentile is not None:
            yield f"{name}_ms", percentile.value_ms, "ms", _truth(percentile.at_least)
    for outcome, many in phase.outcomes.items():
        yield f"outcome_{outcome.value}", many, "requests", ""
    yield "errors", error_count(phase.outcomes), "requests", ""
    yield "too_late", too_late_count(phase.outcomes), "requests", ""
    for pid, many in phase.requests_by_pid.items():
        yield f"worker_{pid}", many, "requests", ""


def _text(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value


def _truth(value: bool) -> str:
    return "true" if value else "false"


def markdown_summary(analysis: Analysis) -> str:
    """The decision table and what did not count, as GitHub's Markdown."""
    baseline = _markdown(analysis.run.baseline or "the baseline")
    lines = [
        f"| workload | best | capacity | gain over {baseline} | may be as good | avoid | why |",
        "|---|---|---|---|---|---|---|",
        *(_decision_line(decision) for decision in analysis.decisions),
        *(f"| {each.workload} | none | | | | | {_markdown(_no_decision(each))} |" for each in analysis.undecided),
    ]
    not_compared = [decision.no_gain_because for decision in analysis.decisions if decision.no_gain_because]
    if not_compared:
        lines += ["", *(f"- {_markdown(line)}" for line in not_compared)]
    invalid = [slice for slice in analysis.slices if not slice.valid]
    lines += ["", f"{count(len(analysis.slices), 'slice')}, {len(invalid)} of them failed or invalid."]
    # What the machine did is one line at the end of a run; what a strategy did is said here.
    own = [slice for slice in invalid if not invalid_codes(slice) <= DISTURBANCES or slice.record.error]
    for slice in own[:_LISTED]:
        findings = [finding for finding in slice.findings if finding.level == "invalid"]
        said = "; ".join(f"{finding.code}: {finding.message}" for finding in findings) or slice.record.error
        lines.append(f"- `{slice.record.spec.id}` boot {slice.record.boot}: {_markdown(said)}")
    if len(own) > _LISTED:
        lines.append(f"- and {len(own) - _LISTED} more; see Slices in the report")
    lines += [f"- {_markdown(line)}" for line in analysis.broken]
    return "\n".join(lines) + "\n"


def terminal_summary(analysis: Analysis, width: int) -> str:
    """The same for a terminal of `width` columns: a few lines for each workload."""
    lines = []
    for decision in analysis.decisions:
        capacity = f"{wording.number(decision.capacity.value)}/s {wording.interval(decision.capacity)}"
        lines += ["", f"{decision.workload}: {decision.best}  {capacity}"]
        if decision.gain is not None:
            made = decision.gain
            over = f"{wording.times(made.ratio.value)} {made.baseline} {wording.interval_of_ratio(made.ratio)}"
            lines.append(f"  {over}: {wording.verdict_in_words(made)}")
        elif decision.no_gain_because:
            lines.append(f"  {decision.no_gain_because}")
        if decision.tied:
            lines.append(f"  may be as good (within 5 %): {', '.join(decision.tied)}")
        if decision.avoid:
            lines.append(f"  avoid: {', '.join(_avoid(decision))}")
        lines.append(f"  {decision.why}")
    for each in analysis.undecided:
        lines += ["", f"{each.workload}: {_no_decision(each)}"]
    invalid = sum(not slice.valid for slice in analysis.slices)
    lines += ["", f"{count(len(analysis.slices), 'slice')}, {invalid} of them failed or invalid"]
    return "\n".join(textwrap.fill(line, width, subsequent_indent="    ") for line in lines)


def _avoid(decision: Decision) -> list[str]:
    return [f"{made.variant} ({wording.times(made.ratio.value)})" for made in decision.avoid]


def _no_decision(undecided: Undecided) -> str:
    return f"No decision: {undecided.reason}."


def _decision_line(decision: Decision) -> str:
    gain = wording.NOTHING
    if decision.gain is not None:
        ratio = decision.gain.ratio
        over = f"{wording.times(ratio.value)} {wording.interval_of_ratio(ratio)}"
        gain = f"{over} {wording.verdict_in_words(decision.gain)}"
    cells = (
        decision.workload,
        f"`{decision.best}`",
        f"{wording.number(decision.capacity.value)}/s {wording.interval(decision.capacity)}",
        gain,
        ", ".join(f"`{name}`" for name in decision.tied) or wording.NOTHING,
        ", ".join(_avoid(decision)) or wording.NOTHING,
        _markdown(decision.why),
    )
    return f"| {' | '.join(cells)} |"


def _markdown(text: str) -> str:
    """As plain text: what a server wrote into an error must not become markup or a new row."""
    for character, said in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("`", "'"), ("\n", " ")):
        text = text.replace(character, said)
    return text

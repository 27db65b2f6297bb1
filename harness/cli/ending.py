"""How a run ends on the terminal: the decisions, where the report is, what is missing, the exit code."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from harness.cli.exit_codes import EXIT_INCOMPLETE
from harness.results.records.errors import UsageError
from harness.results.records.text import count

if TYPE_CHECKING:
    from harness.analysis.added_run import Added
    from harness.analysis.evidence import Analysis
    from harness.analysis.sweep_record import Sweep
    from harness.cli.display import Display
    from harness.measuring.measure import Result
    from harness.results.store import Run


def display(as_json: bool) -> Display:
    """Progress on stderr when stdout is for a program."""
    from rich.console import Console

    from harness.cli.display import Display

    return Display(Console(stderr=as_json, highlight=False))


def finish(result: Result, errors: tuple[str, ...], as_json: bool, add_to: str | None = None) -> None:
    """The report, and an exit code that says whether a strategy failed, answered wrongly or has no valid data.

    What other users of the machine disturbed is a line at the end, and no error. `add_to`: whose report shows it, too.
    """
    from harness.analysis.shortfalls import shortfalls
    from harness.cli.display import clock

    analysis = write_report(result.run, as_json)
    if not as_json:
        print(f"took {clock(result.elapsed_s)}, estimated {clock(result.estimate_s)}")
    short = shortfalls(analysis)
    for line in (*errors, *result.failed):
        print(f"not measured: {line}", file=sys.stderr)
    for line in short:
        print(f"problem: {line}", file=sys.stderr)
    for each in analysis.undecided:
        print(f"no decision: {each.workload}: {each.reason}", file=sys.stderr)
    if line := _disturbed_line(analysis):
        print(line, file=sys.stderr if as_json else sys.stdout)
    if add_to is not None:
        from harness.cli.adding import add_sweep

        print(add_sweep(result.run, add_to), file=sys.stderr if as_json else sys.stdout)
    if errors or result.failed or short or any(each.nobody_answered for each in analysis.undecided):
        raise typer.Exit(EXIT_INCOMPLETE)


def with_slices(run: Run) -> Run:
    """The run. Raises UsageError when nothing of it has been measured yet, so that there is nothing to judge."""
    record = run.read()
    has_slices = any(boot.slices for _, boot in run.recorded_boots(lambda error: None))
    if not record.preflight or (record.plan and not has_slices):
        raise UsageError(
            f"{run.path}: was interrupted before its first slice was complete; finish it with "
            f"`bench run --resume {run.path}`, or name another run"
        )
    return run


def _disturbed_line(analysis: Analysis) -> str:
    from harness.analysis.shortfalls import disturbed
    from harness.report import wording

    found = disturbed(analysis)
    if found is None:
        return ""
    codes = ", ".join(f"{code} {many}" for code, many in found.codes.items())
    return (
        f"disturbed: {found.slices} of {count(found.of_slices, 'slice')} left out, "
        f"{wording.percent(found.share)} of the time ({codes})"
    )


def write_report(run: Run, as_json: bool) -> Analysis:
    """Judge, write report.html and summary.csv, say the decisions. What was added to the report is in it."""
    import msgspec

    from harness.analysis.shortfalls import disturbed, shortfalls
    from harness.cli.together import together, warn_of_added
    from harness.report import exports, for_programs, page
    from harness.report.sweep_charts import sweep_sentences

    analysis, added = together(run)
    exports.write_summary_csv(run, analysis)
    path = page.write_page(run, analysis, added)
    if as_json:
        summary = {
            "run": str(run.path),
            "report": str(path),
            "decisions": for_programs.decisions_for_programs(analysis),
            "spent_s": for_programs.spent_s(analysis),
            "left_out_share": for_programs.left_out_share(analysis),
            "undecided": analysis.undecided,
            "sweeps": analysis.sweeps,
            "added": [
                {"run": each.name, "sweeps": each.analysis.sweeps, "differs": each.differs} for each in added.runs
            ],
            "not_added": added.left_out,
            "cells": analysis.cells,
            "shortfalls": shortfalls(analysis),
            "disturbed": disturbed(analysis),
            "broken": analysis.broken,
        }
        print(msgspec.json.format(msgspec.json.encode(summary), indent=1).decode())
    else:
        columns = shutil.get_terminal_size().columns
        print(
            exports.terminal_summary(analysis, columns) if sys.stdout.isatty() else exports.markdown_summary(analysis)
        )
        for of, sweep in _all_sweeps(analysis, added):
            print(f"{sweep.of} on {sweep.workload}{of}: {' '.join(sweep_sentences(sweep))}")
        print(f"report: {path}")
    for line in analysis.broken:
        print(line, file=sys.stderr)
    warn_of_added(added)
    return analysis


def _all_sweeps(analysis: Analysis, added: Added) -> Iterator[tuple[str, Sweep]]:
    """Of the run, and of those that were added: these with their name."""
    yield from (("", sweep) for sweep in analysis.sweeps)
    for each in added.runs:
        yield from ((f" (run {each.name})", sweep) for sweep in each.analysis.sweeps)

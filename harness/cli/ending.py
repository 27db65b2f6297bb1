"""How a run ends on the terminal: the decisions, the report's place, what is missing, the exit code."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import typer

from harness.cli.exit_codes import EXIT_INCOMPLETE
from harness.results.records.errors import UsageError

if TYPE_CHECKING:
    from harness.cli.display import Display
    from harness.measuring.measure import Result
    from harness.results.store import Run


def display(as_json: bool) -> Display:
    """Progress on stderr when stdout is for a program."""
    from rich.console import Console

    from harness.cli.display import Display

    return Display(Console(stderr=as_json, highlight=False))


def finish(result: Result, errors: tuple[str, ...], as_json: bool) -> None:
    """The report, and an exit code that says whether everything was measured."""
    from harness.cli.display import clock

    invalid = write_report(result.run, as_json)
    if not as_json:
        print(f"took {clock(result.elapsed_s)}, estimated {clock(result.estimate_s)}")
    for line in (*errors, *result.failed):
        print(f"not measured: {line}", file=sys.stderr)
    if invalid:
        print(f"{invalid} trials are invalid: see the report's findings", file=sys.stderr)
    if errors or result.failed or invalid:
        raise typer.Exit(EXIT_INCOMPLETE)


def with_trials(run: Run) -> Run:
    """The run. Raises UsageError when nothing of it has been measured yet, so that there is nothing to judge."""
    record = run.read()
    attempts = (attempt for spec in record.plan for attempt in run.attempts(spec))
    if not record.preflight or (record.plan and not any(attempt.is_complete for attempt in attempts)):
        raise UsageError(
            f"{run.path}: was interrupted before its first trial was complete; finish it with "
            f"`bench run --resume {run.path}`, or name another run"
        )
    return run


def write_report(run: Run, as_json: bool) -> int:
    """Judge, write report.html and summary.csv, say the decisions; how many trials have no valid attempt."""
    import msgspec

    from harness.analysis.analyse import analyse
    from harness.report import exports, page

    analysis = analyse(run)
    exports.write_summary_csv(run, analysis)
    path = page.write_page(run, analysis)
    if as_json:
        summary = {
            "run": str(run.path),
            "report": str(path),
            "decisions": analysis.decisions,
            "cells": analysis.cells,
            "broken": analysis.broken,
        }
        print(msgspec.json.format(msgspec.json.encode(summary), indent=1).decode())
    else:
        columns = shutil.get_terminal_size().columns
        print(
            exports.terminal_summary(analysis, columns) if sys.stdout.isatty() else exports.markdown_summary(analysis)
        )
        print(f"report: {path}")
    for line in analysis.broken:
        print(line, file=sys.stderr)
    measured = [trial for trial in analysis.trials if not trial.record.spec.is_pilot]
    valid = {trial.record.spec.id for trial in measured if trial.valid}
    return len({t.record.spec.id for t in measured if t.record.status == "complete"} - valid)

"""What `bench app` found: by asking alone or under load, as it is printed and written, and the exit code."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from harness.cli.exit_codes import EXIT_GATE, EXIT_INCOMPLETE
from harness.results.records.text import printable

if TYPE_CHECKING:
    from harness.analysis.app_report import AppReport
    from harness.cli.app_checking import CheckedApp
    from harness.cli.app_load import AppLoad
    from harness.cli.app_requests import GivenRequests
    from harness.results.records.app_record import AppRecord
    from harness.serving.target import Target


class Found(NamedTuple):
    """`sources`: the app's files in which something blocks. `said`: lines about what could not be asked. `problems`: a
    line for each reason why it is not what was asked for."""

    report: AppReport
    sources: dict[str, str]
    said: tuple[str, ...]
    problems: tuple[str, ...]


def find(
    target: Target, record: AppRecord, asked: GivenRequests, load: AppLoad | None, folder: Path, *, as_json: bool
) -> Found:
    """Asks one request at a time, then measures `load`, if there is one and anything answered. `folder` is this run's
    own."""
    from harness.cli.app_checking import check_app
    from harness.machine.only_run import alone_on_this_machine

    with nullcontext() if load is None else alone_on_this_machine():
        checked = check_app(target, asked, folder / "brought" / "check")
        return _judged(target, record, checked, load, folder, as_json=as_json)


def _judged(
    target: Target, record: AppRecord, checked: CheckedApp, load: AppLoad | None, folder: Path, *, as_json: bool
) -> Found:
    import msgspec

    from harness.analysis.app_report import app_report
    from harness.cli.app_load import measure_app
    from harness.cli.app_requests import why_no_load, why_no_success, wrong_status_lines
    from harness.results.records.errors import HarnessError, UsageError

    record = msgspec.structs.replace(record, answers=checked.answers)
    silent = why_no_success(checked.answers) or ("" if load is None else why_no_load(checked.answers))
    problems = (*wrong_status_lines(checked.answers), *checked.ended, *filter(None, [silent]))
    if load is None or silent:
        report = app_report(record, checked.check, None)
    else:
        try:
            report, under_load = measure_app(target, record, checked, load, folder, as_json=as_json)
        except UsageError:
            raise
        except HarnessError as error:  # what was found one request at a time is not lost
            report, under_load = app_report(record, checked.check, None), (str(error),)
        problems += under_load
    return Found(report, checked.sources, checked.errors, problems)


def end(found: Found, *, page: Path | None, markdown: Path | None, junit: Path | None, as_json: bool) -> None:
    """Prints it and writes the files. Raises the exit code: that of the gate first."""
    import msgspec

    from harness.cli.app_lines import app_lines
    from harness.report.app_junit import app_junit
    from harness.report.app_markdown import app_markdown
    from harness.report.app_page import write_app_page
    from harness.results.store import write_atomically

    report = found.report
    if page is not None:
        write_app_page(page, report, found.sources)
    for path, content in ((markdown, app_markdown(report).encode()), (junit, app_junit(report))):
        if path is not None:
            write_atomically(path, content)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(report), indent=1).decode())
    else:
        for line in app_lines(report):
            print(line)
    for line in (*found.said, *found.problems, *report.gate):
        print(printable(line), file=sys.stderr)
    if report.gate:
        raise typer.Exit(EXIT_GATE)
    if found.problems:
        raise typer.Exit(EXIT_INCOMPLETE)

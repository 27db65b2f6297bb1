"""Reads what a run says of somebody's own app: the shell around the pure parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from harness.analysis.app_check import checked, checked_under_load
from harness.analysis.app_report import AppReport, app_report
from harness.analysis.evidence import Analysis
from harness.results.store import Run
from harness.results.watch_files import WatchFiles


class AnalysedApp(NamedTuple):
    """`sources` are the app's files that have a line that blocks; empty where one could not be read."""

    report: AppReport
    sources: Mapping[str, str]


def analysed_app(run: Run, analysis: Analysis | None) -> AnalysedApp | None:
    """None: the run is not about somebody's own app. Raises StoreError when what it left cannot be read."""
    record = run.read_app()
    if record is None:
        return None
    files = WatchFiles.read(run.watch_dir)
    check = checked(record.answers, files.stretches, files.requests, files.sources)
    loaded = WatchFiles.read(run.loaded_watch_dir)
    check = checked_under_load(check, record.answers, loaded.stretches, loaded.requests, loaded.sources)
    return AnalysedApp(app_report(record, check, analysis), loaded.sources | files.sources)

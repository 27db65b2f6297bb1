"""A page about somebody's own app that was asked one request at a time, and not measured under load."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.analysis.app_report import AppReport
from harness.report import wording
from harness.report.app_section import app_section
from harness.report.page_template import page_template
from harness.results.records.text import count
from harness.results.store import write_atomically


def write_app_page(path: Path, report: AppReport, sources: Mapping[str, str]) -> None:
    """Raises StoreError when it cannot be written."""
    write_atomically(path, render_app(report, sources).encode("utf-8", errors="replace"))


def render_app(report: AppReport, sources: Mapping[str, str]) -> str:
    """`sources`: the app's files, as `harness.results.watch_files` reads them."""
    return page_template("app_page.html.j2").render(app=app_section(report, sources), words=wording, count=count)

"""`report.html`: one page, complete in itself, of everything the analysis says and some of the raw series behind it.

The page needs no network and runs no script; its Content-Security-Policy says so to the browser too. The same run
gives the same bytes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from harness.analysis.added_run import Added
from harness.analysis.analysed_app import analysed_app
from harness.analysis.evidence import Analysis, Cell
from harness.judging.figures import SliceFigures
from harness.report import banner, provenance, timeline, verdicts, wording, workloads
from harness.report.added_part import added_sweeps, added_warnings
from harness.report.app_section import AppSection, app_section
from harness.report.calibration_section import calibration_section
from harness.report.claim_lines import claim_rows
from harness.report.page_template import page_template
from harness.report.palette import Palette
from harness.report.standing import capacity_of, measured_slices, standing
from harness.report.sweep_charts import sweep_view
from harness.results.records.phase_record import PhaseRecord, PhaseStatus
from harness.results.records.text import count
from harness.results.store import BootFolder, Run, StoreError, write_atomically


@dataclass(frozen=True)
class Panel:
    """One cell over time."""

    variant: str
    colour: str
    caption: str
    svg: Markup | None


@dataclass(frozen=True)
class Panels:
    workload: str
    panels: tuple[Panel, ...]


_NOTHING_ADDED = Added()


def write_page(run: Run, analysis: Analysis, added: Added = _NOTHING_ADDED) -> Path:
    """Write the run's `report.html`; raises StoreError when it cannot be written."""
    write_atomically(run.report_path, render(run, analysis, added).encode("utf-8", errors="replace"))
    return run.report_path


def render(run: Run, analysis: Analysis, added: Added = _NOTHING_ADDED) -> str:
    """The whole page, with the sweeps of the runs that were `added`; their claims are in the `analysis` already. Reads
    the raw series of one boot of each cell; changes nothing."""
    record = analysis.run
    palette = Palette([variant.name for variant in record.variants])
    anchors = {workload.name: f"w{place}" for place, workload in enumerate(record.workloads)}
    proof = calibration_section(run)
    app, unreadable = _app(run, analysis)
    return page_template("template.html.j2").render(
        app=app,
        run=record,
        when=provenance.when(record.created_epoch_s),
        machine=provenance.machine_line(record.environment),
        counts=Counter(standing(slice) for slice in measured_slices(analysis)),
        measured=len(measured_slices(analysis)),
        warnings=(*banner.warnings(analysis), *added_warnings(added), *filter(None, [unreadable, proof.warning])),
        instrument=proof,
        decisions=verdicts.decision_rows(analysis, anchors, palette),
        claims=claim_rows(analysis),
        added=added.runs,
        baseline=analysis.run.baseline or "the baseline",
        sweeps=[
            *(
                sweep_view(sweep, record.environment.partition.target_cores, palette.css(sweep.points[0].variant))
                for sweep in analysis.sweeps
            ),
            *added_sweeps(added),
        ],
        workloads=[
            workloads.view(analysis, workload, anchors[workload.name], palette, proof.calibration)
            for workload in record.workloads
        ],
        timelines=[_panels(run, analysis, workload.name, palette) for workload in record.workloads],
        comparisons=verdicts.comparison_tables(analysis, palette),
        not_compared=verdicts.not_compared(analysis),
        doubtful=provenance.doubtful_rows(analysis),
        boots=[(workload.name, provenance.boot_rows(run, analysis, workload.name)) for workload in record.workloads],
        environment=provenance.environment_facts(analysis),
        packages=sorted(record.environment.packages.items()),
        profile=provenance.profile_facts(record),
        variants=[
            (variant, next(s for s in record.strategies if s.name == variant.strategy), palette.css(variant.name))
            for variant in record.variants
        ],
        words=wording,
        count=count,
    )


def _app(run: Run, analysis: Analysis) -> tuple[AppSection | None, str]:
    """None: the run is not about somebody's own app, or what it left cannot be read, and why not."""
    try:
        found = analysed_app(run, analysis)
    except StoreError as error:
        return None, f"What is known of the app could not be read and is left out: {error}"
    return (None if found is None else app_section(found.report, found.sources)), ""


def _panels(run: Run, analysis: Analysis, workload: str, palette: Palette) -> Panels:
    """One representative boot of each cell, all on the same axes."""
    chosen = [
        (cell, _representative(analysis, cell))
        for cell in workloads.cells_in_order(analysis, workload)
        if cell.status == "measured"
    ]
    lines = [
        timeline.of_boot(BootFolder(run.path / slice.folder).samples(), _phases_of_boot(analysis, slice))
        if slice
        else None
        for _, slice in chosen
    ]
    drawn = [line for line in lines if line is not None]
    cores_top = max((line.cores_max for line in drawn), default=1.0)
    memory_top_mib = max((line.memory_max_mib for line in drawn), default=1.0)
    panels = []
    for (cell, slice), line in zip(chosen, lines, strict=True):
        svg, caption = None, "no slice with samples"
        if slice is not None and line is not None:
            caption = _caption(analysis, slice)
            svg = timeline.draw_timeline(
                line,
                f"CPU cores and memory over time, {cell.variant} on {workload}, {caption}; "
                f"the target used at most {wording.number(line.cores['target'].largest)} cores and "
                f"{wording.number(line.memory_max_mib)} MiB",
                cores_top=cores_top,
                memory_top_mib=memory_top_mib,
            )
        panels.append(Panel(cell.variant, palette.css(cell.variant), caption, svg))
    return Panels(workload, tuple(panels))


def _phases_of_boot(analysis: Analysis, slice: SliceFigures) -> list[PhaseRecord]:
    return [phase for one in analysis.slices if one.folder == slice.folder for phase in one.record.phases]


def _caption(analysis: Analysis, slice: SliceFigures) -> str:
    skipped = {phase.spec.name for phase in _phases_of_boot(analysis, slice) if phase.status is PhaseStatus.SKIPPED}
    overloaded = f", {' and '.join(sorted(skipped))} skipped (overloaded)" if skipped else ""
    return f"boot {slice.record.boot}{'' if slice.valid else ' (no valid slice)'}{overloaded}"


def _representative(analysis: Analysis, cell: Cell) -> SliceFigures | None:
    """The valid slice of median capacity, whose boot is shown; without a valid one, an invalid one."""
    slices = [
        slice
        for slice in measured_slices(analysis)
        if slice.phases and (slice.record.spec.variant, slice.record.spec.workload) == (cell.variant, cell.workload)
    ]
    best = [slice for slice in slices if slice.valid] or slices
    ranked = sorted(best, key=lambda slice: (capacity_of(slice) or 0.0, slice.record.spec.round, slice.record.boot))
    return ranked[(len(ranked) - 1) // 2] if ranked else None

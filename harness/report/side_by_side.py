"""One workload beside another one that is the same but for what holds the GIL: where threads scale, and where not."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from harness.analysis.evidence import Analysis, Cell
from harness.judging.estimate import Estimate
from harness.report import charts
from harness.report.palette import Palette

# The first holds the GIL while it computes, the second does not.
_BESIDE = {"cpu": "cpu_native"}


def beside(analysis: Analysis, workload: str) -> str:
    """The name of the other workload, where there is one with a baseline and two variants or more in common; else
    empty."""
    other = _BESIDE.get(workload, "")
    common = _with_capacity(analysis, workload) & _with_capacity(analysis, other)
    return other if len(common) > 1 and analysis.run.baseline in common else ""


def beside_chart(analysis: Analysis, workload: str, other: str, palette: Palette, cells: Sequence[Cell]) -> Markup:
    """Of the variants that have a capacity on both, in the order of `cells`."""
    common = _with_capacity(analysis, workload) & _with_capacity(analysis, other)
    rows = [
        charts.PairRow(
            cell.variant,
            palette.css(cell.variant),
            _over_baseline(analysis, workload, cell.variant),
            _over_baseline(analysis, other, cell.variant),
        )
        for cell in cells
        if cell.variant in common
    ]
    baseline = analysis.run.baseline or ""
    title = f"Capacity on {workload} and on {other}, each over that of {baseline}"
    return charts.pair_chart(rows, (workload, other), baseline, title)


def _with_capacity(analysis: Analysis, workload: str) -> set[str]:
    return {cell.variant for cell in analysis.cells if cell.workload == workload and cell.capacity is not None}


def _over_baseline(analysis: Analysis, workload: str, variant: str) -> Estimate | None:
    """As it was compared: paired within rounds."""
    if variant == analysis.run.baseline:
        return Estimate(1.0, None, None, 0)
    return next(
        (
            made.ratio
            for made in analysis.comparisons
            if (made.workload, made.variant, made.metric) == (workload, variant, "capacity_rps")
        ),
        None,
    )

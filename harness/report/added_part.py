"""What the report of a run shows of the runs that were added to it: their sweeps, and what must be known of them."""

from __future__ import annotations

from collections.abc import Iterator

from harness.analysis.added_run import Added, AddedRun
from harness.report.palette import Palette
from harness.report.provenance import when
from harness.report.sweep_charts import SweepView, sweep_view


def added_sweeps(added: Added) -> tuple[SweepView, ...]:
    """Each says which run it is of, and in what that one's conditions were others."""
    return tuple(view for run in added.runs for view in _of_run(run))


def _of_run(run: AddedRun) -> Iterator[SweepView]:
    record = run.analysis.run
    palette = Palette([variant.name for variant in record.variants])
    for sweep in run.analysis.sweeps:
        yield sweep_view(
            sweep,
            record.environment.partition.target_cores,
            palette.css(sweep.points[0].variant),
            of=f"run {run.name}, {when(record.created_epoch_s)}",
            note=f"Other conditions than in this run: {'; '.join(run.differs)}." if run.differs else "",
        )


def added_warnings(added: Added) -> tuple[str, ...]:
    """A line for each that cannot be shown, and for each whose conditions were others."""
    return (
        *added.left_out,
        *(
            f"{run.name}, whose sweeps and claims are shown here, too, was measured under other conditions: "
            f"{'; '.join(run.differs)}."
            for run in added.runs
            if run.differs
        ),
    )

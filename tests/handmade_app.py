"""What `bench app` found of an app, made by hand: one route that blocks, one that does not, one that is not asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from harness.analysis.app_check import AppCheck, CheckedRoute
from harness.analysis.app_report import AppReport, app_report
from harness.analysis.blocking_lines import BlockingLine
from harness.analysis.evidence import Analysis, Cell, Comparison
from harness.judging.estimate import Estimate
from harness.results.records.app_record import ALL_ROUTES, AS_IS, AppRecord
from harness.results.records.remedy import Remedy
from tests import handmade_analysis as handmade

FOLDER = "/srv/shop"
FILE = f"{FOLDER}/shop/main.py"
SLOW = "GET /slow"
WORKLOADS = {"slow": SLOW, "all": ALL_ROUTES}
LINE = BlockingLine(FILE, 15, "slow", "time.sleep", "waits", 57.9, "endpoint", SLOW)
SOURCE = "".join(f"line_{number} = {number}\n" for number in range(1, 15)) + "    time.sleep(0.06)\n    return {}\n"
CHANGE = '@app.get("/slow")\ndef slow():\n    time.sleep(0.06)'
IN_THREAD = Remedy("in_thread", "`def` in place of `async def`", (SLOW,), "", CHANGE, '{"in_thread": ["GET /slow"]}')
WITH_WORKERS = Remedy(
    "in_thread_workers_2",
    "`def` in place of `async def`, and 2 workers",
    (SLOW,),
    "",
    f"{CHANGE}\n\nuvicorn shop.main:app --workers 2",
    '{"in_thread": ["GET /slow"]}',
    workers=2,
)
WORKERS = Remedy("workers_2", "2 workers", (), "", "uvicorn shop.main:app --workers 2", "{}", workers=2)
GRANIAN = Remedy("granian", "granian in place of uvicorn", (), "`granian` is not installed", "", "{}", server="granian")
REMEDIES = (IN_THREAD, WITH_WORKERS, WORKERS, GRANIAN)
RATIOS = {
    ("slow", "in_thread"): Estimate(14.0, 12.1, 17.2, 6),
    ("slow", "in_thread_workers_2"): Estimate(27.0, 22.0, 31.0, 6),
    ("slow", "workers_2"): Estimate(1.9, 1.7, 2.1, 6),
    ("all", "in_thread"): Estimate(6.0, 5.0, 7.0, 6),
    ("all", "in_thread_workers_2"): Estimate(9.0, 8.0, 10.0, 6),
    ("all", "workers_2"): Estimate(1.1, 0.9, 1.3, 6),
}


def record(
    *,
    remedies: Sequence[Remedy] = REMEDIES,
    workloads: Mapping[str, str] = WORKLOADS,
    max_blocked_ms: float | None = None,
    max_p99_ms: float | None = None,
    at_rps: float | None = None,
    app: str = "shop.main:app",
) -> AppRecord:
    return AppRecord(
        app=app,
        folder=FOLDER,
        python="/srv/venv/bin/python",
        answers=(),
        remedies=tuple(remedies),
        workloads=dict(workloads),
        max_blocked_ms=max_blocked_ms,
        max_p99_ms=max_p99_ms,
        at_rps=at_rps,
    )


def check(*findings: BlockingLine) -> AppCheck:
    """`findings` beside the one of the route that blocks."""
    slow = CheckedRoute("GET", "/slow", True, 200, "", "async def", 0, 60.4, 57.9, 0.0, 1.2, (LINE,))
    quick = CheckedRoute("GET", "/quick", True, 200, "", "def", 2, 1.5, 0.0, 0.8, 1.1)
    order = CheckedRoute(
        "GET", "/orders/{id}", False, 0, "the path parameter `id` needs an example or a default in the schema"
    )
    return AppCheck((quick, slow, order), (LINE, *findings))


def comparison(workload: str, variant: str, ratio: Estimate) -> Comparison:
    low, high = ratio.low or 0.0, ratio.high or 0.0
    return Comparison(
        workload=workload,
        variant=variant,
        baseline=AS_IS,
        metric="capacity_rps",
        ratio=ratio,
        verdict="faster" if low > 1 else "slower" if 0 < high < 1 else "open",
    )


def analysis(ratios: Mapping[tuple[str, str], Estimate] = RATIOS, text: str = "a text") -> Analysis:
    """Of a run that measured each remedy that applies on both workloads."""
    variants = (AS_IS, *(remedy.name for remedy in REMEDIES if not remedy.why_not))
    made = handmade.analysis(variants, tuple(WORKLOADS), text=text)
    return msgspec.structs.replace(
        made,
        run=msgspec.structs.replace(made.run, baseline=AS_IS),
        comparisons=tuple(comparison(workload, name, ratio) for (workload, name), ratio in ratios.items()),
    )


def with_cell(made: Analysis, workload: str, variant: str, **changes: object) -> Analysis:
    """The analysis with other facts about one cell."""

    def changed(cell: Cell) -> Cell:
        is_it = (cell.workload, cell.variant) == (workload, variant)
        return msgspec.structs.replace(cell, **changes) if is_it else cell

    return msgspec.structs.replace(made, cells=tuple(map(changed, made.cells)))


def report(measured: Analysis | None = None, **limits: float) -> AppReport:
    """Measured under load where there is an analysis."""
    of = record(**limits) if measured is not None else record(workloads={}, **limits)
    return app_report(of, check(), measured)


# Whatever an app, a file or a schema may be called.
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e|`]]>\n# ![x](y) \\| &amp; \"'"


def hostile_report(measured: Analysis | None = None, text: str = HOSTILE) -> AppReport:
    route = f"GET /{text}"
    line = BlockingLine(text, 15, text, text, "waits", 57.9, text, route)
    remedy = Remedy("in_thread", text, (route,), "", f"{text}\n```\n{text}", "")
    other = Remedy("granian", text, (), text, text, "")
    routes = (
        CheckedRoute("GET", f"/{text}", True, 200, text, "async def", 0, 60.4, 57.9, 0.0, 1.2, (line,)),
        CheckedRoute("GET", f"/2{text}", False, 0, text),
    )
    return app_report(
        record(
            remedies=(remedy, other),
            workloads={"slow": route, "all": ALL_ROUTES} if measured is not None else {},
            max_blocked_ms=20,
            app=text,
        ),
        AppCheck(routes, (line,)),
        measured,
    )

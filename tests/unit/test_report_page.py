"""The page is one file that needs nothing, shows everything, and runs nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from harness.analysis.added_run import Added, AddedRun
from harness.analysis.analyse import analyse
from harness.analysis.evidence import Analysis, Cell, Comparison, Decision, Undecided
from harness.analysis.filled_sizes import Filling
from harness.analysis.gaps import Gap
from harness.analysis.scalability_law import NoLaw
from harness.analysis.sweep_record import Sweep, SweepPoint
from harness.judging.estimate import Estimate
from harness.report import page, wording
from harness.results.records.finding import Finding
from harness.results.records.outcome import Outcome
from harness.results.store import Run, StoreError
from tests import handmade_analysis as handmade
from tests.synthetic_run import write_synthetic_run

HOSTILE = (
    """<script>document.title='pwned'</script><img src=x onerror=alert(1)>"'&amp;$\\frac{1}{0}$]]>--></svg></style>"""
)

NO_DECISION = Undecided(workload="io", reason="nobody answered")


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text beside markup and style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._style = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        if not self._style:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def nowhere(tmp_path: Path) -> Run:
    """A run without raw files."""
    return Run(tmp_path)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return write_synthetic_run(tmp_path_factory.mktemp("results") / "run")


@pytest.fixture(scope="module")
def html(run: Run) -> str:
    return page.render(run, analyse(run))


def test_the_same_run_gives_the_same_bytes(run: Run, html: str) -> None:
    assert page.render(Run.open(run.path), analyse(run)) == html


def test_it_is_written_whole_beside_the_run(run: Run, html: str) -> None:
    assert page.write_page(run, analyse(run)) == run.report_path
    assert run.report_path.read_text() == html


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"report\.html: cannot be written"):
        page.write_page(Run(tmp_path / "gone"), handmade.analysis())


def test_it_needs_nothing_from_anywhere(html: str) -> None:
    fetching = {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "source",
        "video",
        "audio",
        "base",
        "form",
        "image",
    }
    elements = Elements(html)
    assert not [tag for tag, _ in elements.tags if tag in fetching]
    addresses = [
        value or ""
        for _, attributes in elements.tags
        for name, value in attributes.items()
        if name in ("href", "src", "xlink:href", "action", "srcset")
    ]
    assert addresses
    assert not [address for address in addresses if not re.match(r"#|boots/", address)]
    assert "@import" not in html and "url(http" not in html and "http://" not in html and "https://" not in html


def test_it_tells_the_browser_so_too(html: str) -> None:
    policies = [
        attributes["content"]
        for tag, attributes in Elements(html).tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies and "default-src 'none'" in (policies[0] or "") and "script-src" not in (policies[0] or "")


def test_links_lead_to_raw_files_and_to_places_on_the_page(run: Run, html: str) -> None:
    elements = Elements(html)
    ids = {attributes["id"] for _, attributes in elements.tags if "id" in attributes}
    hrefs = {attributes["href"] or "" for _, attributes in elements.tags if "href" in attributes}
    assert {href.removeprefix("#") for href in hrefs if href.startswith("#")} <= ids
    files = [href for href in hrefs if not href.startswith("#")]
    assert any(href.endswith("/server.log") for href in files)
    assert not [href for href in files if not (run.path / href).exists()]


def test_ids_are_unique(html: str) -> None:
    ids = [attributes["id"] for _, attributes in Elements(html).tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_whatever_the_files_say_is_text(nowhere: Run) -> None:
    plain = Elements(page.render(nowhere, handmade.analysis()))
    hostile = Elements(page.render(nowhere, handmade.analysis((HOSTILE, HOSTILE + "2"), (HOSTILE,), text=HOSTILE)))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]
    attributes = {name for _, found in hostile.tags for name in found}
    assert attributes == {name for _, found in plain.tags for name in found}
    assert HOSTILE in hostile.text


def added(text: str) -> Added:
    """A run with one sweep, `text` wherever a folder or a file chooses the words."""
    points = tuple(SweepPoint(size, text, handmade.estimate(100.0), Gap(0.0, 0.0)) for size in (1.0, 2.0))
    swept = Sweep(
        workload=text,
        strategy=text,
        what=text,
        points=points,
        filling=Filling(64),
        knee=(1.0,),
        law=NoLaw("too few sizes for it"),
    )
    analysis = msgspec.structs.replace(handmade.analysis(text=text), sweeps=(swept,))
    return Added((AddedRun(name=text, analysis=analysis, differs=(text,)),), (f"{text} is gone",))


def test_whatever_an_added_run_says_is_text_too(nowhere: Run) -> None:
    plain, hostile = (Elements(page.render(nowhere, handmade.analysis(), added(text))) for text in ("a text", HOSTILE))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]
    assert f"run {HOSTILE}, 2025-01-01 00:00 UTC" in hostile.text
    assert f"Other conditions than in this run: {HOSTILE}." in hostile.text
    assert f"{HOSTILE} is gone" in hostile.text
    assert f"Claims of {HOSTILE} are among them" in hostile.text


def test_control_characters_and_broken_unicode_do_not_break_it(tmp_path: Path) -> None:
    name = "a\x1b[31m\udc80\u202e"
    run = Run(tmp_path)
    page.write_page(run, handmade.analysis((name, "sync_def"), (name,), text=f"{name}\x00"))
    assert "sync_def" in run.report_path.read_text("utf-8")


def test_no_figure_without_its_uncertainty(nowhere: Run) -> None:
    one_round = Elements(page.render(nowhere, handmade.analysis(rounds=1))).text
    assert "no interval from 1 slice" in one_round
    assert "Fewer than 3 valid rounds" in one_round
    assert "[90.0, 110]" in Elements(page.render(nowhere, handmade.analysis(rounds=3))).text


def test_the_decision_is_told_with_its_gain_and_verdict(nowhere: Run) -> None:
    gain = Comparison(
        workload="io",
        variant="pure_async",
        baseline="sync_def",
        metric="capacity_rps",
        ratio=Estimate(3.1, 2.9, 3.3, 3),
        verdict="faster",
    )
    decision = Decision(
        workload="io",
        best="pure_async",
        tied=(),
        capacity=Estimate(948, 931, 965, 3),
        gain=gain,
        why="awaits all of it",
    )
    analysis = msgspec.structs.replace(handmade.analysis(), decisions=(decision,), comparisons=(gain,))
    text = Elements(page.render(nowhere, analysis)).text
    decided = text[text.index("Decisions For each") : text.index("io: a text")]
    for said in (
        "pure_async",
        "948 requests/s",
        "[931, 965]",
        f"{wording.TIMES}3.10",
        "[2.90, 3.30]",
        "faster",
        "awaits all of it",
    ):
        assert said in decided


def test_the_wait_for_a_connection_stands_beside_the_loops_lag_where_there_is_a_pool(nowhere: Run) -> None:
    without = handmade.analysis()
    assert "wait for a database connection" not in Elements(page.render(nowhere, without)).text
    with_pool = [
        msgspec.structs.replace(
            cell,
            phases={
                name: msgspec.structs.replace(phase, pool_wait_p99_ms=176.0, pool_waiting_max=49)
                for name, phase in cell.phases.items()
            },
        )
        for cell in without.cells
    ]
    text = Elements(page.render(nowhere, msgspec.structs.replace(without, cells=tuple(with_pool)))).text
    assert "io: wait for a database connection" in text[text.index("Event-loop lag How late") :]
    assert "Loop lag p99 Connection wait, p99 Waiting for a connection /health p99" in text
    assert "176" in text and "49" in text


def test_less_cpu_is_better(nowhere: Run) -> None:
    less = Comparison(
        workload="io",
        variant="pure_async",
        baseline="sync_def",
        metric="target_cpu_s_per_1000",
        ratio=Estimate(0.5, 0.4, 0.6, 3),
        verdict="faster",
    )
    text = Elements(page.render(nowhere, msgspec.structs.replace(handmade.analysis(), comparisons=(less,)))).text
    assert "less CPU" in text and "more CPU" not in text


def test_a_workload_without_a_decision_is_still_in_the_table(nowhere: Run) -> None:
    text = Elements(
        page.render(nowhere, msgspec.structs.replace(handmade.analysis(), decisions=(), undecided=(NO_DECISION,)))
    ).text
    assert "No decision: nobody answered." in text


def test_cells_without_figures_are_listed_with_their_reason(html: str) -> None:
    text = Elements(html).text
    assert "two_stage not applicable two_stage defines no route /cpu" in text
    assert "pool_result_blocking failed GET /io: expected 42" in text


def test_invalid_slices_are_shown_with_what_to_do(nowhere: Run) -> None:
    good = handmade.analysis()
    finding = Finding("generator_busy", "invalid", "the generator used 97 % of its core", "lower the rate")
    doubtful = handmade.slice(good.run.plan[0], findings=(finding,))
    text = Elements(page.render(nowhere, msgspec.structs.replace(good, slices=(doubtful, *good.slices[1:])))).text
    assert "generator_busy" in text and "97 % of its core" in text and "lower the rate" in text


def test_the_command_and_the_words_are_there(html: str) -> None:
    text = Elements(html).text
    for said in ("bench run --profile synthetic", "max_in_flight", "offered load", "goodput", "send lag", "ceiling"):
        assert said in text
    assert "of one core, over all slices" in text


def test_every_chart_speaks_to_those_who_do_not_see_it(html: str) -> None:
    charts = [found for tag, found in Elements(html).tags if tag == "svg" and found.get("aria-hidden") != "true"]
    assert charts
    assert all(found.get("role") == "img" and found.get("aria-label") for found in charts)


def test_a_run_where_everything_failed_is_a_page(nowhere: Run) -> None:
    good = handmade.analysis()
    dead = Analysis(
        run=good.run,
        boots=(),
        slices=tuple(handmade.slice(spec, error="exited with 1 while booting") for spec in good.run.plan),
        cells=tuple(
            Cell(variant=cell.variant, workload=cell.workload, status="failed", error="never became ready")
            for cell in good.cells
        ),
        comparisons=(),
        decisions=(),
        undecided=(NO_DECISION,),
    )
    text = Elements(page.render(nowhere, dead)).text
    for said in ("6 of 6 slices failed", "No decision: nobody answered.", "never became ready", "Nothing to compare"):
        assert said in text


def test_a_run_without_any_slice_is_a_page(nowhere: Run) -> None:
    empty = Analysis(run=handmade.run_record(), boots=(), slices=(), cells=(), comparisons=(), decisions=())
    assert "6 planned slices missing" in Elements(page.render(nowhere, empty)).text


def test_with_a_deadline_it_says_what_was_in_time(nowhere: Run) -> None:
    good = handmade.analysis()
    run = msgspec.structs.replace(good.run, profile=msgspec.structs.replace(good.run.profile, deadline_ms=250.0))
    late = msgspec.structs.replace(
        good.cells[0].phases["rate-30"],
        in_time_rps=handmade.estimate(70.0),
        in_time_share=0.75,
        outcomes={Outcome.OK: 900, Outcome.REFUSED: 300},
    )
    first = msgspec.structs.replace(good.cells[0], phases={**good.cells[0].phases, "rate-30": late})
    shorter = [
        msgspec.structs.replace(good.comparisons[0], metric=metric, more_rounds=None)
        for metric in ("p99_ms@rate-30", "health_p99_ms@rate-30")
    ]
    with_deadline = msgspec.structs.replace(good, run=run, cells=(first, *good.cells[1:]), comparisons=tuple(shorter))
    shown = Elements(page.render(nowhere, with_deadline))
    assert shown.text.count("sync_def refused 25 % of the requests; those are not in it") == 1
    assert "In time within 250 ms" in shown.text
    assert "70.0 [63.0, 77.0] 75 % of arrivals" in shown.text
    assert "300 refused" in shown.text
    charts = [found.get("aria-label") or "" for tag, found in shown.tags if tag == "svg"]
    assert any(label.startswith("Answered within 250 ms at") and "70.0" in label for label in charts)
    assert "In time within" not in Elements(page.render(nowhere, good)).text


def beside_charts(analysis: Analysis, nowhere: Run) -> list[str]:
    labels = [found.get("aria-label") or "" for tag, found in Elements(page.render(nowhere, analysis)).tags]
    return [label for label in labels if label.startswith("Capacity on cpu and on cpu_native")]


def test_cpu_stands_beside_what_releases_the_gil_where_a_run_has_both(nowhere: Run) -> None:
    names = ("sync_def", "pure_async", "two_stage")
    both = handmade.analysis(names, ("cpu", "cpu_native"))
    (label,) = beside_charts(both, nowhere)
    assert f"pure_async on cpu_native {wording.TIMES}1.00 [0.900, 1.10]" in label
    assert "cpu beside cpu_native: where threads scale" in Elements(page.render(nowhere, both)).text

    def without(variant: str) -> Analysis:
        cells = [
            msgspec.structs.replace(cell, capacity=None)
            if (cell.variant, cell.workload) == (variant, "cpu_native")
            else cell
            for cell in both.cells
        ]
        return msgspec.structs.replace(both, cells=tuple(cells))

    (label,) = beside_charts(without("two_stage"), nowhere)
    assert "pure_async on cpu" in label and "two_stage" not in label
    assert beside_charts(without("sync_def"), nowhere) == [], "there is nothing that both are relative to"
    assert beside_charts(handmade.analysis(names, ("cpu", "io")), nowhere) == []

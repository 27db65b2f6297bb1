"""What pandas users read: typed frames whose figures are those on disk, and errors that say what to do."""

from __future__ import annotations

import inspect
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from harness.analysis.analyse import analyse
from harness.analysis.evidence import Analysis
from harness.report.exports import COLUMNS, write_summary_csv
from harness.results import frames
from harness.results.frames import read_latencies, read_samples, read_summary
from harness.results.records.errors import HarnessError
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.store import Run, StoreError
from tests.synthetic_run import write_synthetic_run

EXAMPLE = Path(__file__).parents[2] / "results" / "example"
WHICH = ["slice", "boot", "round", "workload", "variant"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return write_synthetic_run(tmp_path_factory.mktemp("results") / "run", rounds=2, phase_s=2.0)


@pytest.fixture(scope="module")
def analysis(run: Run) -> Analysis:
    found = analyse(run)
    write_summary_csv(run, found)
    return found


@pytest.fixture
def copied(run: Run, analysis: Analysis, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run.path, tmp_path / "run"))


@pytest.fixture(params=["synthetic", "real"])
def any_run(request: pytest.FixtureRequest) -> Iterator[Path]:
    if request.param == "real":
        yield EXAMPLE
    else:
        request.getfixturevalue("analysis")
        yield request.getfixturevalue("run").path


def kinds(frame: pd.DataFrame) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in frame.dtypes.items()}


# ------------------------------------------------------------------------------------------------------- the summary


def test_the_summary_has_every_column_of_the_csv_with_its_type(any_run: Path) -> None:
    frame = read_summary(any_run)
    assert len(frame) > 100
    assert tuple(frame.columns) == COLUMNS
    numbers = {"boot": "int64", "round": "int64", "offered_rps": "float64", "value": "float64"}
    truths = {"valid": "bool", "at_least": "bool"}
    names = dict.fromkeys(COLUMNS, "category")
    assert kinds(frame) == names | numbers | truths


def test_the_summary_says_what_the_analysis_says(run: Run, analysis: Analysis) -> None:
    frame = read_summary(str(run.path))
    goodput = frame[frame.metric == "goodput_rps"].set_index(["slice", "boot", "phase"]).value
    asked = [(t, n, p) for t in analysis.slices for n, p in t.phases.items() if p.kind is not PhaseKind.IDLE]
    ran = [(t, n, p) for t, n, p in asked if p.status is not PhaseStatus.SKIPPED]
    assert len(goodput) == len(ran)
    for slice, name, phase in ran:
        assert goodput[slice.record.spec.id, slice.record.boot, name] == phase.goodput_rps
    invalid = frame[~frame.valid]
    assert set(invalid.slice) == {slice.record.spec.id for slice in analysis.slices if not slice.valid and slice.phases}


def test_a_lower_bound_is_true_and_what_cannot_be_one_is_false(run: Run, analysis: Analysis) -> None:
    frame = read_summary(run.path)
    choked = frame[(frame.variant == "fake_async") & (frame.phase == "rate-10") & (frame.workload == "io")]
    assert choked[choked.metric == "response_p99_ms"].at_least.all()
    assert not frame[frame.metric == "goodput_rps"].at_least.any()


def test_a_strategy_may_be_called_nan(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run", strategies=("nan", "null"), workloads=("io",), rounds=1, peculiar=False)
    write_summary_csv(run, analyse(run))
    assert set(read_summary(run.path).variant) == {"nan", "null"}


def test_without_a_summary_the_way_out_is_said(copied: Path) -> None:
    (copied / "summary.csv").unlink()
    with pytest.raises(HarnessError, match=r"run/summary\.csv: is not there; `bench report .*run` writes it"):
        read_summary(copied)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "is not a summary that can be read"),
        ("run,slice\n1,2\n", "has no column boot, round"),
        ("{columns}\nr,t,one,0,io,s,s,true,p,rate,complete,,m,1.0,s,\n", "is not a summary that can be read"),
        ("{columns}\nr,t,1,0,io,s,s,maybe,p,rate,complete,,m,1.0,s,\n", "is not a summary that can be read"),
    ],
)
def test_a_summary_of_another_kind_is_refused_in_one_line(copied: Path, content: str, complaint: str) -> None:
    (copied / "summary.csv").write_text(content.replace("{columns}", ",".join(COLUMNS)))
    with pytest.raises(StoreError, match=complaint) as refused:
        read_summary(copied)
    assert "`bench report" in str(refused.value)


@pytest.mark.parametrize("read", [read_summary, read_samples, read_latencies])
def test_a_folder_without_a_run_is_named(read: object, tmp_path: Path) -> None:
    assert callable(read)
    with pytest.raises(HarnessError, match=r"no run\.json there; name a folder that `bench run` wrote"):
        read(tmp_path)


# --------------------------------------------------------------------------------------------------- samples over time


def test_samples_are_typed_and_say_whose_they_are(any_run: Path) -> None:
    frame = read_samples(any_run)
    assert len(frame) > 100
    assert kinds(frame) == {
        **dict.fromkeys([*WHICH, "tree", "service", "phase"], "category"),
        **dict.fromkeys(["boot", "round", "rss_bytes", "processes"], "int64"),
        **dict.fromkeys(["t_s", "cpu_s", "pss_bytes", "threads"], "float64"),
    }
    summary = read_summary(any_run)
    assert set(frame.slice) == set(summary[summary.phase_status != "skipped"].slice)
    assert set(frame.variant) == set(summary.variant)
    assert {"capacity", "warmup"} <= set(frame.phase.dropna()) <= set(summary.phase)
    assert {"target", "generator", "services"} == set(frame.tree)


def test_cpu_over_a_phase_is_what_the_summary_says(run: Run, analysis: Analysis) -> None:
    samples, summary = read_samples(run.path), read_summary(run.path)
    ours = samples[(samples.slice == "001-io-sync_def") & (samples.phase == "capacity") & (samples.tree == "target")]
    wanted = (summary.slice == "001-io-sync_def") & (summary.phase == "capacity") & (summary.metric == "target_cpu_s")
    (said_s,) = summary[wanted].value
    assert ours.cpu_s.max() - ours.cpu_s.min() == pytest.approx(said_s, rel=0.15)  # the phase's last 0.2 s are apart


# -------------------------------------------------------------------------------------------------------- latencies


def test_latencies_are_typed_and_say_whose_they_are(any_run: Path) -> None:
    frame = read_latencies(any_run)
    assert len(frame) > 100
    assert kinds(frame) == {
        **dict.fromkeys([*WHICH, "phase", "outcome", "metric"], "category"),
        **dict.fromkeys(["boot", "round", "value_us", "count"], "int64"),
    }
    assert (frame["count"] > 0).all() and (frame.value_us > 0).all()
    key = [*WHICH, "phase", "outcome", "metric", "value_us"]
    assert not frame.duplicated(key).any()


def test_every_right_answer_is_counted_once(any_run: Path) -> None:
    latencies, summary = read_latencies(any_run), read_summary(any_run)
    phase = ["slice", "boot", "phase"]
    right = latencies[(latencies.outcome == "ok") & (latencies.metric == "service")]
    counted = right.groupby(phase, observed=True)["count"].sum()
    said = summary[(summary.metric == "outcome_ok") & (summary.value > 0)].set_index(phase).value.astype(int)
    assert counted.to_dict() == said.to_dict()


def test_a_percentile_of_the_counts_is_the_reports(any_run: Path) -> None:
    latencies, summary = read_latencies(any_run), read_summary(any_run)
    wanted = (summary.phase == "capacity") & (summary.metric == "service_p50_ms") & ~summary.at_least
    assert wanted.any()
    for row in summary[wanted].itertuples():
        mine = latencies[(latencies.slice == row.slice) & (latencies.boot == row.boot)]
        mine = mine[(mine.phase == "capacity") & (mine.outcome == "ok") & (mine.metric == "service")]
        rank = mine["count"].cumsum().searchsorted(mine["count"].sum() / 2)
        assert mine.value_us.iloc[rank] / 1000 == pytest.approx(row.value, rel=0.05)


# --------------------------------------------------------------------------------------------------------- examples


@pytest.mark.parametrize("documented", [frames, read_summary, read_samples, read_latencies])
def test_the_examples_in_the_documentation_run(documented: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the example, in the folder that a reader is in."""
    monkeypatch.chdir(EXAMPLE.parents[1])
    text = inspect.getdoc(documented) or ""
    code = "\n".join(line.removeprefix("    ") for line in text.splitlines() if line.startswith("    "))
    names = dict(vars(frames))
    exec(code, names)
    made = [value for name, value in names.items() if name not in vars(frames) and isinstance(value, pd.DataFrame)]
    assert made and not any(frame.empty for frame in made)
    if documented is read_samples:
        assert 0 < names["samples"].cores.max() < 100
    if documented is read_latencies:
        assert 50_000 < names["median_us"] < 2_000_000  # one wait of 100 ms, and what a busy machine adds


# ----------------------------------------------------------------------------------------------------------- damage


def test_what_cannot_be_read_is_left_out_and_named_by_each_reader(copied: Path) -> None:
    (copied / "boots/io-sync_def/1/boot.json").write_text("{")
    log = copied / "boots/io-sync_def/2/latency.hlog"
    log.write_text(log.read_text()[:-40])
    samples = copied / "boots/cpu-multi_worker/1/samples.jsonl"
    samples.unlink()
    samples.mkdir()
    with pytest.warns(UserWarning) as of_latencies:
        latencies = read_latencies(copied)
    with pytest.warns(UserWarning) as of_samples:
        rest = read_samples(copied)
    said = ["\n".join(str(each.message) for each in heard) for heard in (of_latencies, of_samples)]
    assert said[0] == said[1] and len(said[0].splitlines()) == 3
    assert all(line.startswith("left out: ") for line in said[0].splitlines())
    assert "io-sync_def/1/boot.json: " in said[0]
    assert "io-sync_def/2/latency.hlog: 1 of its lines cannot be read" in said[0]
    assert "cpu-multi_worker/1/samples.jsonl: cannot be read" in said[0]
    assert {each.filename for each in (*of_latencies, *of_samples)} == {__file__}
    for frame in (latencies, rest):
        assert set(frame[(frame.workload == "io") & (frame.variant == "sync_def")].boot) == {2}


def test_a_run_without_slices_gives_empty_frames_of_the_same_types(copied: Path, run: Run) -> None:
    shutil.rmtree(copied / "boots")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        samples, latencies = read_samples(copied), read_latencies(copied)
    assert len(samples) == len(latencies) == 0
    assert kinds(samples) == kinds(read_samples(run.path))
    assert kinds(latencies) == kinds(read_latencies(run.path))

"""`results/example/`: a small real run in the repository, whose report can be made again by whoever clones it."""

from __future__ import annotations

import getpass
import re
import shutil
import socket
from pathlib import Path

import pytest

from harness.analysis.analyse import analyse
from harness.cli.report import report
from harness.results.frames import read_summary
from harness.results.records.errors import UsageError
from harness.results.store import Run
from tests.synthetic_run import write_synthetic_run

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "results" / "example"
MOST_BYTES = 2_000_000


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to call `bench` in, which holds the example as a fresh clone does."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(EXAMPLE, tmp_path / "results" / "example"))


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in EXAMPLE.rglob("*") if path.is_file()) < MOST_BYTES


def test_it_is_a_whole_run_of_several_strategies_in_several_rounds() -> None:
    analysis = analyse(Run.open(EXAMPLE))
    assert analysis.broken == ()
    assert {workload.name for workload in analysis.run.workloads} == {"io", "cpu"}
    assert len(analysis.run.variants) >= 4
    assert analysis.run.profile.rounds >= 3
    measured = {(slice.record.spec.workload, slice.record.spec.variant) for slice in analysis.slices if slice.valid}
    assert len(measured) == 2 * len(analysis.run.variants)


def test_its_report_and_summary_can_be_made_again(copied: Path) -> None:
    rows = len(read_summary(copied))
    for name in ("report.html", "summary.csv"):
        (copied / name).unlink()
    report(Path("results/example"), as_json=True)
    assert (copied / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert len(read_summary(copied)) == rows


def test_it_says_nothing_of_where_it_was_made() -> None:
    """No folder of that machine, no user, no host."""
    folder = re.compile(rb"(?<![\w.:/-])/(?:home|root|tmp|usr|var|work|Users|opt|private|mnt)/")
    names = [name.encode() for name in (socket.gethostname(), getpass.getuser()) if len(name) > 4]
    for path in EXAMPLE.rglob("*"):
        if path.is_file() and path.suffix != ".hlog":  # its payloads are base64
            content = path.read_bytes()
            assert not folder.search(content), path
            assert not [name for name in names if name in content], path


def test_the_newest_run_is_never_the_example(copied: Path) -> None:
    """In a fresh clone its files are newer than runs that were measured before."""
    mine = write_synthetic_run(copied.parent / "mine", workloads=("io",), rounds=1, peculiar=False)
    (copied / "run.json").touch()
    before = (copied / "report.html").read_bytes()
    report(None, as_json=True)
    assert mine.report_path.exists()
    assert (copied / "report.html").read_bytes() == before


def test_the_example_alone_is_no_run_of_yours(copied: Path) -> None:
    with pytest.raises(UsageError, match="no run of yours; `bench run` makes one, or name results/example"):
        report(None, as_json=True)

"""`bench list` names every service, and says which files cannot be read."""

from __future__ import annotations

import json

import pytest

from harness.cli.list import list_
from harness.services import service_files
from tests.bench_kit import CHECKOUT

BROKEN = "services/half.py:1: is not Python ('(' was never closed); fix it, or move it out of the folder"


@pytest.fixture(autouse=True)
def services(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that no workload names, and one that is broken."""
    monkeypatch.chdir(CHECKOUT)
    monkeypatch.setattr(service_files, "service_names", lambda: ("mine", "upstream"))
    monkeypatch.setattr(service_files, "broken_services", lambda: {"half": BROKEN})


def test_a_program_reads_the_services_and_who_needs_them(capsys: pytest.CaptureFixture[str]) -> None:
    list_(as_json=True)
    listed = json.loads(capsys.readouterr().out)
    assert listed["services"]["mine"] == []
    assert {"io", "fanout"} <= set(listed["services"]["upstream"])
    assert listed["broken"] == [BROKEN]


def test_a_person_reads_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    list_()
    said = capsys.readouterr()
    assert f"services\n  {'mine':<22} of no workload\n  {'upstream':<22} of " in said.out
    assert said.err == f"{BROKEN}\n"

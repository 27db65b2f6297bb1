"""Claims read as one would put them to a colleague, and say what is behind them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from harness.analysis.analyse import analyse
from harness.analysis.evidence import Claim, ClaimEvidence
from harness.cli.claims import claims
from harness.cli.command_line import commands
from harness.judging.estimate import Estimate
from harness.report.claim_lines import claim_rows, claim_sentence, slices_behind, terminal_claims
from harness.report.wording import NOTHING, TIMES
from harness.results.store import Run
from tests import handmade_analysis as handmade
from tests.claimed_runs import Doing, claims_of
from tests.handmade_analysis import VERDICTS
from tests.synthetic_run import write_synthetic_run
from tests.unit.test_claims import CASES, IDS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("results") / "run"
    names = ("sync_def", "fake_async", "pool_result_blocking", "async_thread_pool")
    return write_synthetic_run(path, strategies=names, workloads=("io",), peculiar=False)


def part(rounds: tuple[int, ...]) -> ClaimEvidence:
    return ClaimEvidence(
        what="capacity on cpu, a over b",
        shows="for",
        effect=Estimate(2.09, 1.97, 2.22, len(rounds)),
        workload="cpu",
        rounds=rounds,
        slices=tuple(f"{number:03d}-cpu-{name}" for number in rounds for name in "ab"),
    )


def claim(**changes: object) -> Claim:
    usual: dict[str, object] = {
        "id": "processes",
        "claim": "A process pool doubles pure-Python throughput on 2 cores",
        "verdict": "confirmed",
        "effect": Estimate(2.09, 1.97, 2.22, 6),
        "because": "",
        "evidence": (part((1, 2, 3)),),
        "command": "bench run -w cpu",
    }
    return Claim(**(usual | changes))  # type: ignore[arg-type]


def test_a_claim_is_a_sentence_with_its_verdict_and_its_effect() -> None:
    said = "A process pool doubles pure-Python throughput on 2 cores"
    assert claim_sentence(claim()) == f"{said}: confirmed, {TIMES}2.09 [1.97, 2.22]"
    assert claim_sentence(claim(verdict="not tested", effect=None, evidence=())) == f"{said}: not tested"


def test_rounds_that_follow_each_other_are_a_range() -> None:
    assert slices_behind(part((1, 2, 3, 5, 8, 9))) == "12 slices of rounds 1-3, 5, 8-9"
    assert slices_behind(part((4,))) == "2 slices of round 4"
    assert slices_behind(part(())) == "no slice"


def test_evidence_of_another_run_names_it() -> None:
    other = msgspec.structs.replace(part((1, 2)), run="20260102-a")
    assert slices_behind(other) == "4 slices of rounds 1-2 of 20260102-a"
    assert "(4 slices of rounds 1-2 of 20260102-a)" in terminal_claims([claim(evidence=(other,))], 200)


def test_what_is_open_or_not_tested_says_how_to_test_it() -> None:
    said = {verdict: terminal_claims([claim(verdict=verdict)], 80) for verdict in VERDICTS}
    tested = {verdict: text.partition("to test it")[2] for verdict, text in said.items()}
    assert tested == {
        "confirmed": "",
        "refuted": "",
        "depends": "",
        "open": " further: bench run -w cpu",
        "not tested": ": bench run -w cpu",
    }


def test_every_line_can_be_read_and_fits() -> None:
    made = [each for case in CASES for each in claims_of(case.doing, case.variants)]
    text = terminal_claims(made, 100)
    assert not re.search(r"\b(None|nan|inf|True|False)\b|\{|\}|\b(\w+) \2\b", text)
    # A command is not broken, so that it can be copied.
    assert all(len(line) <= 100 or "bench " in line for line in text.splitlines())
    commands = re.findall(r"to test it(?: further)?: (.*)", text)
    assert set(commands) == {each.command for each in made if each.verdict in ("not tested", "open")}


def test_the_page_has_a_row_for_each_of_them_with_its_evidence() -> None:
    rows = claim_rows(handmade.analysis())
    assert [row.verdict.word for row in rows] == [
        "✓ confirmed",
        "✗ refuted",
        "± depends",
        "? open",
        f"{NOTHING} not tested",
    ]
    assert all(row.parts and row.effect == f"{TIMES}2.00" for row in rows[:-1])
    assert (rows[-1].effect, rows[-1].parts) == (NOTHING, ())


def test_the_analysis_of_a_run_on_disk_has_them(run: Run) -> None:
    verdicts = {each.id: each.verdict for each in analyse(run).claims}
    assert tuple(verdicts) == IDS
    assert verdicts["silent_blocking"] == "confirmed"
    assert verdicts["connection_pool"] == "not tested"


def test_the_command_prints_them(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    claims([run.path])
    text = capsys.readouterr().out
    assert len(re.findall(r"^ ?\d+\. ", text, re.MULTILINE)) == len(IDS)
    assert f"fewer requests are answered, and none ends in an error: confirmed, {TIMES}0.0" in text


def test_what_programs_read_has_these_names(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    claims([Path(run.path)], as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert [each["id"] for each in said] == list(IDS)
    known = {slice.record.spec.id for slice in analyse(run).slices}
    for each in said:
        assert set(each) == {"id", "claim", "verdict", "effect", "evidence", "command"}
        assert each["verdict"] in {"confirmed", "refuted", "depends", "open", "not tested"}
        assert (each["effect"] is None) == (each["verdict"] == "not tested")
        if each["effect"] is not None:
            assert set(each["effect"]) == {"value", "low", "high"}
        for part in each["evidence"]:
            assert set(part) == {"what", "shows", "effect", "counted", "workload", "rounds", "slices", "run"}
            assert part["run"] == ""
            assert set(part["slices"]) <= known and part["slices"]


def test_every_command_can_be_given() -> None:
    """Its options are known, and what it names is there."""
    bench: Any = typer.main.get_command(commands)
    strategies, workloads = set(), set()
    for each in claims_of({("io", "sync_def"): Doing(100.0)}):
        _, name, *words = shlex.split(each.command)
        given = bench.commands[name].make_context(name, words).params
        strategies |= set(given["strategy"] if name == "run" and given["strategy"] else [])
        workloads |= set(given["workload"])
    assert strategies <= {path.stem for path in (ROOT / "targets").glob("*.py")}
    assert workloads - {"cpu_native"} <= {path.stem for path in (ROOT / "scenarios").glob("*.py")}

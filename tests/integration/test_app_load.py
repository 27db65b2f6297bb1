"""`bench app` under load, on a real server and a real Locust: what each remedy gains, and the gate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from harness.analysis.analysed_app import analysed_app
from harness.results.store import Run
from tests.bench_kit import TINY

ROOT = Path(__file__).parents[2]
SHOP = """
import time
from fastapi import FastAPI

app = FastAPI()

@app.get("/slow")
async def slow():
    time.sleep(0.04)
    return {"at": int(time.time())}
"""
CLOSED_LOOP = TINY.replace("[{ percent = 30, duration_s = 0.4 }]", "[]").replace("rounds = 1", "rounds = 3")
CLOSED_LOOP += "loaded_check_s = 0.4\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "tiny.toml").write_text(CLOSED_LOOP)
    return tmp_path


def bench_app(shop: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", "app", "shop:app", "--profile", "tiny.toml", *arguments],
        cwd=shop,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_a_remedy_is_measured_beside_the_app_as_it_is(shop: Path) -> None:
    """The answer has a timestamp in whole seconds, which three requests in a row do not show."""
    done = bench_app(shop, "--routes", "1", "--users", "8", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (moved,) = [each for each in found["remedies"] if (each["name"], each["route"]) == ("in_thread", "GET /slow")]
    assert (moved["applies"], moved["why_not"], moved["verdict"]) == (True, "", "faster")
    assert moved["ratio"]["low"] > 2, "eight users, and one loop that sleeps"
    assert "def slow():  # was: async def" in moved["change"]
    (without,) = [each for each in found["remedies"] if each["name"] == "uvloop"]
    assert without["ratio"] is None
    assert without["why_not"]
    (slow,) = [each for each in found["routes"] if each["path"] == "/slow"]
    assert [(line["cause"], line["under_load"]) for line in slow["findings"]] == [("waits", False)]
    assert slow["findings"][0]["under_load_ms"] > 20
    assert " asked 8 at once: nothing more blocks" in done.stderr
    (run,) = (shop / "results").glob("2*")
    again = analysed_app(Run.open(run), None)
    assert again is not None and msgspec.json.decode(msgspec.json.encode(again.report.findings)) == found["findings"]
    page = (run / "report.html").read_text()
    assert "What blocks shop:app, and what would help?" in page
    assert not list(run.rglob("*token*"))


def test_the_gate_measures_the_app_as_it_is_and_names_route_and_line(shop: Path) -> None:
    limits = ("--max-blocked", "20ms", "--max-p99", "30ms", "--at", "12rps")
    done = bench_app(shop, *limits, "--users", "4", "--junit", "app.xml")
    assert done.returncode == 1, done.stderr
    blocked, late = done.stderr.splitlines()[-2:]
    assert blocked.startswith("GET /slow: blocked for ")
    assert blocked.endswith("above 20 ms: shop.py:9 slow")
    assert late.startswith("GET /slow at 12/s: p99 ")
    assert "above 30 ms; GET /slow blocks the loop for" in late
    tree = ElementTree.parse(shop / "app.xml")
    assert [case.get("name") for case in tree.iter("testcase") if case.find("failure") is not None][:1] == ["GET /slow"]
    again = bench_app(shop, "--max-blocked", "1s", "--check")
    assert (again.returncode, again.stderr) == (0, "")

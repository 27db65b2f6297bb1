"""`--server`, `--loop`, `--http` and `--client` on the real thing: verified, measured, not available, refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.catalog.dimensions import Dimensions
from harness.cli.order import order_of
from harness.results.store import Run
from harness.serving.asgi_server import known_servers
from tests.bench_kit import Project

ALL = ",".join(known_servers())
# The command, in a harness that finds one package less.
WITHOUT = (
    "-c",
    """
from harness.serving import asgi_server
found = asgi_server.installed
asgi_server.installed = lambda package: package != "hypercorn" and found(package)
from harness.cli.command_line import main
main()
""",
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, ["pure_async"])


def checks(out: str) -> dict[str, str]:
    return {check["variant"]: check["status"] for check in json.loads(out)}


def test_every_server_answers_rightly_with_one_worker(project: Project) -> None:
    ended = project.bench("verify", "pure_async", "--server", ALL, "-w", "mixed", "--json")
    assert ended.code == 0, ended.err
    others = [f"pure_async @ {name}" for name in known_servers() if name != "uvicorn"]
    assert checks(ended.out) == dict.fromkeys(["pure_async", *others], "ok")
    project.assert_nothing_is_left()


def test_every_client_answers_rightly(project: Project) -> None:
    clients = "httpx,httpx2,aiohttp,httpx_bounded,httpx_per_request"
    ended = project.bench("verify", "pure_async", "--client", clients, "--loop", "asyncio", "-w", "io", "--json")
    assert ended.code == 0, ended.err
    assert set(checks(ended.out).values()) == {"ok"}
    assert len(checks(ended.out)) == 5
    assert "pure_async[client=httpx2] @ asyncio" in checks(ended.out)


def test_variants_of_one_strategy_are_measured_against_each_other(project: Project) -> None:
    servers = "uvicorn,hypercorn,gunicorn"
    ended = project.run("-s", "pure_async", "--server", servers, "--loop", "uvloop", "--http", "h11")
    assert ended.measured_everything, ended.err
    assert "--http h11: gunicorn knows python, fast; it is measured with its own" in ended.out
    run = Run.open(project.run_folder)
    names = ["pure_async @ h11", "pure_async @ hypercorn", "pure_async @ gunicorn"]
    assert [variant.name for variant in run.read().variants] == names
    assert run.read().baseline == names[0]
    assert {slice.spec.variant for slice in project.slices().values()} == set(names)
    folders = {path.name for path in (run.path / "boots").iterdir()}
    assert folders == {"io-pure_async@h11", "io-pure_async@hypercorn", "io-pure_async@gunicorn"}
    assert "pure_async @ gunicorn" in run.report_path.read_text()
    resumed = project.bench("run", "--resume", str(run.path))
    assert resumed.measured_everything, resumed.err
    project.assert_nothing_is_left()


def test_a_server_that_is_not_installed_is_not_available_and_no_error(tmp_path: Path) -> None:
    project = Project(tmp_path, ["pure_async"], command=WITHOUT)
    listed = project.bench("list")
    assert "hypercorn is not available here: pip install hypercorn" in listed.out
    ended = project.bench("verify", "pure_async", "--server", "uvicorn,hypercorn", "-w", "io", "--json")
    assert ended.code == 0, ended.err
    assert checks(ended.out) == {"pure_async": "ok", "pure_async @ hypercorn": "not_applicable"}
    assert "not available here: pip install hypercorn" in ended.out
    alone = project.bench("verify", "pure_async", "--server", "hypercorn", "-w", "io")
    assert alone.code == 2
    said = "bench: nothing to measure: pure_async @ hypercorn: not available here: pip install hypercorn; choose"
    assert alone.err.splitlines()[-1].startswith(said)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--server", "apache"], "server 'apache': there is no harness/serving/servers/apache.py; there are "),
        (["--server", "granian", "--http", "h11"], "--http h11: granian has no choice"),
        (["--client", "urllib"], "client=urllib: pure_async knows httpx, httpx2, aiohttp, "),
    ],
)
def test_what_a_server_or_a_strategy_does_not_know_is_one_line(project: Project, options: list[str], line: str) -> None:
    ended = project.run("-s", "pure_async", *options)
    assert ended.code == 2
    assert ended.err.splitlines()[-1].startswith(f"bench: {line}")
    assert "Traceback" not in ended.err
    assert not (project.root / "results").exists()


def test_without_them_a_run_measures_what_it_always_did(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root)
    usual, _ = order_of("tiny.toml", None, None, None, None, Path("results"), None)
    asked, _ = order_of("tiny.toml", None, None, None, None, Path("results"), None, asked=Dimensions())
    assert [variant.name for variant in usual.variants] == ["pure_async"]
    assert asked.variants == usual.variants

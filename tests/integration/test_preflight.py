"""Every strategy is booted and asked once; the bad ones are named and harm nobody."""

from __future__ import annotations

from pathlib import Path

import msgspec
import psutil

from harness.measuring.preflight import preflight
from harness.measuring.subject import StrategyFiles
from harness.processes.process import MARK
from harness.results.records.machine_record import Partition
from harness.results.records.run_record import Preflight
from harness.results.records.variant import Variant
from harness.results.records.workload import Request, Workload
from harness.services.running_services import RunningServices
from tests.serving_kit import HEALTHY, write_strategy

PARTITION = Partition(available=(0, 1), target=(0, 1), generator=(), quota_cores=None, pinned=False)
DOUBLE = "\n@app.get('/double')\nasync def double(n: int):\n    return {factor} * n\n"
TRIPLE = "\n@app.get('/triple')\nasync def triple(n: int):\n    return 3 * n\n"


def _workload(name: str, factor: int) -> Workload:
    requests = tuple(Request(f"/{name}?n={n}", factor * n) for n in (1, 2))
    return Workload(name=name, title="", description="", path="", requests=requests)


def _trees_of(root: Path) -> list[int]:
    """Processes of ours that work in `root`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(root) and MARK in process.environ():
                found.append(process.pid)
        except psutil.Error:
            continue  # it ended meanwhile, or is another user's
    return found


def _run(root: Path, strategies: list[Variant], ready_s: float = 20.0) -> tuple[list[Preflight], list[Preflight]]:
    heard: list[Preflight] = []
    results = preflight(
        StrategyFiles(root),
        strategies,
        [_workload("double", 2), _workload("triple", 3)],
        partition=PARTITION,
        services=RunningServices([], root=root, log_folder=root),
        folder=root / "preflight",
        on_result=heard.append,
        ready_s=ready_s,
    )
    return list(results), heard


def test_each_strategy_on_each_workload(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    both = write_strategy(root, "both", HEALTHY + DOUBLE.format(factor=2) + TRIPLE)
    variant = msgspec.structs.replace(both, name="both_by_cores", workers=2)
    strategies = [
        both,
        write_strategy(root, "no_import", "import nowhere_to_be_found"),
        write_strategy(root, "wrong", HEALTHY + DOUBLE.format(factor=7)),
        write_strategy(root, "dies", HEALTHY + "\n@app.get('/double')\nasync def double():\n    os._exit(1)\n"),
        variant,
    ]
    results, heard = _run(root, strategies)

    assert results == heard
    assert [(result.variant, result.workload, result.status) for result in results] == [
        ("both", "double", "ok"),
        ("both", "triple", "ok"),
        ("no_import", "double", "failed"),
        ("no_import", "triple", "failed"),
        ("wrong", "double", "failed"),
        ("wrong", "triple", "not_applicable"),
        ("dies", "double", "failed"),
        ("dies", "triple", "failed"),
        ("both_by_cores", "double", "ok"),
        ("both_by_cores", "triple", "ok"),
    ]
    errors = {(result.variant, result.workload): result.error for result in results}
    assert errors["both", "double"] == ""
    assert errors["no_import", "triple"].startswith(
        "no_import: did not start: it exited with 3; its log says: targets/no_import.py:1: ModuleNotFoundError:"
    )
    assert errors["wrong", "double"] == "wrong: double: /double?n=1 answered 7, expected 2"
    assert errors["dies", "double"] == "dies: double: /double?n=1: closed the connection without an answer"
    assert all(0 < result.boot_s < 20 for result in results if result.status == "ok")
    assert (root / "preflight" / "both" / "server.log").exists()
    assert _trees_of(root) == []


def test_a_slow_one_does_not_cost_the_next_one_its_turn(tmp_path: Path) -> None:
    """The next one has booted meanwhile, and has waited to be looked at."""
    root = tmp_path.resolve()
    strategies = [
        write_strategy(root, "slow", "import time\ntime.sleep(60)"),
        write_strategy(root, "both", HEALTHY + DOUBLE.format(factor=2) + TRIPLE),
    ]
    results, _ = _run(root, strategies, ready_s=6.0)
    assert [result.status for result in results] == ["failed", "failed", "ok", "ok"]
    assert results[0].error == "slow: not ready within 6 s: /health: nothing listened on its port; its log says nothing"
    assert _trees_of(root) == []


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    strategies = [write_strategy(root, name, HEALTHY + DOUBLE.format(factor=2) + TRIPLE) for name in ("one", "two")]

    def interrupt(result: Preflight) -> None:
        raise KeyboardInterrupt

    try:
        preflight(
            StrategyFiles(root),
            strategies,
            [_workload("double", 2)],
            partition=PARTITION,
            services=RunningServices([], root=root, log_folder=root),
            folder=root / "preflight",
            on_result=interrupt,
            ready_s=20.0,
        )
    except KeyboardInterrupt:
        assert _trees_of(root) == []
    else:
        raise AssertionError("the interrupt was swallowed")


def test_one_on_which_the_gil_came_back_is_refused_whatever_it_answers(tmp_path: Path) -> None:
    """Its `/health` says what the probe says on a build without the GIL that runs with it, its log what Python says."""
    back = HEALTHY.replace("health():", "health(response: Response):\n    response.headers['x-bench-gil'] = 'on'")
    warning = "RuntimeWarning: The global interpreter lock (GIL) has been enabled to load module 'old.c', ..."
    back += f"{DOUBLE.format(factor=2)}\nimport sys\nprint({warning!r}, file=sys.stderr)\n"
    strategy = write_strategy(tmp_path.resolve(), "back", "from fastapi import Response\n" + back)
    results, _ = _run(tmp_path.resolve(), [strategy])
    assert [(result.workload, result.status) for result in results] == [("double", "failed"), ("triple", "failed")]
    assert {result.error for result in results} == {
        "back: the GIL came back (to load old.c), so this would not be a figure of Python without it"
    }


def test_what_needs_another_python_is_not_started_unless_it_is_under_that_one(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    later = msgspec.structs.replace(write_strategy(root, "later", HEALTHY), requires=">=3.99")
    results, _ = _run(root, [later])
    assert {result.status for result in results} == {"not_applicable"}
    assert results[0].error.startswith("later: not available here: needs Python >=3.99, and this is 3.")
    assert results[0].error.endswith("; --python runs it under another one")
    assert not (root / "preflight").exists()
    under = msgspec.structs.replace(later, interpreter="3.99-00000000", python="3.99.0")
    results, _ = _run(root, [under])
    assert {result.status for result in results} == {"failed"}
    assert "did not start: it exited with 126; its log says: cannot run" in results[0].error

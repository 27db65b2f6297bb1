"""The `bench` command: the only module that prints or exits. Heavy imports happen inside the commands."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from harness.model import HarnessError, UsageError

if TYPE_CHECKING:
    from harness.catalog import Catalog
    from harness.display import Display
    from harness.model import Preflight
    from harness.run import Order, Result
    from harness.store import Run

EXIT_GATE = 1
EXIT_USAGE = 2
EXIT_INCOMPLETE = 3
EXIT_INTERRUPTED = 130

app = typer.Typer(
    help="Which FastAPI concurrency strategy for which work, how large, and how sure are we?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Strategies = Annotated[list[str] | None, typer.Option("--strategy", "-s", help="only this one; repeat for more")]
Workloads = Annotated[list[str] | None, typer.Option("--workload", "-w", help="only this one; repeat for more")]
Results = Annotated[Path, typer.Option(help="folder that holds the runs")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="fixed port for the targets (default: a free one)")]
Json = Annotated[bool, typer.Option("--json", help="for a program to read")]
RunPath = Annotated[Path | None, typer.Argument(metavar="[RUN]", help="a folder of results/ (default: the newest)")]


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Show the strategies, workloads and profiles there are."""
    from harness.profiles.loader import load_profile, profile_names

    catalog = _catalog()
    profiles = {name: load_profile(name).title for name in profile_names()}
    if as_json:
        import msgspec

        print(
            json.dumps(
                {
                    "strategies": msgspec.to_builtins(catalog.strategies),
                    "workloads": msgspec.to_builtins(catalog.workloads),
                    "profiles": profiles,
                    "broken": list(catalog.errors),
                },
                indent=1,
            )
        )
        return
    for title, rows in (
        ("strategies", [(s.name, s.title) for s in catalog.strategies]),
        ("workloads", [(w.name, w.title) for w in catalog.workloads]),
        ("profiles", list(profiles.items())),
    ):
        print(title)
        for name, text in rows:
            print(f"  {name:<22} {text}")
    for error in catalog.errors:
        print(error, file=sys.stderr)


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="[STRATEGY]...", help="default: all")] = None,
    workload: Workloads = None,
    as_json: Json = False,
) -> None:
    """Boot strategies and prove that each gives the right answers, without measuring."""
    import tempfile

    import msgspec

    from harness.environment import describe
    from harness.preflight import preflight
    from harness.services.service import Upstream

    catalog = _catalog()
    strategies = catalog.select_strategies(names or [])
    workloads = catalog.select_workloads(workload or [])
    with (
        tempfile.TemporaryDirectory(prefix="bench-verify-") as folder,
        Upstream(catalog.root, Path(folder) / "upstream.log", sigma=0.0, seed=1, cpus=None) as upstream,
    ):
        upstream.wait_ready()
        results = preflight(
            catalog.root,
            strategies,
            workloads,
            partition=describe(catalog.root).partition,
            upstream_url=upstream.url,
            folder=Path(folder),
            on_result=lambda result: None if as_json else _print_check(result),
            ready_s=20.0,
        )
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(results), indent=1).decode())
    if catalog.errors and not names:
        for error in catalog.errors:
            print(error, file=sys.stderr)
    if any(result.status == "failed" for result in results) or (catalog.errors and not names):
        raise typer.Exit(EXIT_INCOMPLETE)


@app.command()
def run(
    profile: Annotated[str, typer.Option(help="a built-in profile or a path to a .toml")] = "standard",
    strategy: Strategies = None,
    workload: Workloads = None,
    blocks: Annotated[int | None, typer.Option(min=1, help="instead of the profile's")] = None,
    seed: Annotated[int | None, typer.Option(help="instead of the profile's")] = None,
    results: Results = Path("results"),
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="finish this interrupted run")] = None,
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Measure strategies on workloads and write results/<run>/report.html."""
    from harness.analysis.analyse import invalid_trials
    from harness.run import resume as resume_run
    from harness.run import start
    from harness.store import Run

    if resume is not None:
        if strategy or workload or blocks or seed is not None:
            raise UsageError(f"--resume {resume}: goes on with its own plan; leave the other options out")
        with _display(as_json) as display:
            result = resume_run(Run.open(resume), _root(), port, display, invalid_trials)
        _finish(result, (), as_json)
        return
    order, errors = _order(profile, strategy, workload, blocks, seed, results, port)
    with _display(as_json) as display:
        for error in errors:
            display.noticed(error)
        result = start(order, display, invalid_trials)
    _finish(result, errors, as_json)


@app.command()
def sweep(
    strategy: Annotated[str, typer.Argument(help="a strategy with PARAMS")],
    param: Annotated[str, typer.Argument(metavar="NAME=V1,V2,...", help="e.g. threads=4,8,16,32")],
    profile: Annotated[str, typer.Option(help="a built-in profile or a path to a .toml")] = "standard",
    workload: Workloads = None,
    blocks: Annotated[int | None, typer.Option(min=1, help="instead of the profile's")] = None,
    seed: Annotated[int | None, typer.Option(help="instead of the profile's")] = None,
    results: Results = Path("results"),
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Measure one strategy with several values of one parameter, against each other and `sync_def`."""
    from dataclasses import replace

    from harness.analysis.analyse import invalid_trials
    from harness.run import start
    from harness.sweep import variants

    order, _ = _order(profile, [strategy], workload, blocks, seed, results, port)
    swept = variants(order.strategies[0], param)
    baseline = tuple(s for s in _catalog().strategies if s.name == "sync_def" and s.name != strategy)
    order = replace(order, strategies=(*baseline, *swept))
    with _display(as_json) as display:
        result = start(order, display, invalid_trials)
    _finish(result, (), as_json)


@app.command()
def report(path: RunPath = None, as_json: Json = False) -> None:
    """Write report.html and summary.csv again from the raw results; measures nothing."""
    from harness.store import Run

    _report(Run.open(path or _newest_run()), as_json)


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="a folder of results/")],
    after: Annotated[Path, typer.Argument(help="another one")],
    max_regression: Annotated[
        float | None,
        typer.Option(
            min=0.0, metavar="PERCENT", help="exit 1 when a capacity certainly fell, and by more than this as estimated"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare the capacities of two runs, cell by cell."""
    import msgspec

    from harness.analysis.analyse import analyse
    from harness.analysis.regression import compare_runs, refuse_other_work
    from harness.store import Run

    then, now = analyse(Run.open(before)), analyse(Run.open(after))
    refuse_other_work(then.run, now.run)
    for line in (*then.broken, *now.broken):
        print(line, file=sys.stderr)
    rows = compare_runs(then, now, max_regression)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(rows), indent=1).decode())
    else:
        for row in rows:
            print(row.line())
    if any(row.gate_failed for row in rows):
        raise typer.Exit(EXIT_GATE)


@app.command()
def calibrate(
    throughput: Annotated[bool, typer.Option("--throughput", help="also: how fast ours and others are")] = False,
    against: Annotated[str | None, typer.Option(metavar="wrk", help="also: a real route's capacity by both")] = None,
    results: Results = Path("results"),
    as_json: Json = False,
) -> None:
    """Prove the load generator on this machine, against servers whose truth is known; exit 1 when it fails."""
    import msgspec

    from harness.calibrate import CalibrationOrder
    from harness.calibrate import calibrate as measure
    from harness.calibration import record, table, wrk
    from harness.store import StoreError

    if against not in (None, "wrk"):
        raise UsageError(f"--against {against}: not known; wrk is")
    if against is not None:
        wrk.require()
    order = CalibrationOrder(_root(), with_throughput=throughput, against="wrk" if against else None)
    try:
        results.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--results {results}: not writable ({error.strerror}); choose another") from error
    try:
        earlier = record.read(results)
    except StoreError as error:
        print(f"will be replaced: {error}", file=sys.stderr)
        earlier = None
    measured = measure(order, lambda line: print(line, file=sys.stderr))
    calibration = record.completed(measured, earlier)
    path = record.write(results, calibration)
    if as_json:
        said = {"passed": calibration.passed, "failures": calibration.failures, "calibration": calibration}
        print(msgspec.json.format(msgspec.json.encode(said), indent=1).decode())
    else:
        for line in table.lines(calibration):
            print(line)
        print(f"kept in {path}")
    if not calibration.passed:
        raise typer.Exit(EXIT_GATE)


@app.command()
def new(name: Annotated[str, typer.Argument(help="of the strategy: lower case, digits, _")]) -> None:
    """Write a commented strategy into targets/; the next run measures it."""
    from harness.scaffold import new_strategy

    path = new_strategy(_root(), name)
    print(f"{path}: edit it, then `bench verify {name}` and `bench run -s {name} -s sync_def`")


def main() -> None:
    """Entry point of the console script. HarnessErrors become one line; `--debug` shows the traceback."""
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` leaves it, which is to outlive the logout
            signal.signal(number, _interrupt)
    try:
        app()
    except UsageError as error:
        _die(error, EXIT_USAGE, debug)
    except HarnessError as error:
        _die(error, EXIT_INCOMPLETE, debug)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)


# --------------------------------------------------------------------------------------------------- the rest


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    # The same way out as Ctrl-C: every `with` block ends the processes it started.
    raise KeyboardInterrupt


def _die(error: HarnessError, code: int, debug: bool) -> NoReturn:
    if debug:
        raise error
    print(f"bench: {error}", file=sys.stderr)
    sys.exit(code)


def _root() -> Path:
    from harness.catalog import project_root

    return project_root(Path.cwd())


def _catalog() -> Catalog:
    from harness.catalog import Catalog

    return Catalog.read(_root())


def _order(
    profile_name: str,
    strategies: list[str] | None,
    workloads: list[str] | None,
    blocks: int | None,
    seed: int | None,
    results: Path,
    port: int | None,
) -> tuple[Order, tuple[str, ...]]:
    """Everything that was asked for, validated, and the broken files that nobody asked for."""
    import msgspec

    from harness.profiles.loader import load_profile
    from harness.run import Order
    from harness.serving.port import why_not

    if port is not None and (reason := why_not(port)):
        raise UsageError(f"--port {port}: {reason}; choose another, or leave it out for a free one")
    catalog = _catalog()
    profile = load_profile(profile_name)
    if blocks is not None:
        profile = msgspec.structs.replace(profile, blocks=blocks)
    if seed is not None:
        profile = msgspec.structs.replace(profile, seed=seed)
    order = Order(
        root=catalog.root,
        profile=profile,
        strategies=catalog.select_strategies(strategies or []),
        workloads=catalog.select_workloads(workloads or list(profile.workloads)),
        results=results,
        command=shlex.join(["bench", *sys.argv[1:]]),
        port=port,
    )
    return order, () if strategies else catalog.errors


def _display(as_json: bool) -> Display:
    from rich.console import Console

    from harness.display import Display

    return Display(Console(stderr=as_json, highlight=False))


def _finish(result: Result, errors: tuple[str, ...], as_json: bool) -> None:
    """The report, and an exit code that says whether everything was measured."""
    from harness.display import clock

    invalid = _report(result.run, as_json)
    if not as_json:
        took = f"took {clock(result.elapsed_s)}, estimated {clock(result.estimate_s)}"
        print(took)
    for line in (*errors, *result.failed):
        print(f"not measured: {line}", file=sys.stderr)
    if invalid:
        print(f"{invalid} trials are invalid: see the report's findings", file=sys.stderr)
    if errors or result.failed or invalid:
        raise typer.Exit(EXIT_INCOMPLETE)


def _report(run: Run, as_json: bool) -> int:
    """Judge, write report.html and summary.csv, say the decisions; how many trials have no valid attempt."""
    import msgspec

    from harness.analysis.analyse import analyse
    from harness.report import exports, page

    analysis = analyse(run)
    exports.write_summary_csv(run, analysis)
    path = page.write(run, analysis)
    if as_json:
        summary = {
            "run": str(run.path),
            "report": str(path),
            "decisions": analysis.decisions,
            "cells": analysis.cells,
            "broken": analysis.broken,
        }
        print(msgspec.json.format(msgspec.json.encode(summary), indent=1).decode())
    else:
        columns = shutil.get_terminal_size().columns
        print(
            exports.terminal_summary(analysis, columns) if sys.stdout.isatty() else exports.markdown_summary(analysis)
        )
        print(f"report: {path}")
    for line in analysis.broken:
        print(line, file=sys.stderr)
    measured = [trial for trial in analysis.trials if not trial.record.spec.is_pilot]
    valid = {trial.record.spec.id for trial in measured if trial.valid}
    return len({t.record.spec.id for t in measured if t.record.status == "complete"} - valid)


def _newest_run() -> Path:
    runs = sorted(path.parent for path in Path("results").glob("*/run.json"))
    if not runs:
        raise UsageError("RUN: results/ holds no run; `bench run` makes one")
    return max(runs, key=lambda path: (path / "run.json").stat().st_mtime)


def _print_check(result: Preflight) -> None:
    print(f"{result.strategy:<22} {result.workload:<8} {result.status.replace('_', ' ')} {result.error}".rstrip())

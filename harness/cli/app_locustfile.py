"""`bench app MODULE:APP --locustfile FILE`: somebody's own locustfile, as it is, against the app that we start."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.cli.exit_codes import EXIT_INCOMPLETE

if TYPE_CHECKING:
    from harness.analysis.locust_figures import LocustFigures, LocustRow
    from harness.serving.target import Target

_READY_S = 60.0
_STOP_S = 5.0
_MOST_WARM_UP_S = 5.0


def by_itself(file: Path, others: Sequence[str]) -> None:
    """Raises UsageError where one of the options `others` was given beside the locustfile."""
    from harness.results.records.errors import UsageError

    if others:
        raise UsageError(f"--locustfile {file}: is a run of its own; leave out {' and '.join(others)}")


def measure_locustfile(target: Target, file: Path, *, users: int, run_time: str, as_json: bool) -> None:
    """Prints the figures; exit code 3 when something was wrong with them."""
    import msgspec

    from harness.cli.order import budget_s
    from harness.driving.plain_locust import LocustfileError, check_locustfile

    run_time_s = budget_s(run_time, "--run-time")
    check_locustfile(file)
    figures = _measured(target, file, users=users, run_time_s=run_time_s)
    if why := figures.why_nothing():
        raise LocustfileError(f"{file}: {_plain(why)}")
    if as_json:
        print(msgspec.json.format(msgspec.json.encode({"locust": figures}), indent=1).decode())
    else:
        _print_figures(figures)
    for line in figures.problems:
        print(f"problem: {_plain(line)}", file=sys.stderr)
    if figures.problems:
        raise typer.Exit(EXIT_INCOMPLETE)


def _measured(target: Target, file: Path, *, users: int, run_time_s: float) -> LocustFigures:
    from harness.analysis.locust_figures import locust_figures
    from harness.driving.plain_locust import PlainLocust
    from harness.machine.affinity import kept_off_the_target
    from harness.machine.only_run import alone_on_this_machine
    from harness.machine.partition import TARGET_NICE, detect
    from harness.processes.temporary_folder import temporary_folder
    from harness.results.records.sample import Sample
    from harness.results.store import read_lines
    from harness.sampling.sampler import Sampler
    from harness.serving.health import ask_health
    from harness.serving.health_watch import HealthWatch
    from harness.serving.server import ServeError, Server

    partition = detect()
    warm_up_s = min(_MOST_WARM_UP_S, run_time_s / 4)
    with (
        alone_on_this_machine(),
        temporary_folder("bench-app-") as made,
        kept_off_the_target(partition),
        Server.launch(
            target,
            probe_dir=made / "probe",
            log_path=made / "server.log",
            cpus=partition.target if partition.pinned else None,
            nice=0 if partition.pinned else TARGET_NICE,
        ) as server,
    ):
        server.wait_ready(_READY_S)
        samples_path = made / "samples.jsonl"
        with (
            PlainLocust.launch(
                file,
                scratch=made,
                host=server.host,
                port=server.port,
                users=users,
                warm_up_s=warm_up_s,
                run_time_s=run_time_s,
                cpus=partition.generator if partition.pinned else None,
            ) as locust,
            HealthWatch(lambda limit_s: ask_health(server.host, server.port, limit_s, target.health)) as health,
            Sampler(samples_path, 0.0) as sampler,
        ):
            sampler.watch("target", server.supervisor_pid)
            sampler.watch("generator", locust.supervisor_pid)
            record = locust.wait(lambda: server.exit_code() is not None)
        if record is None:
            raise ServeError(f"{target.name}: {server.describe_exit('the locustfile')}")
        server.stop(_STOP_S)
        samples = read_lines(samples_path, Sample)
    return locust_figures(record, health.asked, samples, warm_up_s=warm_up_s, run_time_s=run_time_s)


def _print_figures(figures: LocustFigures) -> None:
    from harness.results.records.text import count

    print(
        f"{count(figures.users, 'user')}, {figures.measured_s:.1f} s after {figures.warm_up_s:g} s of warm-up; "
        f"{figures.said}"
    )
    for row in figures.rows:
        print(_row_line(row))
    health = figures.health
    late = [f"{name} {ms:.1f} ms" for name, ms in (("p50", health.p50_ms), ("p99", health.p99_ms)) if ms is not None]
    unanswered = [f"{health.unanswered} without an answer"] if health.unanswered else []
    times = ", ".join([*late, f"longest {health.longest_ms:.1f} ms", *unanswered])
    print(f"health, asked {count(health.asked, 'time')} meanwhile: {times}")
    usage = figures.usage
    if usage.target_cores is not None and usage.locust_cores is not None:
        memory = f", {usage.target_rss_bytes / 2**20:.0f} MiB" if usage.target_rss_bytes else ""
        print(f"CPU: the app {usage.target_cores:.2f} cores{memory}; Locust {usage.locust_cores:.2f}")
    for line in figures.notes:
        print(f"note: {_plain(line)}")


def _row_line(row: LocustRow) -> str:
    parts = [f"{row.rps:,.1f}/s"]
    if row.failures:
        parts.append(f"{row.failures:,} of {row.requests:,} failed")
    if row.unanswered:
        parts.append(f"{row.unanswered:,} without an answer")
    for name, ms in (("p50", row.p50_ms), ("p90", row.p90_ms), ("p99", row.p99_ms)):
        at_least = "at least " if name in row.at_least else ""
        parts.append(f"{name} {'-' if ms is None else f'{at_least}{ms:.1f} ms'}")
    return f"{_plain(row.shown)}: {', '.join(parts)}"


def _plain(text: str) -> str:
    from harness.results.records.text import printable

    return printable(text)

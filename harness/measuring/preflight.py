"""Boots every variant once and sends it every request once: what does not work is known before measuring begins."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

from harness.interpreters.environments import left_out
from harness.interpreters.targets_lock import normal
from harness.measuring.subject import Subject, no_wheel
from harness.results.records.errors import HarnessError
from harness.results.records.machine_record import Partition
from harness.results.records.run_record import Preflight
from harness.results.records.variant import Variant, slug
from harness.results.records.workload import Workload
from harness.sampling.proc import platform_source
from harness.sampling.process_tree import ProcessTree
from harness.services.running_services import RunningServices
from harness.serving.server import Server

_AT_ONCE = 2  # the next one boots while this one is asked
_SHUTDOWN_S = 2.0
_NO_MODULE = re.compile(r"No module named '(\w+)")


class _Booting:
    """A variant's server on its way up; without one when it could not even be launched."""

    def __init__(self, variant: Variant, stack: ExitStack, launch: Callable[[Variant], Server]) -> None:
        self.variant = variant
        self.began_s = monotonic()
        self.server: Server | None = None
        self.error = ""
        try:
            self.server = stack.enter_context(launch(variant))
        except HarnessError as error:
            self.error = str(error)


def preflight(
    subject: Subject,
    variants: Sequence[Variant],
    workloads: Sequence[Workload],
    *,
    partition: Partition,
    services: RunningServices,
    folder: Path,
    on_result: Callable[[Preflight], None],
    ready_s: float,
    answer_s: float = 5.0,
) -> tuple[Preflight, ...]:
    """One result for each variant and workload; `on_result` gets each as it is known.

    A variant that is not ready within `ready_s` of its turn is `failed` for all workloads, with a one-line error; the
    others are checked anyway. Logs and probe files stay in `folder` under the variant's name. No process is left
    when this returns. `boot_s` is the time until the last worker had started.
    """
    results: list[Preflight] = []

    def report(result: Preflight) -> None:
        results.append(result)
        on_result(result)

    runnable = []
    for variant in variants:
        if reason := subject.not_here(variant) or services.missing(variant):
            for workload in workloads:
                report(Preflight(variant.name, workload.name, "not_applicable", f"{variant.name}: {reason}"))
        elif reason := services.no_room_for(variant):
            for workload in workloads:
                report(Preflight(variant.name, workload.name, "failed", f"{variant.name}: {reason}"))
        else:
            runnable.append(variant)

    def launch(variant: Variant) -> Server:
        return Server.launch(
            subject.target(variant, services.environment),
            probe_dir=folder / slug(variant.name) / "probe",
            log_path=folder / slug(variant.name) / "server.log",
            cpus=partition.target if partition.pinned else None,
        )

    with ExitStack() as stack:
        waiting = deque(runnable)
        booting: deque[_Booting] = deque()
        while waiting or booting:
            while waiting and len(booting) < _AT_ONCE and _has_room(waiting[0], booting, services):
                booting.append(_Booting(waiting.popleft(), stack, launch))
            for result in _examine(booting.popleft(), subject, workloads, ready_s, answer_s):
                report(result)
    return tuple(results)


def _has_room(variant: Variant, booting: Sequence[_Booting], services: RunningServices) -> bool:
    """Whether its connections are there for it beside those of the servers that are there already."""
    return services.have_room_for([variant, *(each.variant for each in booting)])


def _examine(
    booting: _Booting, subject: Subject, workloads: Sequence[Workload], ready_s: float, answer_s: float
) -> list[Preflight]:
    name, server = booting.variant.name, booting.server
    if server is None:
        return [Preflight(name, workload.name, "failed", booting.error) for workload in workloads]
    try:
        server.wait_ready(ready_s)
    except HarnessError as failure:
        server.kill()
        if absent := _import_failed(booting.variant, str(failure)):
            return [Preflight(name, workload.name, "not_applicable", absent) for workload in workloads]
        return [Preflight(name, workload.name, "failed", str(failure)) for workload in workloads]
    boot_s = server.booted_s() - booting.began_s
    results = []
    for workload in workloads:
        verdict = subject.check(server, booting.variant, workload, answer_s + workload.waits_s)
        error = f"{name}: {verdict.error}" if verdict.error else ""
        results.append(
            Preflight(name, workload.name, verdict.status, error, boot_s, verdict.answer_s, _pss_bytes(server))
        )
    if reason := server.why_with_gil():  # for good, from whichever request on
        results = [Preflight(name, workload.name, "failed", f"{name}: {reason}") for workload in workloads]
    server.stop(_SHUTDOWN_S)
    return results


def _import_failed(variant: Variant, failure: str) -> str:
    """Whether it did not start because its environment could not have a package, in words."""
    found = _NO_MODULE.search(failure)
    absent = left_out(variant.interpreter) if found and variant.interpreter else {}
    package = normal(found[1]) if found else ""
    return f"{variant.name}: {no_wheel(variant, absent[package])}" if package in absent else ""


def _pss_bytes(server: Server) -> int | None:
    tree = ProcessTree(platform_source(), server.supervisor_pid)
    tree.read(discover=True)
    return tree.pss_bytes()

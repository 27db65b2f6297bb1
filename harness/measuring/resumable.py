"""Whether a run may continue here: all its slices must measure the same code, with the same instrument, on the same
machine."""

from __future__ import annotations

from collections.abc import Collection

from harness.catalog.catalog import Catalog
from harness.interpreters.environments import why_not_the_same
from harness.machine import instrument
from harness.results.records.errors import UsageError
from harness.results.records.machine_record import Environment
from harness.results.records.run_record import RunRecord
from harness.results.records.strategy import Strategy
from harness.results.records.workload import Workload

_SAME = ("cpu_model", "logical_cpus", "kernel", "python", "packages", "partition")


def refuse_to_mix(record: RunRecord, catalog: Catalog, today: Environment, own_services: Collection[str] = ()) -> None:
    """Raises UsageError when something is not the same any more, and names it. `own_services`: the names of those that
    somebody already has and gives now."""
    if tuple(sorted(own_services)) != record.own_services:
        was = "with" if "postgres" in record.own_services else "without"
        raise UsageError(f"--resume {record.id}: was measured {was} --postgres-url; go on {was} it")
    why = (
        _other_instrument(record)
        or _other_code(record, catalog)
        or _other_machine(record.environment, today)
        or _other_python(record)
    )
    if why:
        raise UsageError(f"--resume {record.id}: {why}; start a new run, `bench report` still reads this one")


def _other_instrument(record: RunRecord) -> str:
    if not record.instrument:
        return "was measured by an older release of this harness, which is another instrument"
    if record.instrument != instrument.digest_of(instrument.MEASURING):
        return "the code in harness/ that measures has changed since, so it is another instrument"
    return ""


def _other_code(record: RunRecord, catalog: Catalog) -> str:
    there: tuple[Strategy | Workload, ...] = (*catalog.workloads, *catalog.strategies)
    today = {entry.path: entry.digest for entry in there}
    recorded: tuple[Strategy | Workload, ...] = (*record.workloads, *record.strategies)
    changed = (then.path for then in recorded if today.get(then.path) != then.digest)
    return next((f"{path}, or code that it shares with others, has changed since" for path in changed), "")


def _other_machine(then: Environment, now: Environment) -> str:
    for name in _SAME:
        was, is_now = getattr(then, name), getattr(now, name)
        if was != is_now:
            return "the installed packages have changed" if name == "packages" else f"{name} was {was} and is {is_now}"
    return ""


def _other_python(record: RunRecord) -> str:
    there = {variant.interpreter: variant.python for variant in record.variants if variant.interpreter}
    for environment, python in there.items():
        if why := why_not_the_same(environment):
            return f"the environment of Python {python} {why}"
    return ""

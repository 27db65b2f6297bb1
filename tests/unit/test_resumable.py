"""A run goes on only with the same code, the same instrument, on the same machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.catalog.catalog import Catalog
from harness.machine import instrument
from harness.machine.environment import describe
from harness.measuring.resumable import refuse_to_mix
from harness.results.records.errors import UsageError
from harness.results.records.run_record import RunRecord
from tests.synthetic_run import run_record

ROOT = Path(__file__).parents[2]
CATALOG = Catalog.read(ROOT)
HERE = describe(ROOT)


def a_run(**changes: Any) -> RunRecord:
    made = run_record(["sync_def"], ["io"], rounds=1, seed=1, phase_s=1.0, rates_percent=(30,), peculiar=False)
    ours = {
        "strategies": CATALOG.select_strategies(["sync_def"]),
        "workloads": CATALOG.select_workloads(["io"]),
        "environment": HERE,
        "instrument": instrument.digest_of(instrument.MEASURING),
        "id": "20260101-000000-1",
    }
    return msgspec.structs.replace(made, **(ours | changes))


def refused(record: RunRecord) -> str:
    with pytest.raises(UsageError) as caught:
        refuse_to_mix(record, CATALOG, HERE)
    line = str(caught.value)
    assert line.startswith("--resume 20260101-000000-1: ") and "\n" not in line
    return line


def test_nothing_has_changed() -> None:
    refuse_to_mix(a_run(), CATALOG, HERE)


def test_a_run_with_a_database_of_ones_own_goes_on_with_it_and_no_other_does() -> None:
    with_own = a_run(own_services=("postgres",))
    refuse_to_mix(with_own, CATALOG, HERE, {"postgres": "postgresql://here"})
    with pytest.raises(UsageError, match=r"was measured without --postgres-url; go on without it"):
        refuse_to_mix(a_run(), CATALOG, HERE, {"postgres": "postgresql://here"})
    with pytest.raises(UsageError, match=r"was measured with --postgres-url; go on with it"):
        refuse_to_mix(with_own, CATALOG, HERE)


def test_another_instrument() -> None:
    assert "the code in harness/ that measures has changed since" in refused(a_run(instrument="0123456789abcdef"))


def test_a_run_of_an_older_release_can_still_be_reported() -> None:
    line = refused(a_run(instrument=""))
    assert "was measured by an older release" in line
    assert "`bench report` still reads this one" in line


def test_another_strategy_or_workload() -> None:
    (changed,) = CATALOG.select_strategies(["sync_def"])
    changed = msgspec.structs.replace(changed, digest="0")
    line = refused(a_run(strategies=(changed,)))
    assert "targets/sync_def.py, or code that it shares with others, has changed since" in line
    gone = msgspec.structs.replace(CATALOG.workloads[0], path="scenarios/gone.py")
    assert "scenarios/gone.py" in refused(a_run(workloads=(gone,)))


def test_another_machine() -> None:
    other = msgspec.structs.replace(HERE, kernel="2.4.37")
    assert "kernel was 2.4.37 and is" in refused(a_run(environment=other))
    other = msgspec.structs.replace(HERE, packages={"locust": "0.1"})
    assert "the installed packages have changed" in refused(a_run(environment=other))


def test_an_environment_of_another_python_that_is_gone() -> None:
    (variant,) = a_run().variants
    other = msgspec.structs.replace(variant, interpreter="3.99-00000000", python="3.99.1")
    line = refused(a_run(variants=(other,)))
    assert "the environment of Python 3.99.1 is not there any more; start a new run" in line

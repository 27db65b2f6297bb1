"""The known server and our generators, as `bench calibrate` has them, for the tests that need them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.calibration.case_record import Case
from harness.calibration.cases import CalibrationSetup
from harness.calibration.laws import ANSWER
from harness.calibration.our_generator import OurGenerator
from harness.calibration.truth_server import TruthServer


@contextmanager
def calibration_setup(folder: Path) -> Iterator[CalibrationSetup]:
    with (
        TruthServer(folder / "truth.log", loop="select", cpus=None) as server,
        OurGenerator(folder, "ours", ANSWER, {"right": True}, users=256, cpus=None) as ours,
        OurGenerator(folder, "few", ANSWER, {"right": True}, users=4, cpus=None) as few,
    ):
        server.wait_ready()
        ours.wait_ready()
        few.wait_ready()
        yield CalibrationSetup(folder, server, ours, few, None, with_stock=False)


def explained(case: Case) -> str:
    return "\n".join(map(repr, (*case.figures, *case.counts, case.note, case.error)))

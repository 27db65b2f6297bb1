"""`bench calibrate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import project
from harness.cli.exit_codes import EXIT_GATE
from harness.cli.options import Json, Results
from harness.results.records.errors import UsageError


def calibrate(
    throughput: Annotated[bool, typer.Option("--throughput", help="also measure how fast load generators are")] = False,
    against: Annotated[str | None, typer.Option(metavar="wrk", help="also compare with wrk on a real route")] = None,
    results: Results = Path("results"),
    as_json: Json = False,
) -> None:
    """Measure how exact the load generator is on this machine, with servers that behave in a known way.

    Exit code 1: it failed.
    """
    import msgspec

    from harness.calibration import calibration_record, result_table, wrk
    from harness.calibration.calibration import CalibrationOrder, calibrate_generator
    from harness.machine.only_run import alone_on_this_machine
    from harness.results.store import StoreError, only_measuring

    if against not in (None, "wrk"):
        raise UsageError(f"--against {against}: is not known; write --against wrk")
    if against is not None:
        wrk.require()
    order = CalibrationOrder(project.root(), with_throughput=throughput, against="wrk" if against else None)
    with alone_on_this_machine(), only_measuring(results):  # beside a run, each would make the other's figures wrong
        try:
            earlier = calibration_record.read_calibration(results)
        except StoreError as error:
            print(f"this file will be replaced: {error}", file=sys.stderr)
            earlier = None
        measured = calibrate_generator(order, lambda line: print(line, file=sys.stderr))
        calibration = calibration_record.completed(measured, earlier)
        path = calibration_record.write_calibration(results, calibration)
    if as_json:
        said = {"passed": calibration.passed, "failures": calibration.failures, "calibration": calibration}
        print(msgspec.json.format(msgspec.json.encode(said), indent=1).decode())
    else:
        for line in result_table.lines(calibration):
            print(line)
        print(f"written to {path}")
    beyond = measured.cross_check is not None and measured.cross_check.passed is False
    if beyond or not calibration.passed:
        raise typer.Exit(EXIT_GATE)

"""`bench claims`."""

from __future__ import annotations

import shutil
import sys

from harness.cli.ending import with_slices
from harness.cli.options import Json, RunPath
from harness.cli.report import newest_run


def claims(path: RunPath = None, as_json: Json = False) -> None:
    """Say which claims about concurrency in FastAPI a run confirms or refutes, and how to test the others."""
    import msgspec

    from harness.analysis.analyse import analyse
    from harness.report.claim_lines import terminal_claims
    from harness.report.for_programs import claims_for_programs
    from harness.results.store import Run

    analysis = analyse(with_slices(Run.open(path or newest_run())))
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(claims_for_programs(analysis)), indent=1).decode())
    else:
        print(terminal_claims(analysis.claims, shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000))
    for line in analysis.broken:
        print(line, file=sys.stderr)

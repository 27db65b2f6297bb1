"""`bench claims`."""

from __future__ import annotations

import shutil
import sys

from harness.cli.ending import with_slices
from harness.cli.newest import newest_run
from harness.cli.options import Json, RunPaths
from harness.cli.together import refuse_same_name, together, warn_of_added


def claims(paths: RunPaths = None, as_json: Json = False) -> None:
    """Say which claims about concurrency in FastAPI a run confirms or refutes, and how to test the others.

    What was added to its report counts, too. Of several runs each claim is told as the one says whose evidence tells
    the most.
    """
    import msgspec

    from harness.report.claim_lines import terminal_claims
    from harness.report.for_programs import claims_for_programs
    from harness.results.store import Run

    run, *more = [with_slices(Run.open(path)) for path in paths or [newest_run()]]
    refuse_same_name(run, more)
    analysis, added = together(run, more)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(claims_for_programs(analysis)), indent=1).decode())
    else:
        print(terminal_claims(analysis.claims, shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000))
    for line in analysis.broken:
        print(line, file=sys.stderr)
    warn_of_added(added)

"""What uvicorn runs in the target's process: `uvicorn harness.inside.bench_inside.app:app`, once per worker.

Environment: BENCH_TARGET (the strategy's name), BENCH_TRIAL_TOKEN, BENCH_PROBE_DIR; `targets` is imported from the
current folder. When the target does not import or its startup fails, its log gets one line for the harness:
`BENCH-ERROR: targets/foo.py:3: ImportError: ...`.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path

from harness.inside.bench_inside.probe import App, Probe
from harness.inside.bench_inside.reason import ERROR_PREFIX, one_line

_STARTUP_FAILURE = 3  # uvicorn's own: the parent of several workers then ends instead of starting them again

_target = os.environ["BENCH_TARGET"]
_root = Path.cwd()


def _load() -> App:
    sys.path.insert(0, str(_root))
    try:
        package = importlib.import_module("targets")
        if not Path(package.__path__[0]).samefile(_root / "targets"):  # a package anywhere beats a folder without it
            raise ImportError(f"`targets` is {package.__path__[0]}; add an empty {_root}/targets/__init__.py")
        loaded: App = importlib.import_module(f"targets.{_target}").app
    except (Exception, SystemExit) as error:
        traceback.print_exception(error)
        _report(error)
        raise SystemExit(_STARTUP_FAILURE) from error
    return loaded


def _report(error: BaseException) -> None:
    print(ERROR_PREFIX + one_line(error, _target, _root), file=sys.stderr, flush=True)  # noqa: T201 - it is a log


app = Probe(
    _load(),
    token=os.environ["BENCH_TRIAL_TOKEN"],
    folder=Path(os.environ["BENCH_PROBE_DIR"]),
    on_failure=_report,
)

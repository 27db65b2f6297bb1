"""What an ASGI server runs in the target's process: `bench_inside.served:app`, once per worker.

When the target does not import, or its startup fails, its log gets one line for the harness:
`BENCH-ERROR: targets/foo.py:3: ImportError: ...`.
"""

from __future__ import annotations

import os
import sys
import traceback

from .loading import load
from .probe import App, Probe
from .reason import ERROR_PREFIX, one_line
from .remedied import Remedied
from .remedies import RemedyOrder
from .settings import InsideSettings
from .watched import Watched

# A server with several workers that sees this exit code ends. With another one it would start the worker again and
# again.
_STARTUP_FAILURE = 3

_settings = InsideSettings.read(os.environ)


def _load() -> App:
    try:
        loaded: App = load(_settings.app, _settings.folder, factory=_settings.factory)
        if _settings.remedies:
            loaded = Remedied(loaded, RemedyOrder.read(_settings.remedies))
    except (Exception, SystemExit) as error:
        traceback.print_exception(type(error), error, error.__traceback__)
        _report(error)
        raise SystemExit(_STARTUP_FAILURE) from error
    return loaded if _settings.watch_dir is None else Watched(loaded, _settings.watch_dir)


def _report(error: BaseException) -> None:
    line = ERROR_PREFIX + one_line(error, _settings.app, _settings.folder)
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - it is a log


app = Probe(_load(), token=_settings.token, folder=_settings.probe_dir, on_failure=_report)

"""What an ASGI server runs in the target's process: `bench_inside.served:app`, once per worker.

When the target does not import, or its startup fails, its log gets one line for the harness:
`BENCH-ERROR: targets/foo.py:3: ImportError: ...`.
"""

from __future__ import annotations

import os
import sys
import traceback

from .loading import load
from .moved_calls import MovedCalls
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
        loaded = _load_with(RemedyOrder.read(_settings.remedies)) if _settings.remedies else _load_as_is()
    except (Exception, SystemExit) as error:
        traceback.print_exception(type(error), error, error.__traceback__)
        _report(error)
        raise SystemExit(_STARTUP_FAILURE) from error
    return loaded if _settings.watch_dir is None else Watched(loaded, _settings.watch_dir)


def _load_as_is() -> App:
    app: App = load(_settings.app, _settings.folder, factory=_settings.factory)
    return app


def _load_with(order: RemedyOrder) -> App:
    calls = MovedCalls(order.calls_in_thread)
    calls.install()  # before the app's files are read
    return Remedied(_load_as_is(), order, calls)


def _report(error: BaseException) -> None:
    line = ERROR_PREFIX + one_line(error, _settings.app, _settings.folder)
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - it is a log


app = Probe(_load(), token=_settings.token, folder=_settings.probe_dir, on_failure=_report)

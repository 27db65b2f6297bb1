"""The `bench` command. Only this folder prints or exits; heavy imports happen inside the commands."""

from __future__ import annotations

import errno
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import typer

from harness.cli.app import app
from harness.cli.calibrate import calibrate
from harness.cli.claims import claims
from harness.cli.compare import compare
from harness.cli.exit_codes import EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_USAGE
from harness.cli.list import list_
from harness.cli.new import new
from harness.cli.report import report
from harness.cli.run import run
from harness.cli.sweep import sweep
from harness.cli.verify import verify
from harness.results.records.errors import HarnessError, UsageError
from harness.results.records.text import is_utf8, printable

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

commands = typer.Typer(
    help="Which FastAPI concurrency strategy for which work, how large, and how sure are we?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
commands.command("list")(list_)
for command in (verify, run, sweep, app, report, claims, compare, calibrate, new):
    commands.command()(command)


def main() -> None:
    """Entry point of the console script. HarnessErrors become one line; `--debug` shows the traceback."""
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` ignores it, to outlive the logout
            signal.signal(number, _interrupt)
    try:
        _require_utf8()
        commands()
    except UsageError as error:
        _die(error, EXIT_USAGE, debug)
    except HarnessError as error:
        _die(error, EXIT_INCOMPLETE, debug)
    except OSError as error:
        if debug or error.errno not in _NO_ROOM:
            raise
        where = error.filename or "a file"
        _die(
            HarnessError(f"{printable(str(where))}: cannot be written ({error.strerror}); free space"),
            EXIT_INCOMPLETE,
            debug,
        )
    except SystemExit as ended:
        if ended.code == EXIT_INTERRUPTED:  # typer has made this of the KeyboardInterrupt, without a word
            print("interrupted", file=sys.stderr)
        raise


def _require_utf8() -> None:
    """Raises UsageError: what is asked for is written down in records and reports, which are UTF-8."""
    words = [*sys.argv[1:], os.getcwd()]  # noqa: PTH109 - pathlib says the same in more time
    for word in words:
        if not is_utf8(word):
            raise UsageError(f"{printable(word)}: is not UTF-8, so no report could name it; rename it")


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    # The same way out as Ctrl-C: every `with` block ends the processes it started.
    raise KeyboardInterrupt


def _die(error: HarnessError, code: int, debug: bool) -> NoReturn:
    if debug:
        raise error
    print(f"bench: {error}", file=sys.stderr)
    sys.exit(code)

"""An environment for each other Python: what targets need, in the versions of `targets.lock`, and nothing of ours.

It is made once, in `.pythons/` beside `harness/`, and used by all runs. Its name says which Python it is of and has a
digest of that Python's build and of the lock, so that another build or another lock gets another environment. Whoever
makes one holds a lock on it, and its last file, written when all is there, says that it is whole, and which packages
were left out because there is no wheel of them for that Python.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from harness.interpreters.interpreter import OLDEST, Interpreter, InterpreterError, ask_interpreter
from harness.interpreters.search import age
from harness.interpreters.targets_lock import TARGETS_LOCK, Locked, normal, read_lock, with_all_that_need
from harness.processes.process import ProcessError, Supervised
from harness.results.records.text import printable

ENVIRONMENTS = Path(__file__).parents[2] / ".pythons"
ESSENTIAL = "fastapi"  # without it no target runs
_WHOLE = "whole.json"
_LAYOUT = b"1"  # another one when environments are made in another way
_INSTALL_S = 600.0
_LINE_CHARS = 300
_NO_WHEEL = re.compile(r"No matching distribution found for ([\w.-]+)")
_UNREACHABLE = "Retrying (Retry("
_SUPERVISORS = "BENCH-ERROR: "  # what begins a line of the supervisor
# Where pip would install instead.
_ELSEWHERE = ("PIP_DRY_RUN", "PIP_PREFIX", "PIP_PYTHON", "PIP_ROOT", "PIP_TARGET", "PIP_USER")


def environment_of(interpreter: Interpreter, lock: Path = TARGETS_LOCK) -> str:
    """`3.13-0a1b2c3d`"""
    digest = hashlib.sha256()
    for part in (_LAYOUT, interpreter.build.encode(), lock.read_bytes()):
        digest.update(b"%d " % len(part) + part)
    return f"{interpreter.name}-{digest.hexdigest()[:8]}"


def python_of(environment: str, folder: Path = ENVIRONMENTS) -> str:
    """The path of the Python in an environment."""
    return str(folder / environment / "bin" / "python")


def is_whole(environment: str, folder: Path = ENVIRONMENTS) -> bool:
    """Also whether the Python that it is of is still there."""
    return (folder / environment / _WHOLE).exists() and Path(python_of(environment, folder)).exists()


def why_not_the_same(environment: str, folder: Path = ENVIRONMENTS, lock: Path = TARGETS_LOCK) -> str:
    """What has happened to an environment that was used before; empty when nothing has."""
    if not is_whole(environment, folder):
        return "is not there any more"
    found = ask_interpreter(Path(python_of(environment, folder)))
    if isinstance(found, str):
        return found
    same = environment_of(found, lock) == environment
    return "" if same else f"has changed: targets.lock is another one, or that Python, which is {found.version} now"


def left_out(environment: str, folder: Path = ENVIRONMENTS) -> dict[str, str]:
    """Packages of the lock that an environment does not have, each with the one of which there is no wheel."""
    try:
        return msgspec.json.decode((folder / environment / _WHOLE).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return {}


def installed_in(environment: str, folder: Path = ENVIRONMENTS) -> frozenset[str]:
    """The names of the packages that an environment has; nothing is started."""
    found = (folder / environment).glob("lib/python*/site-packages/*.dist-info")
    return frozenset(normal(path.name.partition("-")[0]) for path in found)


def provide(
    interpreter: Interpreter, tell: Callable[[str], None], folder: Path = ENVIRONMENTS, lock: Path = TARGETS_LOCK
) -> str:
    """The name of the environment of `interpreter`, which is whole when this returns. `tell` gets a line before one is
    made, or when another process makes it. Raises InterpreterError."""
    if age(interpreter.name)[0] < OLDEST:
        raise _error(interpreter, f"what targets need is locked for Python {'.'.join(map(str, OLDEST))} and newer")
    try:
        environment = environment_of(interpreter, lock)
        if is_whole(environment, folder):
            return environment
        folder.mkdir(parents=True, exist_ok=True)
        waiting = f"Python {interpreter.version}: another process makes its environment; waiting for it"
        with _only_one_makes(folder / f"{environment}.lock", lambda: tell(waiting)) as held:
            if not is_whole(environment, folder):  # another process may have made it meanwhile
                tell(f"Python {interpreter.version}: making its environment, once ({folder / environment})")
                _make(interpreter, folder / environment, read_lock(lock.read_text()), held)
    except OSError as error:
        raise _error(interpreter, f"{error.filename or folder}: {error.strerror or error}") from error
    return environment


@contextlib.contextmanager
def _only_one_makes(path: Path, wait: Callable[[], None]) -> Iterator[int]:
    """Gives the descriptor that holds the lock. What inherits it holds the lock too: when we are killed, the next one
    waits until what we have started is gone."""
    with path.open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def _make(interpreter: Interpreter, path: Path, packages: Sequence[Locked], held: int) -> None:
    shutil.rmtree(path, ignore_errors=True)  # one whose making was interrupted
    log = path.with_name(f"{path.name}.log")
    log.unlink(missing_ok=True)
    if reason := _failure([str(interpreter.path), "-I", "-m", "venv", "--without-pip", str(path)], log, held):
        raise _error(interpreter, f"{reason} (all of it: {log})")
    missing: dict[str, str] = {}
    while reason := _not_installed(path, [package for package in packages if package.name not in missing], log, held):
        nowhere = _without_wheel(log, packages)
        useless = with_all_that_need(nowhere.name, packages) if nowhere else frozenset((ESSENTIAL,))
        if nowhere is None or ESSENTIAL in useless or useless <= missing.keys():
            raise _error(interpreter, f"{reason} (all of it: {log})")
        missing |= dict.fromkeys(useless, nowhere.pinned)
    if ESSENTIAL in {package.name for package in packages} - installed_in(path.name, path.parent):
        raise _error(interpreter, "pip has installed elsewhere; look at `pip config list` for target, prefix or user")
    log.unlink(missing_ok=True)
    unfinished = path / f"{_WHOLE}.part"
    unfinished.write_bytes(msgspec.json.encode(missing))
    unfinished.replace(path / _WHOLE)


def _not_installed(path: Path, packages: Sequence[Locked], log: Path, held: int) -> str:
    """Installs all of them, or says in words why it could not."""
    log.unlink(missing_ok=True)
    requirements = path / "requirements.txt"
    requirements.write_text("".join(f"{package.text}\n" for package in packages))
    # Our own pip installs, so that the other Python needs none (Debian's has none). Without a wheel it would compile,
    # for minutes, and mostly in vain.
    python = python_of(path.name, path.parent)
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--no-input", "--disable-pip-version-check"]
    install += ["--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(requirements)]
    return _failure(install, log, held)


def _failure(command: Sequence[str], log: Path, held: int) -> str:
    """Runs it. Why it failed, or empty. Whatever happens to us, it does not go on without us."""
    # What the shell says to our Python must not reach another one, and its packages must be compiled now.
    env = {n: value for n, value in os.environ.items() if not n.startswith(("PYTHON", "VIRTUAL_ENV"))}
    env = {n: value for n, value in env.items() if n not in _ELSEWHERE}
    try:
        with Supervised(command, cwd=log.parent, env=env, log_path=log, pass_fds=(held,)) as process:
            code = process.wait_exit(_INSTALL_S)
    except ProcessError as error:
        return str(error)
    if code is None:
        return f"not done within {_INSTALL_S:g} s"
    return reason_in(log.read_text(errors="replace"), code) if code else ""


def _without_wheel(log: Path, packages: Sequence[Locked]) -> Locked | None:
    """The package of which pip has found no wheel, when the index could be asked."""
    text = log.read_text(errors="replace") if log.exists() else ""
    found = None if _UNREACHABLE in text else _NO_WHEEL.search(text)
    return next((package for package in packages if found and package.name == normal(found[1])), None)


def reason_in(log: str, code: int) -> str:
    """One line of the log of `venv` or `pip` that says why it failed."""
    lines = [printable(line).removeprefix(_SUPERVISORS) for line in log.splitlines() if line.strip()]
    if any(line.endswith("No module named pip") for line in lines):
        return f"{sys.executable} has no pip to install with; run `make setup`"
    unreachable = [line for line in lines if _UNREACHABLE in line]
    if unreachable:
        found = re.search(r"connection broken by '(.*?)'?: /", unreachable[-1])
        return f"the package index cannot be reached ({found[1] if found else unreachable[-1]})"[:_LINE_CHARS]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    if missing := re.match(r"No matching distribution found for (\S+)", errors[-1] if errors else ""):
        return f"there is no wheel of {missing[1]} for it"
    telling = errors or lines
    return telling[-1][:_LINE_CHARS] if telling else f"it exited with {code} and said nothing"


def _error(interpreter: Interpreter, reason: str) -> InterpreterError:
    return InterpreterError(f"Python {interpreter.version}: not used: {reason}; name other Pythons with --python")

"""One other Python: what it says about itself when it is started."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from harness.interpreters.search import age, is_python_name
from harness.results.records.errors import HarnessError, UsageError

# `requires-python` in pyproject.toml: what targets need is locked for these.
OLDEST = (3, 11)
_ASK_S = 20.0
_QUESTION = """
import json, platform, sys, sysconfig
v = sys.version_info
pre = {"final": "", "alpha": "a", "beta": "b"}.get(v[3], "rc")
print(json.dumps({
    "implementation": platform.python_implementation(),
    "release": "%d.%d.%d" % v[:3] + (pre and pre + str(v[4])),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "build": sys.version + " " + sys.base_prefix,
}))
"""


class InterpreterError(HarnessError):
    """A Python that targets cannot run on; one line with the reason and what to do."""


class Interpreter(Struct, frozen=True, kw_only=True):
    """`release` is its version as packaging tools write it: 3.13.0, 3.15.0rc2. `build` changes when another build is
    installed in its place."""

    path: Path
    implementation: str
    release: str
    free_threaded: bool
    build: str

    @property
    def name(self) -> str:
        """3.13, or 3.14t without the GIL."""
        major, minor, *_ = self.release.split(".")
        return f"{major}.{minor}{self._ending}"

    @property
    def version(self) -> str:
        """3.13.0, or 3.14.0t without the GIL."""
        return f"{self.release}{self._ending}"

    @property
    def _ending(self) -> str:
        return "t" if self.free_threaded else ""


def ask_interpreter(path: Path) -> Interpreter | str:
    """What is at `path`, or in words why it does not say."""
    try:
        command = [str(path), "-I", "-S", "-c", _QUESTION]
        done = subprocess.run(command, capture_output=True, timeout=_ASK_S, check=False, stdin=subprocess.DEVNULL)
        said = msgspec.json.decode(done.stdout, type=dict[str, str | bool])
        return msgspec.convert({**said, "path": path}, Interpreter)
    except subprocess.TimeoutExpired:
        return f"did not answer within {_ASK_S:g} s"
    except (OSError, msgspec.MsgspecError) as error:
        return f"does not start ({error})"


def check_pythons(names: Sequence[str], option: str) -> None:
    """Raises UsageError for what cannot be the name of a Python."""
    for name in names:
        if not is_python_name(name):
            raise UsageError(f"{option} {name}: is not a Python; write it like 3.13, or 3.14t without the GIL")


def choose(name: str, found: Mapping[str, Sequence[Path]], option: str) -> Interpreter:
    """The first of the files found for `name` that starts and is what it is called. Raises InterpreterError when there
    is none."""
    refused = []
    for path in found.get(name, ()):
        answer = ask_interpreter(path)
        if isinstance(answer, Interpreter) and answer.name == name and answer.implementation == "CPython":
            return answer
        what = f"is {answer.implementation} {answer.version}" if isinstance(answer, Interpreter) else answer
        refused.append(f"{path} {what}")
    usable = sorted((known for known in found if age(known)[0] >= OLDEST and known != name), key=age)
    there_are = f"there are: {', '.join(usable)}" if usable else "there are none"
    why = "; ".join(refused) or "it is not on the PATH, and neither pyenv nor uv has it"
    raise InterpreterError(f"{option} {name}: not available here: {why}; {there_are}")

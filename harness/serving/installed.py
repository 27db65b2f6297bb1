"""What is installed in the interpreter that runs somebody's own app."""

from __future__ import annotations

import json
import subprocess

from harness.results.records.errors import UsageError

_ASKED_S = 20.0
_OLDEST = (3, 9)  # of `harness.inside`
# `-E`: PYTHONPATH is not looked into, and neither is the current folder; `pip install --user` counts. Any Python can
# read it, so that an old one says which it is.
_SCRIPT = """
import sys
sys.path.remove("")
import json
version = "%d.%d.%d" % tuple(sys.version_info[:3])
if sys.version_info[:2] < (3, 8):
    print(json.dumps({"python": version}))
    raise SystemExit
import re
from importlib.metadata import distributions
found = {}
for each in distributions():
    name = each.metadata["Name"]
    if name:
        found[re.sub(r"[-_.]+", "-", name).lower()] = each.version
print(json.dumps(dict(found, python=version)))
"""


def installed_packages(interpreter: str) -> dict[str, str]:
    """By name, as PyPI writes it, its version; "python" is that of the interpreter. Raises UsageError when it does not
    run, or is too old."""
    try:
        done = subprocess.run(
            [interpreter, "-E", "-c", _SCRIPT], capture_output=True, text=True, timeout=_ASKED_S, check=False
        )
        said = json.loads(done.stdout.splitlines()[-1])
        found = {str(name): str(version) for name, version in said.items()}
        release = tuple(map(int, found["python"].split(".")))
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, AttributeError) as error:
        raise UsageError(f"--python {interpreter}: does not run as a Python{_why(error)}; name another one") from error
    if release < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise UsageError(f"--python {interpreter}: is Python {found['python']}; bench needs {oldest} or newer there")
    return found


def _why(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f" (no answer within {_ASKED_S:g} s)"
    return f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""

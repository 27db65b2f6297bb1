"""What is installed in the interpreter that runs somebody's own app."""

from __future__ import annotations

import json
import subprocess

from harness.results.records.errors import UsageError

_ASKED_S = 20.0
# `-I`: neither the current folder nor PYTHONPATH is looked into, only the environment itself.
_SCRIPT = """
import json, re, sys
from importlib.metadata import distributions
found = {}
for each in distributions():
    name = each.metadata["Name"]
    if name:
        found[re.sub(r"[-_.]+", "-", name).lower()] = each.version
print(json.dumps({"python": "%d.%d.%d" % sys.version_info[:3], **found}))
"""


def installed_packages(interpreter: str) -> dict[str, str]:
    """By name, as PyPI writes it, its version; "python" is that of the interpreter. Raises UsageError when it does not
    run."""
    try:
        done = subprocess.run(
            [interpreter, "-I", "-c", _SCRIPT], capture_output=True, text=True, timeout=_ASKED_S, check=True
        )
        return {str(name): str(version) for name, version in json.loads(done.stdout.splitlines()[-1]).items()}
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise UsageError(f"--python {interpreter}: does not run as a Python ({error}); name another one") from error

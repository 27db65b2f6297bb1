"""`bench new`: the file that makes a strategy."""

from __future__ import annotations

import keyword
from pathlib import Path

from harness.catalog.catalog import TARGETS, check_name
from harness.results.records.errors import UsageError

_TEMPLATE = Path(__file__).with_name("strategy.py.tmpl")
_PLACE_OF_NAME = "{{name}}"


def new_strategy(root: Path, name: str) -> Path:
    """Writes `targets/<name>.py` of `root` and says where it is. Raises UsageError; never overwrites."""
    check_name(name, of=f"strategy {name!r}")
    if keyword.iskeyword(name):
        raise UsageError(f"strategy {name!r}: is a keyword of Python, so it cannot be imported; choose another")
    path = root / TARGETS / f"{name}.py"
    text = _TEMPLATE.read_text(encoding="utf-8").replace(_PLACE_OF_NAME, name)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{path}: exists; edit it, or choose another name") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); make {path.parent} writable") from error
    return path

"""Gives the standard library its names back after Locust has imported a locustfile called like one of its modules.

Locust registers `scenarios/io.py` in `sys.modules` under the bare name "io" (locust/util/load_locustfile.py), so every
later `import io` in the process would get the scenario. The real module is still referenced by whoever imported it.
"""

import sys
import sysconfig
from types import ModuleType


def restore_stdlib() -> None:
    """Undo the shadowing of standard library modules; a no-op when nothing is shadowed."""
    stdlib = sysconfig.get_path("stdlib")
    for name in sys.stdlib_module_names & sys.modules.keys():
        file = getattr(sys.modules[name], "__file__", None)
        if file is None or file.startswith(stdlib) or "/lib-dynload/" in file:
            continue
        original = _original(name, stand_in=sys.modules[name])
        if original is not None:
            sys.modules[name] = original


def _original(name: str, stand_in: ModuleType) -> ModuleType | None:
    for module in list(sys.modules.values()):
        held = getattr(module, "__dict__", {}).get(name)
        if isinstance(held, ModuleType) and held is not stand_in and held.__name__ == name:
            return held
    return None

"""Whether a build of Python that has no GIL runs with one.

There the GIL comes back, for good, with the first extension module that does not say that it can do without it
(https://docs.python.org/3/howto/free-threading-extensions.html). Nothing fails then, and all threads take turns again.
"""

from __future__ import annotations

import sys
import sysconfig

_BUILT_WITHOUT = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def gil_came_back() -> bool:
    """Always False in a build that has a GIL anyway."""
    return _BUILT_WITHOUT and bool(getattr(sys, "_is_gil_enabled", bool)())

"""Imports the app that a target names, from the folder that it names."""

from __future__ import annotations

import importlib
import inspect
import sys
from functools import reduce
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType
from typing import Any


def load(app: str, folder: Path, *, factory: bool = False) -> Any:
    """`app` is `package.module:attribute`, an ASGI application or with `factory` a function that makes one. Raises
    whatever the import raises, ImportError when Python finds another package of that name than the one in `folder` or
    in its `src`, and TypeError for what cannot be called."""
    module_name, _, attribute = app.partition(":")
    package = module_name.partition(".")[0]
    sources = folder / "src"
    sys.path[:0] = [str(folder), str(sources)] if _is_in(sources, package) else [str(folder)]
    _check_package(package, folder if _is_in(folder, package) else sources)
    if find_spec(package) is None:
        raise ModuleNotFoundError(f"No module named '{package}' in {folder}; name its folder with --dir")
    module = importlib.import_module(module_name)
    found: Any = reduce(getattr, attribute.split("."), module)
    loaded = found() if factory else found
    if not callable(loaded):
        what = f"`{attribute}()` returns" if factory else f"`{attribute}` is"
        raise TypeError(f"{what} {type(loaded).__name__}, which is no ASGI application")
    if isinstance(loaded, FunctionType) and not _takes_asgi(loaded):
        hint = "" if factory else "; is it a factory? Then add --factory"
        raise TypeError(f"`{attribute}` is a function that takes no scope, receive and send{hint}")
    return loaded


def _is_in(folder: Path, name: str) -> bool:
    """Whether Python could import `name` from it."""
    return (folder / name).is_dir() or (folder / f"{name}.py").exists()


def _takes_asgi(function: FunctionType) -> bool:
    try:
        inspect.signature(function).bind({}, None, None)
    except TypeError:
        return False
    return True


def _check_package(name: str, folder: Path) -> None:
    """Python prefers a package anywhere on its path to a plain folder (one without `__init__.py`) of the same name."""
    wanted = folder / name
    if not wanted.is_dir() or (folder / f"{name}.py").exists():
        return
    package = importlib.import_module(name)
    found = [*getattr(package, "__path__", ()), getattr(package, "__file__", None)][0]
    if found is None or Path(found).resolve() != wanted.resolve():
        raise ImportError(f"`{name}` is {found}; add an empty {wanted}/__init__.py")

"""Finds services in their folder: every file with a class that derives from `Service` holds one.

The files are read as text; only a service that is started is imported.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from harness.results.records.errors import UsageError
from harness.services.service import Service

SERVICES_FOLDER = Path(__file__).parent
_WAY_OUT = "fix it, or move it out of the folder"


def service_names(folder: Path = SERVICES_FOLDER) -> tuple[str, ...]:
    """The services that `folder` holds, by name; a file that cannot be read holds none that is known."""
    trees = ((path, _read(path)) for path in _files(folder))
    return tuple(path.stem for path, tree in trees if isinstance(tree, ast.Module) and _holds_service(tree))


def broken_services(folder: Path = SERVICES_FOLDER) -> dict[str, str]:
    """By name, the files that cannot be read, each in one line: where, why, and what to do."""
    trees = ((path, _read(path)) for path in _files(folder))
    return {path.stem: tree for path, tree in trees if isinstance(tree, str)}


def service_class(name: str, folder: Path = SERVICES_FOLDER) -> type[Service]:
    """Imports the file. Raises UsageError when there is no such service, or its file cannot be imported."""
    if name not in service_names(folder):
        raise UsageError(f"service {name!r}: {why_no_service(name, folder)}")
    module_name = f"bench_service_{name}"
    spec = importlib.util.spec_from_file_location(module_name, folder / f"{name}.py")
    if spec is None or spec.loader is None:
        raise UsageError(f"service {name!r}: {folder / name}.py cannot be imported; fix it")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # as the import system does: dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise UsageError(f"service {name!r}: {folder / name}.py cannot be imported ({reason}); fix it") from error
    kinds = [kind for kind in vars(module).values() if _is_service_of(kind, module_name)]
    if len(kinds) != 1:
        raise UsageError(f"service {name!r}: {folder / name}.py has {len(kinds)} services; leave one")
    found: type[Service] = kinds[0]
    return found


def why_no_service(name: str, folder: Path = SERVICES_FOLDER) -> str:
    """Of a name that no service has: what is wrong with its file, or which files there are."""
    if reason := broken_services(folder).get(name):
        return reason
    files = [f"{name}.py" for name in service_names(folder)]
    return f"{folder.name}/ has {', '.join(files)}" if files else f"{folder.name}/ has no service"


def environment_name(service: str) -> str:
    """The variable in which strategies find its address."""
    return f"BENCH_{service.upper()}"


def _is_service_of(kind: object, module_name: str) -> bool:
    return isinstance(kind, type) and issubclass(kind, Service) and kind.__module__ == module_name


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[a-z]*.py"))


def _read(path: Path) -> ast.Module | str:
    """What is in it, or in one line why it cannot be read."""
    shown = f"{path.parent.name}/{path.name}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as for "\d" in a string
            return ast.parse(path.read_bytes())
    except SyntaxError as error:
        line = f":{error.lineno}" if error.lineno else ""
        return f"{shown}{line}: is not Python ({error.msg}); {_WAY_OUT}"
    except OSError as error:
        return f"{shown}: cannot be read ({error.strerror}); {_WAY_OUT}"
    except (ValueError, RecursionError, MemoryError) as error:  # NUL bytes; nested too deeply
        return f"{shown}: cannot be parsed ({error or type(error).__name__}); {_WAY_OUT}"


def _holds_service(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.ClassDef) and _derives(node.bases) for node in tree.body)


def _derives(bases: Sequence[ast.expr]) -> bool:
    return any(
        (isinstance(base, ast.Name) and base.id == "Service")
        or (isinstance(base, ast.Attribute) and base.attr == "Service")
        for base in bases
    )

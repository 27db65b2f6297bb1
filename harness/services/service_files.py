"""Finds services in their folder: every file with a class that derives from `Service` holds one.

The files are read as text; only a service that is started is imported.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.results.records.errors import UsageError
from harness.services.service import Service

SERVICES_FOLDER = Path(__file__).parent


def service_names(folder: Path = SERVICES_FOLDER) -> tuple[str, ...]:
    """The services that `folder` holds, by name; a file that cannot be read as one holds none."""
    return tuple(sorted(path.stem for path in folder.glob("[a-z]*.py") if _holds_service(path)))


def service_class(name: str, folder: Path = SERVICES_FOLDER) -> type[Service]:
    """Imports the file. Raises UsageError when there is no such service, or its file cannot be imported."""
    if name not in service_names(folder):
        raise UsageError(f"service {name!r}: {there_are(folder)}")
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


def there_are(folder: Path = SERVICES_FOLDER) -> str:
    """The way out for a name that no file has."""
    files = [f"{name}.py" for name in service_names(folder)]
    return f"{folder.name}/ has {', '.join(files)}" if files else f"{folder.name}/ has no service"


def environment_name(service: str) -> str:
    """The variable in which strategies find its address."""
    return f"BENCH_{service.upper()}"


def _is_service_of(kind: object, module_name: str) -> bool:
    return isinstance(kind, type) and issubclass(kind, Service) and kind.__module__ == module_name


def _holds_service(path: Path) -> bool:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(isinstance(node, ast.ClassDef) and _derives(node.bases) for node in tree.body)


def _derives(bases: Sequence[ast.expr]) -> bool:
    return any(
        (isinstance(base, ast.Name) and base.id == "Service")
        or (isinstance(base, ast.Attribute) and base.attr == "Service")
        for base in bases
    )

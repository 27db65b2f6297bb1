"""Turns a target into a running process tree: the command, and what its environment must and must not hold."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness import inside
from harness.inside.bench_inside.settings import InsideSettings
from harness.processes.ports import HOST
from harness.processes.process import Supervised, child_environment
from harness.serving.asgi_server import AsgiServer, LaunchOrder, asgi_server, resolved
from harness.serving.target import Target

# On the target's path, so that it finds `bench_inside` and nothing else of ours.
_INSIDE = Path(inside.__file__).parent
_WRAPPED_APP = "bench_inside.served:app"
# What a shell says of one Python may keep another one from starting.
_OF_OUR_PYTHON = ("PYTHONEXECUTABLE", "PYTHONHOME", "PYTHONPLATLIBDIR", "PYTHON_GIL", "VIRTUAL_ENV")


def starter(
    target: Target,
    *,
    token: str,
    probe_dir: Path,
    log_path: Path,
    cpus: Sequence[int] | None,
    nice: int,
    watch_dir: Path | None = None,
) -> Callable[[int], Supervised]:
    """A function that starts `target`, wrapped in the probe, on a given port of this machine. Raises UsageError when
    the target asks for something that its server does not have."""
    options = resolved(target.server)
    server = asgi_server(options.server)
    settings = InsideSettings(
        target.app,
        target.folder,
        token,
        probe_dir.resolve(),
        target.factory,
        watch_dir and watch_dir.resolve(),
        target.remedies,
    )
    env = _environment(target, server, settings)

    def start(port: int) -> Supervised:
        order = LaunchOrder(
            interpreter=target.interpreter,
            app=_WRAPPED_APP,
            host=HOST,
            port=port,
            workers=target.workers,
            loop=options.loop,
            http=options.http,
            arguments=target.arguments,
        )
        command = server.command(order)
        return Supervised(command, cwd=target.folder, env=env, log_path=log_path, cpus=cpus, nice=nice)

    return start


def _environment(target: Target, server: AsgiServer, settings: InsideSettings) -> dict[str, str]:
    clean = {n: value for n, value in child_environment(_INSIDE).items() if not n.startswith(server.settings_prefix)}
    if target.interpreter != sys.executable:
        # The shell's PYTHONPATH is for our interpreter. Another one could find wrong packages there, or this harness.
        clean = {n: value for n, value in clean.items() if n not in _OF_OUR_PYTHON} | {"PYTHONPATH": str(_INSIDE)}
    own = {n: value for n, value in target.environment.items() if not n.startswith(server.settings_prefix)}
    env = {**clean, **server.settings, **own, **settings.variables()}
    given = target.environment.get("PYTHONPATH", "")
    return env | {"PYTHONPATH": os.pathsep.join(filter(None, [clean["PYTHONPATH"], given]))}

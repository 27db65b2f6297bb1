"""What is launched and measured: an app, where it is imported from, what runs it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from harness.inside.bench_inside.probe import HEALTH
from harness.inside.bench_inside.reason import source_of
from harness.interpreters.environments import python_of
from harness.results.records.strategy import ServerOptions
from harness.results.records.variant import Variant


class Target(Struct, frozen=True, kw_only=True):
    """`app` is what ASGI servers are told (`package.module:attribute`), imported from `folder`, which is also the
    current folder of its processes; with `factory` it is a function that makes the app. `name` is for messages.
    `environment` comes on top of ours. `health` is the path that says whether it is ready. `arguments` are for
    uvicorn's command line; another server gets none of them. `remedies` is what runs elsewhere than the app says, as
    `bench_inside.remedies.RemedyOrder` reads it."""

    name: str
    app: str
    folder: Path
    interpreter: str = sys.executable
    environment: Mapping[str, str] = {}
    server: ServerOptions = ServerOptions()
    workers: int = 1
    factory: bool = False
    arguments: tuple[str, ...] = ()
    health: str = HEALTH
    remedies: str = ""

    @property
    def source(self) -> str:
        """The file to look at, relative to `folder`."""
        return source_of(self.app, self.folder)


def target_of(variant: Variant, root: Path, environment: Mapping[str, str]) -> Target:
    """The target of a strategy file: its `app`, imported from `root`. `environment` is what services tell it, such as
    the upstream's address; the variant's parameters are added."""
    params = {f"BENCH_{name.upper()}": str(value) for name, value in variant.params.items()}
    return Target(
        name=variant.name,
        app=f"{variant.path.removesuffix('.py').replace('/', '.')}:app",
        folder=root.resolve(),
        interpreter=python_of(variant.interpreter) if variant.interpreter else sys.executable,
        environment={**environment, **params},
        server=variant.server,
        workers=variant.workers,
    )

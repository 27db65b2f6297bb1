"""`bench new`."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli import project


def new(name: Annotated[str, typer.Argument(help="name of the strategy: lower-case letters, digits, _")]) -> None:
    """Write a commented strategy into targets/; the next run measures it."""
    from harness.catalog.scaffold import new_strategy
    from harness.results.records.baseline import default_baseline

    path = new_strategy(project.root(), name)
    others = [strategy.name for strategy in project.catalog().strategies if strategy.name != name]
    selected = " ".join(f"-s {one}" for one in (name, default_baseline(others)) if one)
    print(f"{path}: edit it, then `bench verify {name}` and `bench run {selected}`")

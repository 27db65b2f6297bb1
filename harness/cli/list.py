"""`bench list`."""

from __future__ import annotations

import json
import sys

from harness.cli import project
from harness.cli.options import Json


def list_(as_json: Json = False) -> None:
    """List the strategies, workloads and profiles."""
    from harness.profiles.loader import load_profile, profile_names

    catalog = project.catalog()
    profiles = {name: load_profile(name).title for name in profile_names()}
    if as_json:
        import msgspec

        print(
            json.dumps(
                {
                    "strategies": msgspec.to_builtins(catalog.strategies),
                    "workloads": msgspec.to_builtins(catalog.workloads),
                    "profiles": profiles,
                    "broken": list(catalog.errors),
                },
                indent=1,
            )
        )
        return
    for title, rows in (
        ("strategies", [(s.name, s.title) for s in catalog.strategies]),
        ("workloads", [(w.name, w.title) for w in catalog.workloads]),
        ("profiles", list(profiles.items())),
    ):
        print(title)
        for name, text in rows:
            print(f"  {name:<22} {text}")
    for error in catalog.errors:
        print(error, file=sys.stderr)

"""`bench list`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from harness.cli import project
from harness.cli.options import Json

if TYPE_CHECKING:
    from harness.serving.asgi_server import AsgiServer


def list_(as_json: Json = False) -> None:
    """List the strategies, workloads and profiles, and which servers, loops, parsers, clients and Pythons there are."""
    from harness.catalog.dimensions import CLIENT
    from harness.cli.pythons import found_pythons
    from harness.profiles.loader import load_profile, profile_names
    from harness.serving.asgi_server import asgi_server, known_servers

    catalog = project.catalog()
    profiles = {name: load_profile(name).title for name in profile_names()}
    servers = {name: asgi_server(name) for name in known_servers()}
    clients = {s.name: s.choices[CLIENT] for s in catalog.strategies if CLIENT in s.choices}
    pythons = found_pythons()
    if as_json:
        import msgspec

        print(
            json.dumps(
                {
                    "strategies": msgspec.to_builtins(catalog.strategies),
                    "workloads": msgspec.to_builtins(catalog.workloads),
                    "profiles": profiles,
                    "servers": {name: _described(name, server) for name, server in servers.items()},
                    "clients": clients,
                    "pythons": pythons,
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
        ("--server", [(name, _in_words(name, server)) for name, server in servers.items()]),
        ("--client", [(name, ", ".join(values)) for name, values in clients.items()]),
        ("--python", [(name, path or "the one that runs this") for name, path in pythons.items()]),
    ):
        print(title)
        for name, text in rows:
            print(f"  {name:<22} {text}")
    for error in catalog.errors:
        print(error, file=sys.stderr)


def _described(name: str, server: AsgiServer) -> dict[str, object]:
    return {"loops": server.loops, "parsers": server.parsers, "missing": _missing(name, server)}


def _missing(name: str, server: AsgiServer) -> dict[str, str]:
    """What is not available here: the server, or one of its choices, and what `pip install` must be told."""
    from harness.serving.asgi_server import installed

    needed = {name: name, **server.packages}
    return {what: package for what, package in needed.items() if not installed(package)}


def _in_words(name: str, server: AsgiServer) -> str:
    said = f"--loop {', '.join(server.loops)}"
    said += f"; --http {', '.join(server.parsers)}" if server.parsers else ""
    for what, package in _missing(name, server).items():
        said += f"; {what} is not available here: pip install {package}"
    return said

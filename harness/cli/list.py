"""`bench list`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from harness.cli import project
from harness.cli.options import Json

if TYPE_CHECKING:
    from harness.catalog.catalog import Catalog
    from harness.results.records.profile import Profile
    from harness.serving.asgi_server import AsgiServer


def list_(as_json: Json = False) -> None:
    """List strategies, workloads, services, profiles; and which servers, loops, clients and Pythons there are."""
    from harness.catalog.dimensions import CLIENT
    from harness.cli.pythons import found_pythons
    from harness.profiles.loader import load_profile, profile_names
    from harness.services.service_files import broken_services
    from harness.serving.asgi_server import asgi_server, known_servers

    catalog = project.catalog()
    profiles = {name: load_profile(name) for name in profile_names()}
    contents = {name: _contents(profile, catalog) for name, profile in profiles.items()}
    servers = {name: asgi_server(name) for name in known_servers()}
    clients = {s.name: s.choices[CLIENT] for s in catalog.strategies if CLIENT in s.choices}
    pythons = found_pythons()
    services = _services(catalog)
    errors = [*catalog.errors, *broken_services().values()]
    if as_json:
        import msgspec

        print(
            json.dumps(
                {
                    "strategies": msgspec.to_builtins(catalog.strategies),
                    "workloads": msgspec.to_builtins(catalog.workloads),
                    "services": services,
                    "profiles": {name: profile.title for name, profile in profiles.items()},
                    "profile_contents": contents,
                    "servers": {name: _described(name, server) for name, server in servers.items()},
                    "clients": clients,
                    "pythons": pythons,
                    "broken": errors,
                },
                indent=1,
            )
        )
        return
    for title, rows in (
        ("strategies", [(s.name, s.title) for s in catalog.strategies]),
        ("workloads", [(w.name, w.title) for w in catalog.workloads]),
        ("services", [(name, "of " + (", ".join(users) or "no workload")) for name, users in services.items()]),
        ("profiles", [(name, profile.title) for name, profile in profiles.items()]),
        ("what is in a profile", [(name, _listed(found)) for name, found in contents.items()]),
        ("--server", [(name, _in_words(name, server)) for name, server in servers.items()]),
        ("--client", [(name, ", ".join(values)) for name, values in clients.items()]),
        ("--python", [(name, path or "the one that runs this") for name, path in pythons.items()]),
    ):
        print(title)
        for name, text in rows:
            print(f"  {name:<22} {text}")
    for error in errors:
        print(error, file=sys.stderr)


def _contents(profile: Profile, catalog: Catalog) -> dict[str, list[str]]:
    """What a run with it measures, unless workloads or strategies are named. A service's strategies are only measured
    with its workloads."""
    names = profile.workloads or [w.name for w in catalog.workloads if w.name not in profile.leave_out]
    workloads = [workload for workload in catalog.workloads if workload.name in names]
    started = {service for workload in workloads for service in workload.services}
    there = [strategy.name for strategy in catalog.strategies if started.issuperset(strategy.services)]
    return {
        "workloads": [workload.name for workload in workloads],
        "strategies": [name for name in there if name not in profile.leave_out],
    }


def _listed(contents: dict[str, list[str]]) -> str:
    return f"{', '.join(contents['workloads'])} with {', '.join(contents['strategies'])}"


def _services(catalog: Catalog) -> dict[str, list[str]]:
    """The workloads that need each; maybe none."""
    from harness.services.service_files import service_names

    return {name: [w.name for w in catalog.workloads if name in w.services] for name in service_names()}


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

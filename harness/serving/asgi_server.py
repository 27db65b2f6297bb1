"""What the harness must know about an ASGI server to run a target under it; finds the servers in `servers/`."""

from __future__ import annotations

import importlib.util
import re
import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import msgspec
from msgspec import Struct

from harness.results.records.errors import UsageError
from harness.results.records.strategy import ServerOptions
from harness.serving import servers

_FOLDER = Path(servers.__file__).parent


class LaunchOrder(Struct, frozen=True):
    """What a server is told on its command line. `http` is empty where the server has no choice of parsers. `arguments`
    are for uvicorn as they are."""

    interpreter: str
    app: str
    host: str
    port: int
    workers: int
    loop: str
    http: str
    arguments: tuple[str, ...] = ()


class AsgiServer(ABC):
    """`servers/<name>.py` has one class derived from this one. It must set the attributes that have no value here."""

    loops: ClassVar[tuple[str, ...]]  # event loops it can run on; the first is used where a strategy names none
    parsers: ClassVar[tuple[str, ...]] = ()  # HTTP parsers; the first as above; empty: it has no such choice
    packages: ClassVar[Mapping[str, str]] = {}  # what a loop or parser needs that the project does not install
    settings_prefix: ClassVar[str]  # its environment variables begin like this; the shell's are removed
    settings: ClassVar[Mapping[str, str]] = {}  # environment variables that it gets
    routine: ClassVar[re.Pattern[str]]  # matches the beginning of log lines that never explain a failure
    port_taken: ClassVar[re.Pattern[str]]  # found in the log line that says that the port is taken
    refused: ClassVar[re.Pattern[str]] = re.compile(r"(?!)")  # begins log lines that name an argument it refuses
    replaces_workers: ClassVar[bool] = False  # starts another one for the only one when that has ended
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM  # makes it stop after the requests in flight

    @abstractmethod
    def command(self, order: LaunchOrder) -> list[str]:
        """The command line. The command stays in the foreground, and each of its workers imports the app."""


def known_servers() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _FOLDER.glob("[a-z]*.py")))


def asgi_server(name: str) -> AsgiServer:
    """The server of `servers/<name>.py`; UsageError when there is no such file."""
    if name not in known_servers():
        files = ", ".join(f"{known}.py" for known in known_servers())
        raise UsageError(f"server {name!r}: there is no harness/serving/servers/{name}.py; there are {files}")
    module = importlib.import_module(f"{servers.__name__}.{name}")
    (kind,) = (kind for kind in AsgiServer.__subclasses__() if kind.__module__ == module.__name__)
    return kind()


def packages_of(options: ServerOptions) -> tuple[str, ...]:
    """The names under which `options` (with a loop and a parser) are imported, as far as the server is not installed
    with them."""
    of_choices = asgi_server(options.server).packages
    return (options.server, *(of_choices[choice] for choice in (options.loop, options.http) if choice in of_choices))


def not_installed(options: ServerOptions) -> tuple[str, ...]:
    """What `pip install` must be told, so that `options` can run on the harness's own interpreter."""
    return tuple(package for package in packages_of(options) if not installed(package))


def installed(package: str) -> bool:
    """Whether the harness's own interpreter could import it; nothing is imported."""
    return importlib.util.find_spec(package) is not None


def resolved(options: ServerOptions) -> ServerOptions:
    """`options` with a loop and an HTTP parser: the server's defaults where the strategy names none. Raises UsageError
    for a value that the server does not know."""
    server = asgi_server(options.server)
    loop = _choice(options.server, "loop", options.loop, server.loops)
    http = _choice(options.server, "http", options.http, server.parsers)
    return msgspec.structs.replace(options, loop=loop, http=http)


def under_server(options: ServerOptions, server: str) -> ServerOptions:
    """`options` under another server: with their loop and parser where that one knows them, else with its own."""
    other = asgi_server(server)
    return resolved(
        msgspec.structs.replace(
            options,
            server=server,
            loop=options.loop if options.loop in other.loops else "",
            http=options.http if options.http in other.parsers else "",
        )
    )


def _choice(server: str, key: str, value: str, known: tuple[str, ...]) -> str:
    if not value:
        return known[0] if known else ""
    if not known:
        raise UsageError(f"{key} {value!r}: {server} has no choice of {key}; leave it out")
    if value not in known:
        raise UsageError(f"{key} {value!r}: {server} knows {', '.join(known)}")
    return value

"""ASGI servers are files: found by name, asked for their command, and refused what they do not know."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import msgspec
import pytest

from harness.catalog.strategy_file import read_strategy
from harness.results.records.errors import UsageError
from harness.results.records.strategy import ServerOptions
from harness.serving import asgi_server as asgi_server_module
from harness.serving.asgi_server import (
    LaunchOrder,
    asgi_server,
    installed,
    known_servers,
    not_installed,
    resolved,
    under_server,
)

ORDER = LaunchOrder(
    interpreter="/their/python",
    app="bench_inside.served:app",
    host="127.0.0.1",
    port=8123,
    workers=3,
    loop="asyncio",
    http="h11",
)


def test_every_file_of_the_folder_is_a_server() -> None:
    folder = Path(asgi_server_module.__file__).parent / "servers"
    assert set(known_servers()) == {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {"uvicorn", "granian"} <= set(known_servers())


def test_every_server_of_the_project_is_there() -> None:
    assert set(known_servers()) == {"granian", "gunicorn", "hypercorn", "uvicorn"}


@pytest.mark.parametrize("name", known_servers())
def test_a_server_is_told_everything_that_matters(name: str) -> None:
    kind = asgi_server(name)
    command = kind.command(msgspec.structs.replace(ORDER, http=kind.parsers[0] if kind.parsers else ""))
    assert command[:3] == ["/their/python", "-m", name]
    assert "bench_inside.served:app" in command
    assert command[command.index("--workers") + 1] == "3"
    assert "asyncio" in command
    told = " ".join(command)
    assert "--host 127.0.0.1 --port 8123" in told or "--bind 127.0.0.1:8123" in told


def test_only_uvicorn_gets_what_somebody_says_for_it() -> None:
    order = msgspec.structs.replace(ORDER, arguments=("--limit-concurrency", "10"))
    assert asgi_server("uvicorn").command(order)[-2:] == ["--limit-concurrency", "10"]
    assert all("10" not in asgi_server(name).command(order) for name in known_servers() if name != "uvicorn")


@pytest.mark.parametrize("name", known_servers())
def test_each_loop_and_each_parser_is_another_command(name: str) -> None:
    kind = asgi_server(name)
    choices = list(product(kind.loops, kind.parsers or ("",)))
    commands = [kind.command(msgspec.structs.replace(ORDER, loop=loop, http=http)) for loop, http in choices]
    assert len({tuple(command) for command in commands}) == len(choices)


def test_what_is_not_installed_is_what_pip_must_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not_installed(resolved(ServerOptions())) == ()
    monkeypatch.setattr(asgi_server_module, "installed", lambda package: package not in {"granian", "rloop"})
    assert not_installed(resolved(ServerOptions(server="granian"))) == ("granian",)
    assert not_installed(resolved(ServerOptions(server="granian", loop="rloop"))) == ("granian", "rloop")
    assert not_installed(resolved(ServerOptions(loop="asyncio"))) == ()


def test_installed_is_what_could_be_imported() -> None:
    assert installed("uvicorn")
    assert not installed("no_such_server_as_this")


def test_under_another_server_what_both_know_stays() -> None:
    ours = resolved(ServerOptions(loop="asyncio", http="h11", workers="cores"))
    assert under_server(ours, "hypercorn") == ServerOptions("hypercorn", "cores", "asyncio", "h11")
    assert under_server(ours, "granian") == ServerOptions("granian", "cores", "asyncio", "")
    assert under_server(ours, "gunicorn") == ServerOptions("gunicorn", "cores", "asyncio", "python")
    assert under_server(ours, "uvicorn") == ours


def test_what_a_strategy_leaves_open_is_what_the_server_names_first() -> None:
    assert resolved(ServerOptions()) == ServerOptions(server="uvicorn", loop="uvloop", http="httptools")
    assert resolved(ServerOptions(server="granian")) == ServerOptions(server="granian", loop="uvloop", http="")
    asked = ServerOptions(server="uvicorn", loop="asyncio", http="h11", workers="cores")
    assert resolved(asked) == asked


@pytest.mark.parametrize(
    ("literal", "reason"),
    [
        ({"loop": "trio"}, "loop 'trio': uvicorn knows uvloop, asyncio"),
        ({"http": "fast"}, "http 'fast': uvicorn knows httptools, h11"),
        ({"server": "granian", "loop": "trio"}, "loop 'trio': granian knows uvloop, asyncio, rloop"),
        ({"server": "granian", "http": "h11"}, "http 'h11': granian has no choice of http; leave it out"),
        (
            {"server": "apache"},
            "server 'apache': there is no harness/serving/servers/apache.py; there are granian.py, gunicorn.py, "
            "hypercorn.py, uvicorn.py",
        ),
        ({"server": "__init__"}, "Expected `str` matching regex"),
        ({"server": "../x"}, "Expected `str` matching regex"),
    ],
)
def test_a_value_that_the_server_does_not_know_is_one_line_with_those_that_it_knows(
    tmp_path: Path, literal: dict[str, str], reason: str
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"SERVER = {literal!r}\n")
    with pytest.raises(UsageError, match=re.escape(reason)) as raised:
        read_strategy(path, "targets/mine.py")
    assert str(raised.value).startswith("targets/mine.py:1: SERVER = ")
    assert "\n" not in str(raised.value)


def test_a_strategy_file_says_its_server(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text('SERVER = {"server": "granian", "workers": 2, "loop": "asyncio"}\n')
    assert read_strategy(path, "targets/mine.py").server == ServerOptions(server="granian", workers=2, loop="asyncio")

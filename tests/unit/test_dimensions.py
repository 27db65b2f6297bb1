"""Servers, loops, parsers and clients: which combinations there are, what each is called, what is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.catalog.dimensions import Dimensions, varied, with_their_own
from harness.catalog.variants import OWN_PYTHON
from harness.results.records.errors import UsageError
from harness.results.records.strategy import ServerOptions, Strategy
from harness.results.records.variant import Runtime, slug
from harness.serving.asgi_server import asgi_server, known_servers

CLIENTS = ("httpx", "aiohttp")
FETCHES = Strategy("fetches", "", "", "", params={"client": "httpx"}, choices={"client": CLIENTS})
COMPUTES = Strategy("computes", "", "", "", ServerOptions(workers="cores"), params={"size": 2})
LOOPS = sorted({loop for name in known_servers() for loop in asgi_server(name).loops})
PARSERS = sorted({parser for name in known_servers() for parser in asgi_server(name).parsers})


def names(asked: Dimensions, strategies: Sequence[Strategy] = (FETCHES,)) -> list[str]:
    return [variant.name for variant in varied(strategies, 2, asked)]


def test_nothing_asked_for_is_what_the_files_say() -> None:
    assert names(Dimensions(), (FETCHES, COMPUTES)) == ["fetches", "computes"]
    assert Dimensions.read(None, None, None, None) == Dimensions()


def test_options_are_lists_with_commas_or_given_several_times() -> None:
    asked = Dimensions.read(["uvicorn, granian", "uvicorn"], ["asyncio"], ["h11,"], ["aiohttp,httpx"])
    assert asked == Dimensions(("uvicorn", "granian"), ("asyncio",), ("h11",), ("aiohttp", "httpx"))
    with pytest.raises(UsageError, match=r"^--loop ',': names none; `bench list` shows what there is$"):
        Dimensions.read(None, [","], None, None)


def test_each_combination_that_there_is() -> None:
    servers = ("uvicorn", "granian", "hypercorn", "gunicorn")
    assert names(Dimensions(servers, ("asyncio", "uvloop"), ("h11", "httptools"))) == [
        "fetches",
        "fetches @ asyncio+h11",
        "fetches @ asyncio",
        "fetches @ h11",
        "fetches @ granian+asyncio",
        "fetches @ granian",
        "fetches @ hypercorn+asyncio",
        "fetches @ hypercorn",
        "fetches @ gunicorn+asyncio",
        "fetches @ gunicorn",
    ]


def test_clients_vary_the_strategies_that_have_one() -> None:
    both = names(Dimensions(servers=("granian",), clients=("aiohttp", "httpx")), (FETCHES, COMPUTES))
    assert both == ["fetches[client=aiohttp] @ granian", "fetches @ granian", "computes @ granian"]


def test_each_combination_under_each_python_and_the_unchanged_one_first() -> None:
    runtimes = (Runtime("3.14t-0a1b2c3d", "3.14.2t"), OWN_PYTHON)
    made = varied((FETCHES, COMPUTES), 2, Dimensions(servers=("uvicorn", "granian")), runtimes)
    assert [variant.name for variant in made] == [
        "fetches",
        "fetches @ 3.14t",
        "fetches @ granian+3.14t",
        "fetches @ granian",
        "computes",
        "computes @ 3.14t",
        "computes @ granian+3.14t",
        "computes @ granian",
    ]
    assert slug("fetches @ granian+3.14t") == "fetches@granian+3.14t"
    assert [variant.python for variant in made[:2]] == ["", "3.14.2t"]
    assert Dimensions.read(None, None, None, None, ["3.12, 3.14t", "3.12"]).pythons == ("3.12", "3.14t")


def test_a_server_without_what_was_asked_for_runs_with_its_own_and_that_is_said() -> None:
    asked = Dimensions(("uvicorn", "granian", "gunicorn"), ("rloop", "asyncio"), ("h11",))
    assert names(asked) == [
        "fetches @ asyncio+h11",
        "fetches @ granian+rloop",
        "fetches @ granian+asyncio",
        "fetches @ gunicorn+asyncio",
    ]
    assert with_their_own((FETCHES,), asked) == (
        "--http h11: granian has no choice; it is measured with its own",
        "--http h11: gunicorn knows python, fast; it is measured with its own",
    )
    assert with_their_own((FETCHES,), Dimensions()) == ()


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (Dimensions(loops=("trio",)), "--loop trio: uvicorn knows uvloop, asyncio"),
        (Dimensions(("uvicorn", "granian"), parsers=("h11", "x")), "--http x: uvicorn knows httptools, h11; granian "),
        (Dimensions(("granian",), parsers=("h11",)), "--http h11: granian has no choice"),
        (Dimensions(("apache",)), "server 'apache': there is no harness/serving/servers/apache.py; there are "),
        (Dimensions(("../uvicorn",)), "server '../uvicorn': there is no "),
        (Dimensions(clients=("urllib",)), "client=urllib: fetches knows httpx, aiohttp"),
    ],
)
def test_what_nobody_knows_is_one_line(asked: Dimensions, line: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(line)}") as raised:
        varied((FETCHES,), 2, asked)
    assert "\n" not in str(raised.value)


def test_clients_that_no_strategy_has_are_one_line() -> None:
    with pytest.raises(UsageError, match=r"^--client aiohttp: computes: no parameter 'client'; `bench list` shows"):
        varied((COMPUTES,), 2, Dimensions(clients=("aiohttp",)))


@given(
    servers=st.lists(st.sampled_from(known_servers()), unique=True),
    loops=st.lists(st.sampled_from(LOOPS), unique=True),
    parsers=st.lists(st.sampled_from(PARSERS), unique=True),
    clients=st.lists(st.sampled_from(CLIENTS), unique=True),
)
def test_every_variant_can_run_and_has_a_name_and_a_folder_of_its_own(
    servers: list[str], loops: list[str], parsers: list[str], clients: list[str]
) -> None:
    asked = Dimensions(tuple(servers), tuple(loops), tuple(parsers), tuple(clients))
    try:
        made = varied((FETCHES, COMPUTES), 2, asked)
    except UsageError:
        chosen = [asgi_server(name) for name in servers or ["uvicorn"]]
        nobodys = [loop for loop in loops if not any(loop in server.loops for server in chosen)]
        nobodys += [parser for parser in parsers if not any(parser in server.parsers for server in chosen)]
        assert nobodys
        return
    assert len({variant.name for variant in made}) == len({slug(variant.name) for variant in made}) == len(made)
    assert {variant.strategy for variant in made} == {"fetches", "computes"}
    for variant in made:
        server = asgi_server(variant.server.server)
        assert variant.server.loop in server.loops
        assert variant.server.http in (server.parsers or ("",))
        assert re.fullmatch(r"[a-zA-Z0-9_.=@+-]+", slug(variant.name))

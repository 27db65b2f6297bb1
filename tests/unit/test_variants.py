"""Variants: one key for what is compared, whatever was varied about a strategy."""

from __future__ import annotations

import re

import msgspec
import pytest

from harness.catalog.variants import changed_param, check_names, swept, variant_of
from harness.results.records.errors import UsageError
from harness.results.records.slice_record import SliceSpec
from harness.results.records.strategy import ServerOptions, Strategy
from harness.results.records.variant import Runtime, Variant

POOL = Strategy(
    "pool",
    "A pool",
    "",
    "targets/pool.py",
    ServerOptions(workers="cores"),
    {"threads": 8, "mode": "fair", "processes": "cores", "share": 0.5},
    in_flight=8,
    in_flight_param="threads",
)


def test_as_the_file_says_it_has_the_strategys_name_and_numbers_for_cores() -> None:
    made = variant_of(POOL, cores=3)
    assert (made.name, made.strategy, made.workers, made.in_flight) == ("pool", "pool", 3, 8)
    assert made.params == {"threads": 8, "mode": "fair", "processes": 3, "share": 0.5}


def test_what_was_changed_is_its_name() -> None:
    changed = variant_of(
        POOL,
        3,
        params={"threads": 4},
        server=ServerOptions(workers=2, loop="asyncio"),
        runtime=Runtime("3.14t-0a1b2c3d", "3.14.2t"),
    )
    assert changed.name == "pool[threads=4,workers=2] @ asyncio+3.14t"
    assert (changed.interpreter, changed.python) == ("3.14t-0a1b2c3d", "3.14.2t")
    assert (changed.workers, changed.in_flight, changed.params["threads"]) == (2, 4, 4)


def test_swept_values_have_the_parameters_type_and_each_its_own_folder() -> None:
    made = swept(POOL, "threads=4, 8,4", cores=2)
    assert [variant.name for variant in made] == ["pool[threads=4]", "pool[threads=8]"]
    assert [variant.in_flight for variant in made] == [4, 8]
    assert SliceSpec(1, 0, "io", made[0].name).id == "001-io-pool-threads=4"
    assert swept(POOL, "processes=1,2", cores=2)[0].params["processes"] == 1
    assert [v.name for v in swept(POOL, "threads=4,04,8", cores=2)] == ["pool[threads=4]", "pool[threads=8]"]


def test_workers_of_the_server_may_be_swept() -> None:
    made = swept(POOL, "workers=1,cores,4,1", cores=3)
    assert [(variant.name, variant.workers) for variant in made] == [
        ("pool[workers=1]", 1),
        ("pool[workers=3]", 3),
        ("pool[workers=4]", 4),
    ]


def test_a_size_may_be_given_in_cores() -> None:
    made = swept(POOL, "workers=1,0.5xcores,cores,1.5xcores,2xcores", cores=2)
    assert [variant.workers for variant in made] == [1, 2, 3, 4]
    made = swept(POOL, "processes=1,0.5xcores,cores,2xcores", cores=1)
    assert [variant.params["processes"] for variant in made] == [1, 2]
    assert [variant.params["threads"] for variant in swept(POOL, "threads=cores,2xcores", cores=3)] == [3, 6]
    assert swept(POOL, "mode=2xcores", cores=3)[0].params["mode"] == "2xcores"


def test_cores_may_be_swept_where_the_file_says_cores() -> None:
    one, all_of_them = swept(POOL, "processes=1,cores", cores=3)
    assert (one.params["processes"], all_of_them.params["processes"]) == (1, 3)
    assert all_of_them.name == "pool[processes=cores]"


@pytest.mark.parametrize(
    ("param", "complaint"),
    [
        ("size=1", r"size=1: pool has no parameter 'size'; it has: threads, mode, processes, share, workers"),
        ("workers=0", r"workers=0: pool takes 1 to 256 workers, or cores, or 2xcores; write workers=2"),
        ("workers=many", r"workers=many: pool takes 1 to 256 workers"),
        ("threads=", r"threads=: no values; write threads=4,8,16"),
        ("threads=4,many", r"threads=many: pool takes a whole number; write threads=8"),
        ("processes=all", r"processes=all: pool takes a whole number; write processes=4"),
        ("threads=0", r"threads=0: no call could be in flight \(IN_FLIGHT is 'threads'\); write 1 or more"),
        ("share=nan", r"share=nan: pool takes a number; write share=0.5"),
        ("share=1e999", r"share=1e999: pool takes a number"),
        ("mode=a b", r"variant pool\[mode=a b\]: its name is too long or has spaces in it; choose other values"),
        ("mode=a/b,a b", r"has spaces in it"),
        ("mode=a/b,a:b", r"variant pool\[mode=a:b\]: would share a folder with pool\[mode=a/b\]; choose other values"),
        (f"mode={'a' * 200}", r"its name is too long"),
    ],
)
def test_what_cannot_be_swept_is_one_line(param: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        swept(POOL, param, cores=2)


def test_a_sweep_of_a_variant_keeps_what_else_was_changed_of_it() -> None:
    runtime = Runtime("3.13-0a1b2c3d", "3.13.1")
    of = variant_of(POOL, 2, params={"mode": "greedy"}, server=ServerOptions("granian", "cores"), runtime=runtime)
    made = swept(POOL, "threads=4,8", 2, of)
    assert [variant.name for variant in made] == [
        "pool[mode=greedy,threads=4] @ granian+3.13",
        "pool[mode=greedy,threads=8] @ granian+3.13",
    ]
    assert {(variant.server.server, variant.python, variant.params["mode"]) for variant in made} == {
        ("granian", "3.13.1", "greedy")
    }
    one, two = swept(POOL, "workers=1,2", 2, of)
    assert one.name == "pool[mode=greedy,workers=1] @ granian+3.13"
    assert (two.name, two.workers) == ("pool[mode=greedy,workers=2] @ granian+3.13", 2)
    with pytest.raises(UsageError, match=r"^mode=fair,greedy: mode is greedy already, by --mode; leave that out$"):
        swept(POOL, "mode=fair,greedy", 2, of)


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match=re.escape("variant pool: would share a folder with pool")):
        check_names([variant_of(POOL, 1), variant_of(POOL, 2)])


@pytest.mark.parametrize(
    ("server", "name", "folder"),
    [
        (ServerOptions(workers="cores"), "pool", "pool"),
        (ServerOptions("granian", "cores"), "pool @ granian", "pool@granian"),
        (ServerOptions("granian", "cores", "asyncio"), "pool @ granian+asyncio", "pool@granian+asyncio"),
        (ServerOptions("uvicorn", "cores", "asyncio", "h11"), "pool @ asyncio+h11", "pool@asyncio+h11"),
        (ServerOptions("hypercorn", "cores", http="h11"), "pool @ hypercorn", "pool@hypercorn"),
        (ServerOptions("gunicorn", 3, http="fast"), "pool[workers=3] @ gunicorn+fast", "pool-workers=3@gunicorn+fast"),
    ],
)
def test_what_serves_it_is_named_where_it_is_not_the_usual(server: ServerOptions, name: str, folder: str) -> None:
    made = variant_of(POOL, 2, server=server)
    assert made.name == name
    assert SliceSpec(1, 0, "io", made.name).id == f"001-io-{folder}"
    assert msgspec.json.decode(msgspec.json.encode(made), type=Variant) == made


CHOOSY = msgspec.structs.replace(POOL, choices={"mode": ("fair", "greedy")})


def test_where_a_file_lists_the_values_of_a_parameter_there_are_no_others() -> None:
    assert [made.params["mode"] for made in swept(CHOOSY, "mode=greedy,fair", cores=2)] == ["greedy", "fair"]
    with pytest.raises(UsageError, match=r"^mode=other: pool knows fair, greedy$"):
        swept(CHOOSY, "mode=fair,other", cores=2)


def test_a_value_as_in_the_file_changes_nothing() -> None:
    assert changed_param(CHOOSY, "mode", "fair") == {}
    assert changed_param(CHOOSY, "mode", "greedy") == {"mode": "greedy"}


def test_it_survives_the_disk() -> None:
    made = variant_of(POOL, 3, params={"threads": 4})
    assert msgspec.json.decode(msgspec.json.encode(made), type=Variant) == made

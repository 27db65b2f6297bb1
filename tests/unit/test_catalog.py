"""The catalog finds files by reading them, never by running them, and one bad file never hides another."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.catalog.catalog import Catalog, project_root
from harness.catalog.literals import MAX_FILE_BYTES
from harness.catalog.requirement import unmet
from harness.catalog.variants import variant_of
from harness.results.records.errors import UsageError
from harness.results.records.strategy import ServerOptions, Strategy
from harness.results.records.workload import Request, Workload

ROOT = Path(__file__).parents[2]
WORKLOAD = 'REQUESTS = [["/io?key=1", {"key": 1}]]\n'

on_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "targets").mkdir()
    (tmp_path / "scenarios").mkdir()
    return tmp_path


def strategy(root: Path, text: str, name: str = "mine") -> Strategy:
    (root / "targets" / f"{name}.py").write_text(text, encoding="utf-8")
    catalog = Catalog.read(root)
    assert not catalog.errors
    return catalog.strategies[0]


def strategy_error(root: Path, content: str | bytes, name: str = "mine") -> str:
    path = root / "targets" / f"{name}.py"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    catalog = Catalog.read(root)
    assert not catalog.strategies
    (error,) = catalog.errors
    return error


def workload(root: Path, text: str) -> Workload:
    (root / "scenarios" / "mine.py").write_text(text, encoding="utf-8")
    catalog = Catalog.read(root)
    assert not catalog.errors
    return catalog.workloads[0]


def workload_error(root: Path, text: str) -> str:
    (root / "scenarios" / "mine.py").write_text(text, encoding="utf-8")
    (error,) = Catalog.read(root).errors
    return error


# ------------------------------------------------------------------------------------------------ what is there


def test_the_projects_own_files_are_all_readable() -> None:
    catalog = Catalog.read(ROOT)
    assert not catalog.errors
    assert {
        "async_process_pool",
        "async_thread_pool",
        "fake_async",
        "free_threaded",
        "interpreter_pool",
        "multi_worker",
        "pool_result_blocking",
        "pure_async",
        "pure_async_aiohttp",
        "sync_def",
        "two_stage",
    } <= {strategy.name for strategy in catalog.strategies}
    assert {"cpu", "fanout", "io", "mixed"} <= {workload.name for workload in catalog.workloads}


def test_the_projects_own_strategies_say_how_many_calls_they_can_have_waiting() -> None:
    made = [variant_of(strategy, cores=6) for strategy in Catalog.read(ROOT).strategies]
    in_flight = {variant.name: variant.in_flight for variant in made}
    assert in_flight == in_flight | {
        "async_process_pool": 6,
        "async_thread_pool": 40,
        "fake_async": 1,
        "free_threaded": 40,
        "interpreter_pool": 6,
        "multi_worker": 40,
        "pool_result_blocking": 1,
        "pure_async": 1024,
        "pure_async_aiohttp": None,
        "sync_def": 40,
        "two_stage": None,
    }


def test_the_projects_own_strategies_say_how_many_connections_they_have() -> None:
    made = {strategy.name: variant_of(strategy, cores=6) for strategy in Catalog.read(ROOT).strategies}
    with_routes = {name for name, variant in made.items() if variant.connections is not None}
    assert with_routes == {
        "asyncpg_pool",
        "fake_async",
        "psycopg_async",
        "session_across_await",
        "session_dependency",
        "sqlalchemy_async",
        "sqlalchemy_sync",
        "sync_def",
    }
    assert {made[name].all_connections for name in with_routes} == {15}


def test_without_names_what_needs_a_service_that_nobody_starts_is_left_out() -> None:
    catalog = Catalog.read(ROOT)
    without_database = catalog.select_workloads(["io", "cpu"])
    usual = {strategy.name for strategy in catalog.applicable_strategies([], without_database)}
    assert "sync_def" in usual and "asyncpg_pool" not in usual
    with_database = catalog.select_workloads(["io", "db"])
    assert "asyncpg_pool" in {strategy.name for strategy in catalog.applicable_strategies([], with_database)}
    (asked_for,) = catalog.applicable_strategies(["asyncpg_pool"], without_database)
    assert asked_for.services == ("postgres",)


def test_every_strategy_and_workload_of_the_project_explains_itself() -> None:
    catalog = Catalog.read(ROOT)
    for entry in (*catalog.strategies, *catalog.workloads):
        assert entry.title and entry.title != entry.name, entry.path
        assert entry.description, entry.path


def test_a_strategy_file_is_read(root: Path) -> None:
    text = '''"""The title

When to use it.
Its trap.
"""
from fastapi import FastAPI
SERVER: dict[str, object] = {"workers": "cores", "loop": "asyncio"}
PARAMS = {"threads": 8, "factor": 1.5, "mode": "fair", "processes": "cores"}
IN_FLIGHT = "threads"
REQUIRES = ">=3.11, <4"
app = FastAPI()
@app.get("/io")
async def io() -> None: ...
@app.get(path="/cpu")
def cpu() -> None: ...
def fetch(client): client.get("/not_a_route")
app.add_api_route("/mixed", cpu)
'''
    assert msgspec.structs.replace(strategy(root, text), digest="") == Strategy(
        name="mine",
        title="The title",
        description="When to use it.\nIts trap.",
        path="targets/mine.py",
        server=ServerOptions(workers="cores", loop="asyncio", http="httptools"),
        params={"threads": 8, "factor": 1.5, "mode": "fair", "processes": "cores"},
        in_flight=8,
        in_flight_param="threads",
        requires=">=3.11, <4",
        routes=("/cpu", "/io", "/mixed"),
    )


def test_a_file_without_any_literal_is_a_strategy_with_the_defaults(root: Path) -> None:
    found = msgspec.structs.replace(strategy(root, ""), digest="")
    server = ServerOptions(server="uvicorn", loop="uvloop", http="httptools")
    assert found == Strategy(name="mine", title="mine", description="", path="targets/mine.py", server=server)


def test_the_digest_is_of_the_file_and_of_what_it_shares(root: Path) -> None:
    first, again, changed = strategy(root, "# a"), strategy(root, "# a"), strategy(root, "# b")
    assert first.digest == again.digest != changed.digest
    (root / "targets" / "_work.py").write_text("# other work", encoding="utf-8")
    assert strategy(root, "# b").digest != changed.digest


@pytest.mark.parametrize(
    ("text", "services"),
    [
        ("", ()),
        ("CALLS = 2\n", ("upstream",)),
        ("CALLS = 2\nSERVICES = []\n", ()),
        ("SERVICES = ['upstream']\n", ("upstream",)),
    ],
)
def test_a_workload_needs_what_it_names_or_the_upstream_that_it_calls(
    root: Path, text: str, services: tuple[str, ...]
) -> None:
    assert workload(root, text + WORKLOAD).services == services


def test_a_workload_file_is_read(root: Path) -> None:
    found = workload(root, '"""Title"""\nWAIT_MS = 2.5\nCALLS = 2\n' + WORKLOAD)
    assert (found.name, found.title, found.wait_ms, found.calls) == ("mine", "Title", 2.5, 2)
    assert [(request.path, request.answer) for request in found.requests] == [("/io?key=1", {"key": 1})]


def test_waits_may_be_drawn_and_a_large_answer_be_a_digest(root: Path) -> None:
    digest = "0123456789abcdef" * 4
    found = workload(root, f"WAIT_MS = 9\nWAIT_SIGMA = 0.5\nCALLS = 1\nREQUESTS = [['/tail', None, '{digest}']]\n")
    assert found.wait_sigma == 0.5
    assert found.requests[0].sha256 == digest


def test_a_request_may_be_described(root: Path) -> None:
    found = workload(
        root,
        "REQUESTS = [\n"
        "    {'method': 'POST', 'path': '/orders', 'json': {'item': 'é'}, 'headers': {'X': 'a'}, 'answer': {'n': 1}},\n"
        "    {'method': 'POST', 'path': '/orders', 'json': {'item': 2}, 'answer': {'n': 2}},\n"
        "    {'method': 'PUT', 'path': '/orders', 'form': {'a': [1, 'b c']}, 'status': 303},\n"
        "    {'method': 'DELETE', 'path': '/orders', 'body': 'all', 'status': 204},\n"
        "    ['/orders', [1, 2]],\n"
        "    {'path': '/null', 'answer': None},\n"
        "]\n",
    )
    assert found.requests == (
        Request(
            "/orders",
            {"n": 1},
            method="POST",
            headers={"Content-Type": "application/json", "X": "a"},
            body='{"item":"é"}',
        ),
        Request("/orders", {"n": 2}, method="POST", headers={"Content-Type": "application/json"}, body='{"item":2}'),
        Request(
            "/orders",
            None,
            method="PUT",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body="a=1&a=b+c",
            status=303,
        ),
        Request("/orders", None, method="DELETE", body="all", status=204),
        Request("/orders", [1, 2]),
        Request("/null", None),
    )
    assert [request.name for request in found.requests[2:5]] == ["PUT /orders", "DELETE /orders", "/orders"]


@pytest.mark.parametrize(
    ("request_text", "fragments"),
    [
        ("{'answer': 1}", ["entry 0: Object missing required field `path`"]),
        ("{'path': '/a', 'answer': 1, 'jsn': 1}", ["entry 0: Object contains unknown field `jsn`"]),
        ("{'path': '/a', 'answer': 1, 'headers': {'X': 1}}", ["entry 0: Expected `str`, got `int`", "$.headers"]),
        ("{'path': '/a', 'answer': 1, 'headers': {'X': 'a\\r\\nY: b'}}", ["header 'X': its value is not one line"]),
        ("{'path': '/a', 'answer': 1, 'method': 'GE T'}", ["method 'GE T' is not a token"]),
        ("{'path': '/a', 'answer': 1, 'method': 'post'}", ["method 'post' is written POST"]),
        ("{'path': '/a', 'answer': 1, 'json': 1, 'form': {}}", ["has json and form; a request has one body"]),
        ("{'path': '/a', 'answer': 1, 'json': {1: 2}}", ["JSON cannot hold it"]),
        ("{'path': '/a', 'answer': 1, 'body': b'a'}", ["JSON cannot hold it"]),
        ("{'path': '/a', 'answer': 1, 'form': {'a': True}}", ["entry 0: Expected `", "bool"]),
        ("{'path': '/a'}", ["'/a': nothing says what is right; name an answer or a status"]),
        ("{'path': '/a', 'answer': 1, 'status': 200}", ["'/a' has an answer and a status"]),
        ("{'path': '/a', 'status': 99}", ["status 99 is none of 200 to 599"]),
        ("{'path': '/a', 'status': True}", ["entry 0: Expected `int | null`, got `bool`"]),
        ("{'path': '/a', 'answer': 1, 'method': 'HEAD'}", ["what answers HEAD has no body; name a status"]),
        ("{'path': '/a', 'answer': 1}, {'path': '/a', 'status': 200}", ["'/a' has two answers"]),
        (
            "{'path': '/a', 'json': 1, 'answer': 1}, {'path': '/a', 'body': '1', 'answer': 2, 'headers': "
            "{'content-type': 'application/json'}}",
            ["'/a' has two answers"],
        ),
        ("['/a', 1, '', 'POST']", ["mine.py:1", "length 3"]),
    ],
)
def test_a_bad_description_says_what_and_where(root: Path, request_text: str, fragments: list[str]) -> None:
    error = workload_error(root, f"REQUESTS = [{request_text}]\n")
    assert error.startswith("scenarios/mine.py:1: REQUESTS = ") and "; write it like REQUESTS = " in error
    assert "\n" not in error
    for fragment in fragments:
        assert fragment in error


def test_the_example_of_the_documentation_is_read(root: Path) -> None:
    (example,) = re.findall(r"```python\n(REQUESTS = .*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    assert [request.name for request in workload(root, example).requests] == [
        "POST /orders",
        "PUT /orders/1",
        "DELETE /orders/2",
    ]


def test_files_that_begin_with_an_underscore_or_a_dot_are_no_entries(root: Path) -> None:
    for name in ("_work.py", "__init__.py", ".#mine.py", "notes.txt"):
        (root / "targets" / name).write_text("not python (", encoding="utf-8")
    assert Catalog.read(root) == Catalog(root, (), ())


def test_entries_are_sorted_by_name(root: Path) -> None:
    for name in ("zeta", "alpha", "mid"):
        (root / "targets" / f"{name}.py").touch()
    assert [entry.name for entry in Catalog.read(root).strategies] == ["alpha", "mid", "zeta"]


# -------------------------------------------------------------------------------------------------- bad content


@pytest.mark.parametrize(
    ("text", "line", "fragments"),
    [
        ("x = 1\ndef broken(:\n", 2, ["is not Python"]),
        ("SERVER = make()\n", 1, ["SERVER = make()", "not a literal"]),
        ("\n\nSERVER = {'worker': 2}\n", 3, ["{'worker': 2}", "`worker`", 'SERVER = {"workers": "cores"']),
        ("SERVER = {'workers': 0}\n", 1, ["{'workers': 0}", ">= 1", "$.workers"]),
        ("SERVER = {'workers': True}\n", 1, ["bool"]),
        ("SERVER = {'loop': 'trio'}\n", 1, ["'trio'", "loop", "uvloop, asyncio"]),
        ("SERVER = 3\n", 1, ["SERVER = 3", "object"]),
        ("SERVER = {'workers': 2}\nSERVER['workers'] = 3\n", 2, ["SERVER", "line 1", "assign it once"]),
        ("SERVER = {}\nSERVER |= {'workers': 3}\n", 2, ["SERVER", "line 1"]),
        ("SERVER, PARAMS = {}, {}\n", 1, ["not a literal"]),
        ("SERVER: dict\n", 1, ["not a literal"]),
        ("PARAMS = {'threads': 8, **{}}\n", 1, ["PARAMS", "not a literal"]),
        ("PARAMS = {[]: 1}\n", 1, ["PARAMS", "not a literal"]),
        ("PARAMS = {'Threads': 8}\n", 1, ["PARAMS", "Threads"]),
        ("PARAMS = {'threads': [8]}\n", 1, ["PARAMS", "array"]),
        ("PARAMS = {'threads': True}\n", 1, ["PARAMS", "bool"]),
        ("PARAMS = {'threads': 1e999}\n", 1, ["PARAMS", "inf"]),
        ("PARAMS = {'mode': 'a\\0b'}\n", 1, ["PARAMS", "mode"]),
        ("PARAMS = {'token': 'x'}\n", 1, ["PARAMS", "BENCH_TOKEN", "taken"]),
        ("IN_FLIGHT = 0\n", 1, ["IN_FLIGHT = 0", ">= 1"]),
        ("IN_FLIGHT = True\n", 1, ["IN_FLIGHT = True", "bool"]),
        ("PARAMS = {'threads': 8}\nIN_FLIGHT = 'thread'\n", 2, ["IN_FLIGHT = 'thread'", "did you mean 'threads'?"]),
        ("PARAMS = {'mode': 'a'}\nIN_FLIGHT = 'mode'\n", 2, ["IN_FLIGHT = 'mode'", "'a'"]),
        ("REQUIRES = 'three'\n", 1, ["REQUIRES = 'three'", 'REQUIRES = ">=3.14"']),
        ("REQUIRES = 3.14\n", 1, ["REQUIRES = 3.14", "str"]),
    ],
)
def test_a_bad_literal_is_one_line_with_place_value_and_way_out(
    root: Path, text: str, line: int, fragments: list[str]
) -> None:
    error = strategy_error(root, text)
    assert error.startswith(f"targets/mine.py:{line}: ")
    assert "\n" not in error
    for fragment in fragments:
        assert fragment in error


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        ("", ["mine.py: has no REQUESTS", "REQUESTS = [["]),
        ("REQUESTS = []\n", ["has no REQUESTS"]),
        ("REQUESTS = ['/io']\n", ["mine.py:1", "array", "$[0]"]),
        ("REQUESTS = [['io', 1]]\n", ["mine.py:1", "'io'"]),
        ("REQUESTS = [['/io HTTP/1.1\\r\\nX: y', 1]]\n", ["mine.py:1", "visible ASCII"]),
        ("REQUESTS = [['/io', {1, 2}]]\n", ["mine.py:1", "JSON cannot hold it"]),
        ("REQUESTS = [['/io', 1e999]]\n", ["mine.py:1", "JSON cannot hold it"]),
        ("REQUESTS = [['/io', 1], ['/io', 2]]\n", ["mine.py:1", "two answers"]),
        ("REQUESTS = [['/io', 1], ['/io', True]]\n", ["mine.py:1", "two answers"]),
        ("REQUESTS = [[f'/io?{key}', 1] for key in range(8)]\n", ["mine.py:1", "not a literal"]),
        ("SERVICES = 'upstream'\n" + WORKLOAD, ["mine.py:1: SERVICES = 'upstream'", "array"]),
        (
            "SERVICES = ['upstrem']\n" + WORKLOAD,
            ["mine.py:1: SERVICES = ['upstrem']", "services/ has postgres.py, upstream.py"],
        ),
        ("SERVICES = ['upstream', 'upstream']\n" + WORKLOAD, ["mine.py:1", "'upstream' is named twice"]),
        ("WAIT_MS = -1\n" + WORKLOAD, ["mine.py:1: WAIT_MS = -1", ">= 0"]),
        ("WAIT_MS = 1e999\n" + WORKLOAD, ["mine.py:1: WAIT_MS = inf"]),
        ("WAIT_MS = 100\n" + WORKLOAD, ["mine.py:1: WAIT_MS = 100", "CALLS"]),
        ("CALLS = 1.5\n" + WORKLOAD, ["mine.py:1: CALLS = 1.5", "int"]),
        ("QUERIES = -1\n" + WORKLOAD, ["mine.py:1: QUERIES = -1", ">= 0"]),
        ("QUERIES = 1\nCALLS = 1\n" + WORKLOAD, ["mine.py:1: QUERIES = 1", "CALLS is given, too"]),
        ("WAIT_SIGMA = 0.5\nWAIT_MS = 9\nQUERIES = 1\n" + WORKLOAD, ["mine.py:1: WAIT_SIGMA = 0.5", "needs CALLS"]),
        ("WAIT_SIGMA = 4\nWAIT_MS = 9\nCALLS = 1\n" + WORKLOAD, ["mine.py:1: WAIT_SIGMA = 4", "<= 3"]),
        ("WAIT_SIGMA = 0.5\n" + WORKLOAD, ["mine.py:1: WAIT_SIGMA = 0.5", "needs CALLS", "WAIT_MS"]),
        ("REQUESTS = [['/io', None, 'abc']]\n", ["mine.py:1", "$[0][2]"]),
        (f"REQUESTS = [['/io', 1, '{64 * 'a'}']]\n", ["mine.py:1", "'/io' has an answer and a SHA-256", "None"]),
    ],
)
def test_a_bad_workload_says_what_and_where(root: Path, text: str, fragments: list[str]) -> None:
    error = workload_error(root, text)
    assert error.startswith("scenarios/mine.py")
    for fragment in fragments:
        assert fragment in error


@pytest.mark.parametrize(
    "name", ["My_Variant", "2fast", "with-dash", "with space", "a.b", "x" * 65, "ä", "a\nb", "a\x1b[2J"]
)
def test_a_bad_file_name_is_named_and_hides_nothing(root: Path, name: str) -> None:
    (root / "targets" / "good.py").touch()
    (root / "targets" / f"{name}.py").touch()
    catalog = Catalog.read(root)
    assert [entry.name for entry in catalog.strategies] == ["good"]
    (error,) = catalog.errors
    assert error.startswith("targets/") and error.isprintable() and "a-z" in error


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x = 1\0", b"# coding: no-such\n", b"'" * 3, b"\xef\xbb\xbf("])
def test_what_is_not_text_is_not_python(root: Path, content: bytes) -> None:
    assert strategy_error(root, content).startswith("targets/mine.py")


@pytest.mark.parametrize(
    "text", ["(" * 10_000, "-" * 50_000 + "1", "SERVER = " + "[" * 150 + "]" * 150, "x = " + "1+" * 20_000 + "1"]
)
def test_deep_nesting_ends_in_an_error_or_a_strategy_not_in_a_crash(root: Path, text: str) -> None:
    (root / "targets" / "mine.py").write_text(text, encoding="utf-8")
    catalog = Catalog.read(root)
    assert len(catalog.strategies) + len(catalog.errors) == 1


def test_a_huge_file_is_refused_unread(root: Path) -> None:
    assert "larger than" in strategy_error(root, b"#" * (MAX_FILE_BYTES + 1))


def test_what_is_no_regular_file_is_refused_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "targets" / "pipe.py")
    (root / "targets" / "folder.py").mkdir()
    (root / "targets" / "dangling.py").symlink_to(root / "nowhere")
    errors = Catalog.read(root).errors
    assert len(errors) == 3
    assert all("is not a file" in error for error in errors)


def test_reading_never_runs_anything(root: Path) -> None:
    trace = root / "trace"
    touch = f"__import__('pathlib').Path({str(trace)!r}).touch()"
    for name, text in {
        "plain": touch,
        "in_literal": f"SERVER = {touch}",
        "in_default": f"PARAMS = {{'a': {touch}}}",
        "in_decorator": f"@app.get({touch})\ndef f(): ...",
        "in_format": f"REQUIRES = f'{{{touch}}}'",
    }.items():
        (root / "targets" / f"{name}.py").write_text(text, encoding="utf-8")
        (root / "scenarios" / f"{name}.py").write_text(text.replace("SERVER", "REQUESTS"), encoding="utf-8")
    Catalog.read(root)
    assert not trace.exists()


def test_a_file_with_a_strange_escape_warns_nobody(root: Path) -> None:
    assert strategy(root, '"""Title \\d"""\n').title == "Title \\d"  # pytest turns warnings into errors


def test_control_characters_in_a_title_do_not_reach_the_terminal(root: Path) -> None:
    found = strategy(root, '"""A\\x1b[2Jb\\ud800\n\nc\\x07"""\n')
    assert found.title.isprintable() and found.description.isprintable()
    assert msgspec.json.decode(msgspec.json.encode(found), type=Strategy) == found


# ----------------------------------------------------------------------------------------------------- the laws

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
literal_values = json_values | st.recursive(
    st.binary(max_size=4) | st.complex_numbers(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30),
    lambda inner: st.tuples(inner, inner) | st.lists(inner, max_size=2),
    max_leaves=4,
)


def test_an_error_in_server_is_one_line_said_once_whatever_it_quotes(root: Path) -> None:
    (root / "targets" / "mine.py").write_text("SERVER = {'\\n': None}\n")
    (error,) = Catalog.read(root).errors
    assert "\n" not in error
    assert error.count("targets/mine.py:1") == error.count("write it like") == 1


@on_one_folder
@given(value=literal_values, key=st.sampled_from(["SERVER", "PARAMS", "IN_FLIGHT", "REQUIRES"]))
def test_any_literal_makes_a_storable_strategy_or_one_clear_line(root: Path, key: str, value: object) -> None:
    source = f"{key} = {value!r}\n"
    (root / "targets" / "mine.py").write_text(source, encoding="utf-8", errors="surrogatepass")
    catalog = Catalog.read(root)
    for found in catalog.strategies:
        assert msgspec.json.decode(msgspec.json.encode(found), type=Strategy) == found
    for error in catalog.errors:
        assert error.startswith("targets/mine.py") and "\n" not in error
    assert len(catalog.strategies) + len(catalog.errors) == 1


@on_one_folder
@given(value=literal_values, key=st.sampled_from(["REQUESTS", "WAIT_MS", "WAIT_SIGMA", "CALLS"]))
def test_any_literal_makes_a_storable_workload_or_one_clear_line(root: Path, key: str, value: object) -> None:
    source = f"{key} = {value!r}\n" + (WORKLOAD if key != "REQUESTS" else "")
    (root / "scenarios" / "mine.py").write_text(source, encoding="utf-8", errors="surrogatepass")
    catalog = Catalog.read(root)
    for found in catalog.workloads:
        assert msgspec.json.decode(msgspec.json.encode(found), type=Workload) == found
    for error in catalog.errors:
        assert error.startswith("scenarios/mine.py") and "\n" not in error
    assert len(catalog.workloads) + len(catalog.errors) == 1


@on_one_folder
@given(answer=json_values.filter(lambda value: json.loads(json.dumps(value)) == value))
def test_a_json_answer_is_read_as_it_was_written(root: Path, answer: object) -> None:
    in_range = re.search(r"\d{19}|inf|Infinity", repr(answer)) is None
    encodable = "\\ud" not in repr(answer)
    if in_range and encodable:
        assert workload(root, f"REQUESTS = [['/io', {answer!r}]]\n").requests[0].answer == answer


@on_one_folder
@given(
    params=st.dictionaries(
        st.from_regex(r"p_[a-z0-9_]{0,12}", fullmatch=True),
        st.integers(-(2**62), 2**62)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.from_regex(r"[a-z]{0,4}", fullmatch=True),
        max_size=4,
    )
)
def test_params_are_read_as_they_were_written(root: Path, params: dict[str, int | float | str]) -> None:
    assert strategy(root, f"PARAMS = {params!r}\n").params == params


@on_one_folder
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_content_is_a_strategy_or_one_clear_line(root: Path, content: bytes) -> None:
    (root / "targets" / "mine.py").write_bytes(content)
    catalog = Catalog.read(root)
    assert len(catalog.strategies) + len(catalog.errors) == 1
    assert all(error.startswith("targets/mine.py") and "\n" not in error for error in catalog.errors)


# ---------------------------------------------------------------------------------------------------- selecting


@pytest.fixture
def three(root: Path) -> Catalog:
    for name in ("alpha", "beta"):
        (root / "targets" / f"{name}.py").touch()
    (root / "targets" / "broken.py").write_text("(", encoding="utf-8")
    return Catalog.read(root)


def test_without_names_all_that_can_be_read_are_selected(three: Catalog) -> None:
    assert [entry.name for entry in three.select_strategies([])] == ["alpha", "beta"]


def test_names_select_each_once_in_the_catalogs_order(three: Catalog) -> None:
    assert [entry.name for entry in three.select_strategies(["beta", "alpha", "beta"])] == ["alpha", "beta"]


def test_a_broken_file_only_stops_who_asks_for_it(three: Catalog) -> None:
    assert [entry.name for entry in three.select_strategies(["alpha"])] == ["alpha"]
    with pytest.raises(UsageError, match=r"targets/broken\.py:1: is not Python"):
        three.select_strategies(["alpha", "broken"])


def test_an_unknown_name_is_told_its_nearest_and_all_there_are(three: Catalog) -> None:
    with pytest.raises(UsageError, match=r"strategy 'alhpa': .*did you mean 'alpha'\? \(there are: alpha, beta\)"):
        three.select_strategies(["alhpa"])


def test_an_empty_folder_is_a_usage_error(three: Catalog) -> None:
    with pytest.raises(UsageError, match="scenarios/: has no workload"):
        three.select_workloads([])


# ------------------------------------------------------------------------------------------ the root, and newer Pythons


def test_syntax_of_a_newer_python_is_not_applicable_rather_than_broken(root: Path) -> None:
    found = strategy(root, 'REQUIRES = ">=9.1"\nmatch = new syntax of 9.1\n')
    assert found.requires == ">=9.1"
    assert unmet(found.requires)


def test_the_current_folder_is_the_root_when_it_has_both_folders(root: Path) -> None:
    assert project_root(root) == root


def test_elsewhere_the_root_is_the_checkout(tmp_path: Path) -> None:
    assert project_root(tmp_path) == ROOT

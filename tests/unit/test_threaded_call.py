"""Which call of a coroutine a thread can make, and how that is written."""

from __future__ import annotations

import ast

import pytest

from harness.analysis.threaded_call import ThreadedCall, threaded_call
from harness.results.records.blocked_stretch import HeldCoroutine

FILE = "/shop/main.py"


def found(body: str, call: str, *, with_columns: bool = True, function: str = "async def f():") -> ThreadedCall | str:
    """In a coroutine with this body, that stands still in the call that is written like this."""
    source = "\n".join([function, *(f"    {line}" for line in body.split("\n"))])
    node = next(
        each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Call) and ast.unparse(each) == call
    )
    columns = (node.lineno, node.end_lineno or 0, node.col_offset, node.end_col_offset or 0) if with_columns else ()
    at = HeldCoroutine(FILE, "f", 1, node.lineno, columns)
    return threaded_call(source, at, frozenset([ast.unparse(node.func).rpartition(".")[2]]))


@pytest.mark.parametrize("with_columns", [True, False], ids=["3.11", "3.10"])
@pytest.mark.parametrize(
    ("body", "call", "written"),
    [
        ("time.sleep(0.06)", "time.sleep(0.06)", "await run_in_threadpool(time.sleep, 0.06)"),
        ("load()", "load()", "await run_in_threadpool(load)"),
        (
            'page = requests.get("http://a/", timeout=3)',
            "requests.get('http://a/', timeout=3)",
            'page = await run_in_threadpool(requests.get, "http://a/", timeout=3)',
        ),
        ("return get(u).json()  # a page", "get(u)", "return (await run_in_threadpool(get, u)).json()  # a page"),
        ("return get(u).json()", "get(u).json()", "return await run_in_threadpool(get(u).json)"),
        (
            "x = get(*urls, **options)[0]",
            "get(*urls, **options)",
            "x = (await run_in_threadpool(get, *urls, **options))[0]",
        ),
        ("x = [get(u) for u in us]", "get(u)", "x = [(await run_in_threadpool(get, u)) for u in us]"),
        ("if ok(1): pass", "ok(1)", "if (await run_in_threadpool(ok, 1)): pass"),
        (
            "x = get(\n    u,\n    {\n        1: 2,\n    },\n)",
            "get(u, {1: 2})",
            "x = await run_in_threadpool(get, u, {1: 2})",
        ),
        ('x = "é"; y = get(u)', "get(u)", 'x = "é"; y = await run_in_threadpool(get, u)'),
        (
            "total = total(x for x in y)",
            "total((x for x in y))",
            "total = await run_in_threadpool(total, (x for x in y))",
        ),
        (
            "return len(await other(1) + rows(2))",
            "rows(2)",
            "return len(await other(1) + (await run_in_threadpool(rows, 2)))",
        ),
    ],
)
def test_the_change_is_code_that_python_reads(body: str, call: str, written: str, *, with_columns: bool) -> None:
    made = found(body, call, with_columns=with_columns)
    assert isinstance(made, ThreadedCall)
    assert made.written[1:] == (written,)
    ast.parse(f"async def f():\n    {written}")


def test_the_place_of_the_call_is_named() -> None:
    made = found("x = 1\ntime.sleep(x)", "time.sleep(x)")
    assert isinstance(made, ThreadedCall)
    assert (made.place, made.written[0]) == ((FILE, 3, 3, 4, 17), "# main.py:3")


@pytest.mark.parametrize(
    ("body", "call"),
    [
        ("await get(u)", "get(u)"),  # an async function that blocks before its first await
        ("x = (get(u) for u in us)", "get(u)"),
        ("x = lambda: get(u)", "get(u)"),
        ("def g():\n    get(u)", "get(u)"),
        ("class A:\n    x = get(u)", "get(u)"),
        ("super().get()", "super()"),
        ("x = asyncio.gather(1)", "asyncio.gather(1)"),
        ("run(func=1)", "run(func=1)"),  # `run_in_threadpool` has a parameter of that name
    ],
)
def test_what_a_thread_cannot_call_as_it_is_stays(body: str, call: str) -> None:
    assert found(body, call) == ""


WITH = "put the whole `with` block into a `def` and call it with `await run_in_threadpool(...)`"


@pytest.mark.parametrize(
    ("body", "call", "words"),
    [
        ("await x()\nwith lock:\n    get(u)", "get(u)", ("inside `with lock:`", WITH)),
        ("with open(a), lock_of(b):\n    get(u)", "get(u)", ("inside `with lock_of(b):`", WITH)),
        ("with lock, open(a):\n    pass", "open(a)", ("inside `with lock:`", WITH)),
        ("with lock:\n    with open(a):\n        if b: get(u)", "get(u)", ("inside `with lock:`", WITH)),
        ("with store.get(a):\n    get(u)", "get(u)", ("inside `with store.get(a):`", WITH)),
        (
            "lock.acquire()",
            "lock.acquire()",
            ("calls `lock.acquire`", "put all from there to the release into a `def`"),
        ),
        ("lock.acquire()\nget(u)\nlock.release()", "get(u)", ("calls `lock.acquire`", "into a `def`")),
        ("x = next(rows)", "next(rows)", ("StopIteration", "`async for ... in iterate_in_threadpool(...)`")),
    ],
)
def test_what_would_hold_a_lock_while_the_loop_goes_on_stays_and_says_why(
    body: str, call: str, words: tuple[str, ...]
) -> None:
    said = found(body, call)
    assert isinstance(said, str)
    assert [each for each in words if each not in said] == []


@pytest.mark.parametrize(
    "entered",
    [
        *("open(a)", "gzip.open(a)", "closing(a)", "contextlib.suppress(A)", "requests.Session()", "httpx.Client()"),
        *("SessionLocal()", "requests.get(a, stream=True)", "urllib.request.urlopen(a)"),
    ],
)
def test_what_holds_no_lock_lets_the_call_be_moved(entered: str) -> None:
    assert isinstance(found(f"with {entered} as b:\n    get(u)", "get(u)"), ThreadedCall)
    assert isinstance(found(f"with {entered} as b, lock:\n    pass", entered), ThreadedCall)  # before what it enters


def test_what_is_awaited_for_a_lock_holds_no_loop() -> None:
    for body in ("async with lock:\n    get(u)", "await lock.acquire()\nget(u)", "get(u)\nlock.acquire()"):
        assert isinstance(found(body, "get(u)"), ThreadedCall)


def test_of_several_calls_in_a_line_the_one_that_blocks_is_taken() -> None:
    body = "x = one(1) + two(2)"
    for call in ("one(1)", "two(2)"):
        for with_columns in (True, False):
            made = found(body, call, with_columns=with_columns)
            assert isinstance(made, ThreadedCall)
            assert f"run_in_threadpool({call[:3]}, {call[4]})" in made.written[1]
    assert found("x = one(1) + one(2)", "one(1)", with_columns=False) == ""  # it cannot be told


def test_a_function_that_is_no_coroutine_or_not_there_has_none() -> None:
    assert found("get(u)", "get(u)", function="def f():") == ""
    at = HeldCoroutine(FILE, "f", 1, 2, (2, 2, 4, 10))
    assert threaded_call("", at, frozenset()) == ""
    assert threaded_call("async def f(:\n  get(u)", at, frozenset()) == ""

"""Which functions an app uses itself: those have to stay `async def`."""

from __future__ import annotations

import re

import pytest

from harness.analysis.function_uses import is_used

FILE = "/shop/deps.py"
OWN = "async def show(order):\n    load(order)\n"


def used(text: str, *, file: str = "/shop/main.py", name: str = "show", **others: str) -> bool:
    sources = {FILE: OWN, **{f"/shop/{each}.py": source for each, source in others.items()}}
    sources[file] = sources.get(file, "") + text
    return is_used(name, FILE, sources)


@pytest.mark.parametrize(
    "use",
    [
        *("await show(1)", "await gather(show(1), show(2))", "asyncio.create_task(show(1))", "wait_for(show(1), 1)"),
        *("tg.start_soon(show, 1)", "functools.partial(show, 1)", "x = show(1)\n    await x", "return show"),
        *("table = {1: show}", "[show(x) for x in xs]", "(lambda: show(1))()", "Depends(partial(show, 1))"),
    ],
)
def test_whoever_calls_it_or_hands_it_on_would_get_no_coroutine(use: str) -> None:
    code = f"async def other():\n    {use}\n"
    assert used(code, file=FILE)
    assert used(f"from .deps import show\n{code}")
    assert used(f"from shop.deps import *\n{code}")
    assert used(f"from shop import show\n{code}")  # of the package, which has it from there
    assert used(f"from .deps import show as shown\n{re.sub('show', 'shown', code)}")
    assert not used(f"from requests import show\n{code}")
    assert not used(f"from .other import show\n{code}", other="def show(): pass\n")  # another of that name


@pytest.mark.parametrize(
    "use",
    ["await deps.show(1)", "gather(deps.show(1))", "x = deps.show", "await shop.deps.show(1)", "await self.it.show(1)"],
)
def test_also_by_its_module_or_its_object(use: str) -> None:
    assert used(f"from shop import deps\nasync def other():\n    {use}\n")


def test_also_by_another_name_of_the_module_and_in_its_class() -> None:
    assert used("import shop.deps as d\nx = d.show(1)\n")
    assert used("class A:\n    def other(self):\n        return self.show()\n")
    assert used("class A:\n    async def other(self):\n        return gather(super().show())\n")


@pytest.mark.parametrize(
    "code",
    [
        "@app.get('/')\nasync def page(a=Depends(show), b: Annotated[int, Security(show, scopes=[])] = 0): pass\n",
        "@app.get('/', dependencies=[fastapi.Depends(dependency=show)])\nasync def page(): pass\n",
        "app.add_api_route('/', show)\napp.add_api_route('/', endpoint=show)\napp.get('/')(show)\n",
        "app.dependency_overrides[show] = 1\n",
        "async def show(): pass\n",
        "def other(show):\n    return show(1)\n",
        "def other():\n    show = 1\n    return show\n",
        "def other(x):\n    return x.show(1), show.router\n",
        "def broken(:\n    show()\n",
        "text = 'await show(1)'\n",
    ],
)
def test_what_is_left_to_the_framework_or_is_something_else_is_no_use(code: str) -> None:
    assert not used(code, file=FILE)
    assert not used(f"from .deps import show\n{code}")


def test_of_a_package_the_module_is_its_folder() -> None:
    sources = {"/shop/deps/__init__.py": OWN, "/shop/main.py": "from .deps import show\nx = show(1)\n"}
    assert is_used("show", "/shop/deps/__init__.py", sources)
    assert not is_used("load", "/shop/main.py", {})

"""`sync_def` gives AnyIO as many threads as its parameter says."""

from __future__ import annotations

import asyncio
import importlib

import pytest
from anyio import to_thread

from targets import sync_def


@pytest.mark.parametrize(("given", "tokens"), [(None, 40), ("3", 3)])
def test_tokens_are_what_the_parameter_says(monkeypatch: pytest.MonkeyPatch, given: str | None, tokens: int) -> None:
    monkeypatch.delenv("BENCH_TOKENS", raising=False)
    monkeypatch.delenv("BENCH_POSTGRES", raising=False)
    if given is not None:
        monkeypatch.setenv("BENCH_TOKENS", given)
    module = importlib.reload(sync_def)

    async def within() -> float:
        async with module.lifespan(module.app):
            return to_thread.current_default_thread_limiter().total_tokens

    assert asyncio.run(within()) == tokens

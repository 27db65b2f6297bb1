from __future__ import annotations

import itertools

from harness.report.palette import HUES, Palette


def test_every_strategy_has_a_colour_of_its_own() -> None:
    names = [f"s{place}" for place in range(2 * HUES)]
    palette = Palette(names)
    assert len({palette.css(name) for name in names}) == len(names)


def test_a_strategy_keeps_its_colour_whoever_else_is_asked_for() -> None:
    names = ["sync_def", "fake_async", "pure_async"]
    for order in itertools.permutations(names):
        palette = Palette(names)
        assert {name: palette.css(name) for name in order} == {name: Palette(names).css(name) for name in names}


def test_an_unknown_strategy_has_a_colour_too() -> None:
    assert Palette(["sync_def"]).css("never_heard_of").startswith("var(--s")

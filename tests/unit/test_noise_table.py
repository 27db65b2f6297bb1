"""The tables of the noise tool, on lines whose noise is known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.figures.noise_levels import components_of, steady
from tests.figures.noise_record import BootLine, Line, Living, SliceLine, read_noise
from tests.figures.noise_table import design, tables

STRATEGIES = ("loop", "pool", "threads", "tasks")
BESIDE = 0.96  # what living beside others leaves of the pool's cores


def made(
    living: Living, strategy: str, epoch: int, number: int, speed: float, cores: float, **changes: object
) -> SliceLine:
    goodput_rps = 500 * speed * cores
    line = SliceLine(
        workload="cpu",
        living=living,
        strategy=strategy,
        epoch=epoch,
        boot=0,
        round=number,
        slice_s=1.0,
        started_s=epoch * 60.0 + number * 5.0 + STRATEGIES.index(strategy),
        goodput_rps=goodput_rps,
        answers=round(1.2 * goodput_rps),
        answers_per_tenth=tuple([round(goodput_rps / 10)] * 10),
        warmup_per_tenth=(round(goodput_rps / 20), round(goodput_rps / 20)),
        choked=False,
        idle_proof_s=0.001,
        warmup_s=0.15,
        drain_s=0.05,
        telling_s=0.005,
        replace_s=0.0,
        own_cpu_s=1.2 * cores,
        others_cpu_s={other: 0.01 for other in STRATEGIES if other != strategy},
        steal_percent=0.0,
        generator_cpu_s=0.1 * cores,
        generator_wait_s=0.0,
    )
    return msgspec.structs.replace(line, **changes)


def lines() -> Iterator[Line]:
    """Noise of the machine's speed only: 10 % from slice to slice. The pool loses 4 % of its cores beside others."""
    chance = np.random.default_rng(5)
    for epoch in range(4):
        for living in ("together", "alone"):
            yield BootLine(
                workload="cpu",
                living=living,
                epoch=epoch,
                strategies=STRATEGIES,
                boot_s=4.0,
                verify_s=0.1,
                warmup_s=3.9,
            )
            for number in range(6):
                for strategy in STRATEGIES:
                    cores = 2.0 if strategy == "pool" else 1.0
                    cores *= BESIDE if (living, strategy) == ("together", "pool") else 1.0
                    yield made(living, strategy, epoch, number, math.exp(chance.normal(0, 0.1)), cores)


def test_the_residual_is_found_to_be_speed_and_not_cores() -> None:
    together = [line for line in lines() if isinstance(line, SliceLine) and line.living == "together"]
    goodput, cores = components_of(together), components_of(together, lambda line: line.cores)
    assert goodput is not None and cores is not None
    assert goodput.residual.deviation == pytest.approx(0.10, rel=0.2)
    assert cores.residual.deviation < 1e-6


def test_what_living_beside_others_costs_is_shown_for_the_one_that_it_costs() -> None:
    text = tables(list(lines()))
    (row,) = [row for row in text.splitlines() if row.startswith("| pool |") and row.count("%") == 8]
    cores = row.split("|")[3]
    # Relative to the mean of four, of which one has lost 4 %.
    assert float(cores.split("%")[0]) == pytest.approx(100 * (BESIDE**0.75 - 1), abs=0.1)


def test_a_strategy_that_choked_once_is_not_among_the_steady() -> None:
    calm = [line for line in lines() if isinstance(line, SliceLine)]
    choked = made("together", "loop", 0, 9, 0.01, 1.0, choked=True)
    assert {line.strategy for line in steady([*calm, choked])} == {"pool", "threads", "tasks"}


def test_epochs_of_several_files_are_not_mixed_up(tmp_path: Path) -> None:
    written = list(lines())
    paths = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    for path in paths:
        path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in written))
    read = read_noise(paths)
    assert len(read) == 2 * len(written)
    assert sorted({line.epoch for line in read}) == list(range(8))
    assert {line.run for line in read if isinstance(line, SliceLine)} == {0, 1}


def test_a_design_spends_the_budget_and_no_more() -> None:
    two = design(2, boot_cost_s=1.0, slice_cost_s=0.5, boot_variance=0.0, variance=0.1**2)
    assert two is not None and two.slices == 11  # 120 s / 9 strategies / 2 boots - 1 s, in slices of 0.5 s
    assert two.half_width == pytest.approx(math.expm1(2.652 * 0.1 * math.sqrt(2 / 22)), rel=0.01)
    assert two.half_width_by_boots > two.half_width
    assert design(9, boot_cost_s=2.0, slice_cost_s=0.5, boot_variance=0.0, variance=0.01) is None

"""What varies when a capacity varies: how many cores a target got, or how fast they were."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from tests.figures.noise_levels import by_length, components_of, goodput, markdown, steady
from tests.figures.noise_record import Living, SliceLine

Value = Callable[[SliceLine], float]


def _cores(line: SliceLine) -> float:
    return line.cores


def _cost(line: SliceLine) -> float:
    return line.cpu_s_per_answer


_APART_S = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 60.0, 120.0, 300.0)


def speed_table(slices: Sequence[SliceLine]) -> list[str]:
    """Answers a second are cores used over CPU time an answer, and so are their logarithms' parts."""
    rows = []
    for length, at in by_length(line for line in steady(slices) if line.living == "together"):
        found = [components_of(at, value) for value in (goodput, _cores, _cost)]
        shown = ["-" if one is None else f"{one.residual.deviation:.3f}" for one in found]
        rows.append([f"{length:g} s", *shown, _correlation(at, _generator_cost), _correlation(at, _canary)])
    heads = ["slice", "answers/s", "cores used", "CPU time an answer", "the generator's", "the canary's"]
    title = (
        "\nThe residual of each as a standard deviation of its logarithm. Then the correlation of the residuals of "
        "answers a second with those of two speeds that no strategy makes: the generator's CPU time an answer, and the "
        "canary's time before and after the slice:\n"
    )
    return [title, *markdown(heads, rows)] if rows else []


def memory_table(slices: Sequence[SliceLine]) -> list[str]:
    """How alike the deviations of two slices are, of whatever strategies, by the time between their beginnings."""
    kept = sorted(steady(slices), key=lambda line: (line.epoch, line.started_s))
    runs: dict[object, list[tuple[float, float]]] = defaultdict(list)
    for line, deviation in zip(kept, _deviations(kept, goodput), strict=True):
        runs[line.run].append((line.started_s, deviation))
    if not kept:
        return []
    variance = fmean(deviation**2 for run in runs.values() for _, deviation in run)
    products: dict[int, list[float]] = defaultdict(list)
    for run in runs.values():
        for number, (began_s, one) in enumerate(run):
            for later_s, other in run[number + 1 :]:
                products[int(np.searchsorted(_APART_S, later_s - began_s, side="right"))].append(one * other)
    bins = [number for number in range(1, len(_APART_S)) if len(products[number]) >= 30]
    heads = ["apart", *(f"{_APART_S[number - 1]:g}-{_APART_S[number]:g} s" for number in bins)]
    row = ["correlation", *(f"{fmean(products[number]) / variance:+.2f}" for number in bins)]
    title = (
        "\nHow alike two slices are (log capacity less its strategy's mean; its standard deviation is "
        f"{math.sqrt(variance):.3f}), by the time between their beginnings:\n"
    )
    return [title, *markdown(heads, [row])]


def living_tables(slices: Sequence[SliceLine]) -> list[str]:
    """Whether living beside others changes anything: of each epoch the log ratio together to alone."""
    kept = steady(slices)
    alone = {(line.epoch, line.strategy) for line in kept if line.living == "alone"}
    strategies = sorted({strategy for _, strategy in alone})
    # Of an epoch that was cut off not all have been measured alone.
    epochs = sorted({epoch for epoch, _ in alone if all((epoch, strategy) in alone for strategy in strategies)})
    if len(epochs) < 2 or len(strategies) < 2:
        return []
    values: dict[str, Value] = {
        "answers/s": goodput,
        "cores used": _cores,
        "CPU time an answer": _cost,
        "the same over the generator's": lambda line: line.cpu_s_per_answer / _generator_cost(line),
    }
    columns = {name: _differences(kept, epochs, strategies, value) for name, value in values.items()}
    rows = [[strategy] for strategy in strategies] + [["all in common"]]
    for differences in columns.values():
        half = _half_width(differences - differences.mean(axis=1, keepdims=True), len(strategies))
        for row, mean in zip(rows, differences.mean(axis=0) - differences.mean(), strict=False):
            row.append(f"{math.expm1(mean):+.1%} +-{math.expm1(half):.1%}")
        common = differences.mean(axis=1)
        quantile = float(stdtrit(len(epochs) - 1, 0.975))
        half = quantile * float(common.std(ddof=1)) / math.sqrt(len(epochs))
        rows[-1].append(f"{math.expm1(float(common.mean())):+.1%} +-{math.expm1(half):.1%}")
    title = (
        f"\nTogether over alone ({len(epochs)} boots of each): each strategy relative to the mean of all (simultaneous "
        "95 %), and that mean (95 %; the machine's own drift is in it):\n"
    )
    return [title, *markdown(["strategy", *columns], rows)]


def _generator_cost(line: SliceLine) -> float:
    return (line.generator_cpu_s or math.nan) / max(1.0, line.goodput_rps * line.slice_s)


def _canary(line: SliceLine) -> float:
    return line.canary_ms or math.nan


def _correlation(slices: Sequence[SliceLine], value: Value) -> str:
    """Of the slices that have it."""
    having = [line for line in slices if not math.isnan(value(line))]
    if len(having) < 10:
        return "-"
    return f"{np.corrcoef(_residuals(having, goodput), _residuals(having, value))[0, 1]:+.2f}"


def _residuals(slices: Sequence[SliceLine], value: Value) -> NDArray[np.float64]:
    """Less the means of strategies and rounds, by sweeping until nothing changes."""
    logs = np.array([math.log(value(line)) for line in slices])
    for _ in range(50):
        for labels in (
            [(line.strategy, line.epoch) for line in slices],
            [(line.epoch, line.round) for line in slices],
        ):
            logs = logs - _group_means(logs, labels)
    return logs


def _deviations(slices: Sequence[SliceLine], value: Value) -> list[float]:
    logs = np.array([math.log(value(line)) for line in slices])
    labels = [(line.strategy, line.slice_s, line.run, line.living) for line in slices]
    return list(logs - _group_means(logs, labels))


def _group_means(values: NDArray[np.float64], labels: Sequence[object]) -> NDArray[np.float64]:
    groups: dict[object, list[int]] = defaultdict(list)
    for number, label in enumerate(labels):
        groups[label].append(number)
    means = np.empty_like(values)
    for members in groups.values():
        means[members] = values[members].mean()
    return means


def _differences(
    slices: Sequence[SliceLine], epochs: Sequence[int], strategies: Sequence[str], value: Value
) -> NDArray[np.float64]:
    """Together less alone, by epoch and strategy."""
    return np.array(
        [
            [
                _level(slices, "together", epoch, name, value) - _level(slices, "alone", epoch, name, value)
                for name in strategies
            ]
            for epoch in epochs
        ]
    )


def _level(slices: Iterable[SliceLine], living: Living, epoch: int, strategy: str, value: Value) -> float:
    """The mean over the lengths, each as heavy."""
    own = [line for line in slices if (line.living, line.epoch, line.strategy) == (living, epoch, strategy)]
    return fmean(fmean(math.log(value(line)) for line in at) for _, at in by_length(own))


def _half_width(contrasts: NDArray[np.float64], strategies: int) -> float:
    """Of the mean over the rows, with the scatter that all columns have in common (Bonferroni)."""
    rows, columns = contrasts.shape
    freedom = (rows - 1) * (columns - 1)
    squares = float(((contrasts - contrasts.mean(axis=0)) ** 2).sum())
    error = math.sqrt(squares / freedom * (1 - 1 / columns) / rows)
    return float(stdtrit(freedom, 1 - 0.025 / strategies)) * error

"""Where the noise of a capacity comes from: between boots, between rounds, within a slice. docs/noise.md has what was
found.

    python -m tests.figures.noise_components measure --workload cpu --alone --out cpu.jsonl
    python -m tests.figures.noise_components table cpu.jsonl

`measure` boots all strategies that the workload applies to, so that they live side by side. In each round, for each
length, it measures a slice of each of the `--strategies`, all in random order. With `--alone` the same slices are
measured once more, `--alone-rounds` of them, on servers that live alone.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

import msgspec

from harness.catalog.catalog import Catalog
from harness.catalog.variants import variant_of
from harness.machine.affinity import kept_off_the_target
from harness.machine.partition import detect
from harness.profiles.loader import load_profile
from harness.results.records.variant import Variant
from tests.figures.noise_record import Line, read_noise
from tests.figures.noise_table import tables
from tests.figures.side_by_side import Course, SideBySide

PROJECT = Path(__file__).parents[2]
MEASURED = ("sync_def", "async_process_pool", "fake_async", "async_thread_pool", "pure_async_aiohttp", "pure_async")


class Writer:
    """Adds each line to the file as soon as it is known: what was measured before a Ctrl-C is kept."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, line: Line) -> None:
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")


def measure(options: argparse.Namespace) -> None:
    catalog = Catalog.read(PROJECT)
    cores = detect().target_cores
    (workload,) = catalog.select_workloads([options.workload])
    catalog.select_strategies(options.strategies)  # an unknown name is an error
    variants = [variant_of(strategy, cores) for strategy in catalog.strategies]
    write = Writer(options.out)
    with (
        tempfile.TemporaryDirectory() as folder,
        kept_off_the_target(detect()),
        Course(PROJECT, workload, load_profile("standard"), Path(folder)) as course,
    ):
        for epoch in range(options.boots):
            measured = _together(course, variants, options, epoch, write)
            if options.alone:
                _alone(course, measured, options, epoch, write)


def _together(
    course: Course, variants: Sequence[Variant], options: argparse.Namespace, epoch: int, write: Writer
) -> list[Variant]:
    """All live, those that were asked for are measured; returns these."""
    with SideBySide(course, variants, "together", epoch) as side:
        write(side.line)
        names = [name for name in side.names if name in options.strategies]
        for number in range(options.rounds):
            _round(side, names, number, options, epoch, write)
    return [variant for variant in variants if variant.name in names]


def _alone(course: Course, variants: Sequence[Variant], options: argparse.Namespace, epoch: int, write: Writer) -> None:
    for variant in Random(f"{options.seed}/{epoch}/alone").sample(variants, len(variants)):
        with SideBySide(course, [variant], "alone", epoch) as side:
            write(side.line)
            for number in range(options.alone_rounds):
                _round(side, [variant.name], number, options, epoch, write)


def _round(
    side: SideBySide, names: Sequence[str], number: int, options: argparse.Namespace, epoch: int, write: Writer
) -> None:
    chance = Random(f"{options.seed}/{epoch}/{number}/{names}")
    for slice_s in chance.sample(options.slices, len(options.slices)):
        seed = f"{options.seed}/{epoch}/{number}/{slice_s}"  # of the services: the same for all strategies
        for name in chance.sample(names, len(names)):
            write(side.slice(name, number, slice_s, options.warmup, seed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.figures.noise_components")
    commands = parser.add_subparsers(required=True)
    measuring = commands.add_parser("measure")
    measuring.set_defaults(run=measure)
    measuring.add_argument("--workload", required=True)
    measuring.add_argument("--strategies", type=lambda text: text.split(","), default=list(MEASURED))
    measuring.add_argument("--boots", type=int, default=2)
    measuring.add_argument("--rounds", type=int, default=12)
    measuring.add_argument("--slices", type=lambda text: [float(part) for part in text.split(",")], default=[1.0])
    measuring.add_argument("--warmup", type=float, default=0.15, help="seconds before each slice")
    measuring.add_argument("--alone", action="store_true", help="measure each strategy alone, too")
    measuring.add_argument("--alone-rounds", type=int, default=1)
    measuring.add_argument("--seed", type=int, default=1)
    measuring.add_argument("--out", type=Path, required=True)
    showing = commands.add_parser("table")
    showing.set_defaults(run=lambda options: print(tables(read_noise(options.files))))
    showing.add_argument("files", type=Path, nargs="+")
    return parser


def main() -> None:
    options = _parser().parse_args()
    options.run(options)


if __name__ == "__main__":
    main()

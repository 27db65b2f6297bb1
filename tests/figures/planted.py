"""One strategy under two names: as it is, and as it is once more, or with 10 % or 20 % more work planted in it.

    python -m tests.figures.planted --runs 10 --budget 2m [--only plus_10 ...] [--together]

Each run is a whole `bench run` of its own on `cpu`, with fresh servers, of the strategy and one of its copies
(`--together`: of all of them). What differs must be found, and what does not must not be. A line for each run and
copy, then how often each verdict came, and the mean ratio: 1 / 1.1 and 1 / 1.2 are planted.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import geometric_mean
from typing import NamedTuple

from tests.bench_kit import CHECKOUT, Project

BASELINE = "sync_def"
PLANTED = {"same_again": 0, "plus_10": 10, "plus_20": 20}  # percent
# The time of a request over that of its computation: the rest is FastAPI's, uvicorn's and the thread's. So that the
# whole request works so much more, its computation has to work more than that. 18 runs with 11, 14, 22 and 28 % more
# computing took 8.3, 12.0, 18.8 and 25.0 % more time.
_WHOLE = 1.17
_COMPUTED = 'return {"key": key, "result": _work.crunch(key, rounds)}'


def project(folder: Path, copies: Sequence[str]) -> Project:
    """With the baseline and these copies of it."""
    found = Project(folder, [BASELINE])
    source = (CHECKOUT / f"targets/{BASELINE}.py").read_text()
    if source.count(_COMPUTED) != 1:
        raise ValueError(f"targets/{BASELINE}.py: the line that computes is not there once; bring _COMPUTED up to date")
    for name in copies:
        percent = PLANTED[name]
        more = f"_work.crunch(key, int(rounds * {_WHOLE * percent / 100:.4f}))\n    " if percent else ""
        found.target(name, source.replace(_COMPUTED, more + _COMPUTED))
    return found


class Found(NamedTuple):
    """What a run says of a variant's capacity, over the baseline's."""

    verdict: str
    ratio: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        ends = "no interval" if self.low is None or self.high is None else f"[{self.low:.3f}, {self.high:.3f}]"
        return f"{self.verdict:<7} x{self.ratio:.3f} {ends}"


def one_run(folder: Path, budget: str, seed: int, copies: Sequence[str]) -> dict[str, Found]:
    """By copy."""
    ended = project(folder, copies).bench(
        *("run", "-w", "cpu", "--profile", "standard", "--budget", budget, "--seed", str(seed), "--json"), timeout_s=600
    )
    if ended.code != 0:
        raise RuntimeError(f"bench run ended with {ended.code}: {ended.err}")
    (decision,) = json.loads(ended.out)["decisions"]
    return {
        made["variant"]: Found(made["verdict"], made["ratio"]["value"], made["ratio"]["low"], made["ratio"]["high"])
        for made in decision["comparisons"]
        if made["metric"] == "capacity_rps"
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--budget", default="2m")
    parser.add_argument("--only", nargs="+", choices=sorted(PLANTED), default=list(PLANTED))
    parser.add_argument("--together", action="store_true")
    options = parser.parse_args()
    families = [options.only] if options.together else [[name] for name in options.only]
    seen: dict[str, list[Found]] = {name: [] for name in options.only}
    for number in range(1, options.runs + 1):
        for copies in families:
            with tempfile.TemporaryDirectory() as folder:
                for name, found in one_run(Path(folder), options.budget, number, copies).items():
                    seen[name].append(found)
                    print(f"run {number:>2}  {name:<11} {found}", flush=True)
    for name, all_found in seen.items():
        counts = Counter(found.verdict for found in all_found).most_common()
        mean = geometric_mean(found.ratio for found in all_found)
        print(f"{name:<11} {', '.join(f'{verdict} {many}' for verdict, many in counts)}; mean ratio x{mean:.3f}")


if __name__ == "__main__":
    main()

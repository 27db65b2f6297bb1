"""One strategy under several names: as it is, as it is once more, and with 10 % and 20 % more work planted in it.

    python -m tests.figures.planted --runs 10 --budget 2m

Each run is a whole `bench run` of its own on `cpu`, with fresh servers. What differs must be found, and what does not
must not be. A line for each run and variant, then how often each verdict came.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path

from tests.bench_kit import CHECKOUT, Project

BASELINE = "sync_def"
PLANTED = {"same_again": 0, "plus_10": 10, "plus_20": 20}  # percent
_COMPUTED = 'return {"key": key, "result": _work.crunch(key, rounds)}'


def project(folder: Path) -> Project:
    """With the baseline and its copies."""
    found = Project(folder, [BASELINE])
    source = (CHECKOUT / f"targets/{BASELINE}.py").read_text()
    if source.count(_COMPUTED) != 1:
        raise ValueError(f"targets/{BASELINE}.py: the line that computes is not there once; bring _COMPUTED up to date")
    for name, percent in PLANTED.items():
        more = f"_work.crunch(key, rounds * {percent} // 100)\n    " if percent else ""
        found.target(name, source.replace(_COMPUTED, more + _COMPUTED))
    return found


def verdicts(folder: Path, budget: str, seed: int, profile: str = "standard") -> dict[str, tuple[str, str]]:
    """By variant: the verdict on its capacity, and the ratio with its interval. One run."""
    there = project(folder)
    ended = there.bench(
        *("run", "-w", "cpu", "--profile", profile, "--budget", budget, "--seed", str(seed), "--json"), timeout_s=600
    )
    if ended.code != 0:
        raise RuntimeError(f"bench run ended with {ended.code}: {ended.err}")
    (decision,) = json.loads(ended.out)["decisions"]
    found = {}
    for made in decision["comparisons"]:
        if made["metric"] == "capacity_rps":
            low, value, high = (made["ratio"][name] or 0.0 for name in ("low", "value", "high"))
            found[made["variant"]] = (made["verdict"], f"x{value:.3f} [{low:.3f}, {high:.3f}]")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--budget", default="2m")
    options = parser.parse_args()
    seen: dict[str, Counter[str]] = {name: Counter() for name in PLANTED}
    for number in range(1, options.runs + 1):
        with tempfile.TemporaryDirectory() as folder:
            for name, (verdict, ratio) in verdicts(Path(folder), options.budget, number).items():
                seen[name][verdict] += 1
                print(f"run {number:>2}  {name:<11} {verdict:<7} {ratio}", flush=True)
    for name, counts in seen.items():
        print(f"{name:<11} {', '.join(f'{verdict} {many}' for verdict, many in counts.most_common())}")


if __name__ == "__main__":
    main()

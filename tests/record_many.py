"""Records made-up requests as the generator would, in virtual time, and prints the process's memory as it goes.

    python -m tests.record_many LATENCY.hlog REQUESTS      # one line of JSON: rss_mib at each tenth, cpu_s

Locust is loaded, as in the generator; a virtual second has 20,000 requests, with latencies that wander over all
buckets, and the writer gets its turn between them as it does between real ones.
"""

import json
import sys
from math import exp
from pathlib import Path
from time import monotonic, process_time

import gevent
import locust
import psutil

from harness.driving.inside.phase import Phase
from harness.driving.inside.recorder import Recorder
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseSpec

_PER_SECOND = 20_000
_A_TURN = 500  # requests between two turns of the hub
_LATENCIES_S = [1e-4 * exp(number * 13 / 4999) for number in range(5000)]  # 0.1 ms - 44 s


def record(path: Path, requests: int) -> dict[str, object]:
    origin_s = monotonic()
    recorder = Recorder(path, origin_s)
    spec = PhaseSpec(name="capacity", kind=PhaseKind.CAPACITY, duration_s=requests / _PER_SECOND, users=1)
    phase = Phase(spec, recorder, origin_s, origin_s)
    process = psutil.Process()
    rss_mib = []
    for turn in range(requests // _A_TURN):
        now_s = origin_s + turn * _A_TURN / _PER_SECOND
        for number in range(_A_TURN):
            sent_s = now_s - _LATENCIES_S[(turn * 7 + number) % 5000]
            phase.scheduled += 1
            phase.answered(now_s)
            phase.ended(Outcome.OK, sent_s, sent_s, now_s, censored=False)
        gevent.sleep(0)
        if turn * _A_TURN % (requests // 10) == 0:
            rss_mib.append(process.memory_info().rss / 2**20)
    recorder.close()
    rss_mib.append(process.memory_info().rss / 2**20)
    return {"rss_mib": rss_mib, "cpu_s": process_time(), "outcomes": phase.scheduled, "locust": locust.__version__}


if __name__ == "__main__":
    print(json.dumps(record(Path(sys.argv[1]), int(sys.argv[2]))), flush=True)

"""Sources of strategies for `bench_kit.Project.target`. Each does one thing that the instrument must notice."""

_HEAD = """
import asyncio, os, random, socket, threading, time
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse

CLOSE = {"connection": "close"}
app = FastAPI()
count = 0
began_s = 0.0


@app.get("/health")
async def health():
    return {"status": "ok"}


async def wait(ms):
    # uvloop's timers may end more than a millisecond early, and that is another finding.
    await asyncio.sleep(ms / 1e3 + 0.002)


def right(key):
    return {"key": key, "value": key * key + 1}
"""

_ROUTE = """

@app.get("/io")
async def io(wait_ms: int, key: int):
    global count, began_s
    count += 1
    began_s = began_s or time.monotonic()
"""


def _target(handler: str, extra: str = "", server: str = "") -> str:
    body = "".join(f"    {line}\n" for line in handler.strip().splitlines())
    return f"{server}{_HEAD}{extra}{_ROUTE}{body}"


# Never asks the upstream: faster than the wait, more than physics allows.
CACHES = _target("return right(key)")

WRONG_NOW_AND_THEN = _target("""
await wait(wait_ms)
return {"key": key, "value": 0} if count > 30 and count % 10 == 0 else right(key)
""")

# Answers the checks before the load; in a trial it does not answer from the third request on.
HANGS = _target("""
if count > 2 and "trials" in Path(os.environ["BENCH_PROBE_DIR"]).parts:  # the pre-flight check asks all requests
    await asyncio.sleep(60)
await wait(wait_ms)
return right(key)
""")

# Keeps 1 MB for each request, as a cache without a limit does.
GROWS = _target(
    """
kept.append(bytearray(b"x" * 1_000_000))
await wait(wait_ms)
return right(key)
""",
    extra="kept = []\n",
)


def works_while_idle(cores: float) -> str:
    """A thread of the app uses this part of a core all the time, with and without requests."""
    return _target(
        """
await wait(wait_ms)
return right(key)
""",
        extra=f"""

def work():
    while True:
        began_s, used_s = time.monotonic(), time.thread_time()
        while time.thread_time() - used_s < {cores} * 0.02:
            sum(range(1000))
        time.sleep(max(0.001, 0.02 - (time.monotonic() - began_s)))


@asynccontextmanager
async def lifespan(app):
    threading.Thread(target=work, daemon=True).start()
    yield


app.router.lifespan_context = lifespan
""",
    )


# Wrong only in the first attempt at a measured trial: what a stroke of bad luck looks like.
UNLUCKY_ONCE = _target("""
await wait(wait_ms)
*_, trial, attempt, _ = Path(os.environ["BENCH_PROBE_DIR"]).parts
unlucky = count > 20 and trial.startswith("01-") and attempt == "1"
return {"key": key, "value": 0} if unlucky else right(key)
""")

FAILS_NOW_AND_THEN = _target("""
await wait(wait_ms)
if count > 30 and count % 10 == 0:
    raise HTTPException(500)
return right(key)
""")

DIES = _target("""
if count > 15:
    os._exit(7)
await wait(wait_ms)
return right(key)
""")

# A cache that fills, a pool that grows: six times as slow at first.
WAKES_SLOWLY = _target("""
asleep = max(0.0, 1 - (time.monotonic() - began_s) / 3.0)
await wait(wait_ms * (1 + 5 * asleep) * random.uniform(0.8, 1.2))
return right(key)
""")

# A backlog, a leak: from the 30th request on each waits longer than the one before.
PILES_UP = _target("""
await wait(wait_ms * (1 + max(0, count - 30) / 10))
return right(key)
""")

# Redirects files that are not its own, as daemons do; one of them is the probe's.
REDIRECTS_FILES = _target("""
for fd in os.listdir("/proc/self/fd") if count == 1 else ():
    with suppress(OSError):
        if os.readlink(f"/proc/self/fd/{fd}").startswith(os.environ["BENCH_PROBE_DIR"]):
            os.dup2(os.open(os.devnull, os.O_WRONLY), int(fd))
await wait(wait_ms)
return right(key)
""")

# One connection a request, so that a worker that comes later gets its share.
ONE_WORKER_DIES = _target(
    """
died = Path(os.environ["BENCH_PROBE_DIR"], "died")
if count > 30 and not died.exists():
    died.touch()
    os._exit(1)
await wait(wait_ms)
return JSONResponse(right(key), headers=CLOSE)
""",
    server='SERVER = {"workers": 2}\n',
)

ONE_WORKER_IS_SLOW = _target(
    """
with suppress(FileExistsError):
    with open(Path(os.environ["BENCH_PROBE_DIR"], "slow"), "x") as file:
        file.write(str(os.getpid()))
await wait(wait_ms)
if Path(os.environ["BENCH_PROBE_DIR"], "slow").read_text() == str(os.getpid()):
    time.sleep(0.2)
return JSONResponse(right(key), headers=CLOSE)
""",
    server='SERVER = {"workers": 2}\n',
)

# Asks the upstream for far more than its own requests need, pipelined, so that it costs the upstream more than itself.
FLOODS_THE_UPSTREAM = _target(
    """
await wait(wait_ms)
return right(key)
""",
    extra="""

def flood():
    host, port = os.environ["BENCH_UPSTREAM"].removeprefix("http://").split(":")
    with suppress(OSError), socket.create_connection((host, int(port))) as upstream:
        threading.Thread(target=lambda: [None for _ in iter(lambda: upstream.recv(1 << 20), b"")], daemon=True).start()
        while True:
            upstream.sendall(b"GET /wait?ms=0&key=1 HTTP/1.1\\r\\nHost: upstream\\r\\n\\r\\n" * 500)


@asynccontextmanager
async def lifespan(app):
    for _ in range(2):
        threading.Thread(target=flood, daemon=True).start()
    yield


app.router.lifespan_context = lifespan
""",
)

# A workload whose own code computes for 20 ms a request: the generator is the bottleneck, and late.
GREEDY_SCENARIO = '''"""A workload that burns the generator's CPU"""
import time
from locust import task
from harness.scenario import BenchUser

WAIT_MS = 100
CALLS = 1
REQUESTS = [["/io?wait_ms=100&key=1", {"key": 1, "value": 2}]]


class Greedy(BenchUser):
    @task
    def io(self) -> None:
        until_s = time.perf_counter() + 0.02
        while time.perf_counter() < until_s:
            pass
        self.ask(*REQUESTS[0])
'''

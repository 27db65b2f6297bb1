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

# Answers the checks before the load; in a slice it does not answer from the third request on.
HANGS = _target("""
if count > 2 and "boots" in Path(os.environ["BENCH_PROBE_DIR"]).parts:  # the pre-flight check asks all requests
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


# One answer in five hundred, as where two requests rarely meet.
WRONG_ONCE_IN_500 = _target("""
is_wrong = count % 500 == 60
await wait(wait_ms)
return {"key": key, "value": 0} if is_wrong else right(key)
""")


def when_left_alone(action: str) -> str:
    """Once nobody has asked anything for 0.4 s, after some load, its first server does `action`. Only servers that
    stand beside the measured one are left alone for so long."""
    return _target(
        """
await wait(wait_ms)
return right(key)
""",
        extra=f"""
asked_s = 0.0


@app.middleware("http")
async def note(request, call_next):
    global asked_s
    asked_s = time.monotonic()
    return await call_next(request)


async def watch():
    while True:
        await asyncio.sleep(0.05)
        if count > 10 and time.monotonic() - asked_s > 0.4:
            {action}


@asynccontextmanager
async def lifespan(app):
    task = None
    folder = Path(os.environ["BENCH_PROBE_DIR"])
    if "boots" in folder.parts and folder.parent.name == "1":
        task = asyncio.create_task(watch())
    yield
    if task:
        task.cancel()


app.router.lifespan_context = lifespan
""",
    )


DIES_WHEN_LEFT_ALONE = when_left_alone("os._exit(7)")
HANGS_WHEN_LEFT_ALONE = when_left_alone("time.sleep(3600)")

# A slow disk behind few threads: with a wait of a second, two threads answer two requests a second.
TWO_THREADS = _target(
    """
async with threads:
    await wait(wait_ms)
return right(key)
""",
    extra="threads = asyncio.Semaphore(2)\n",
)
NO_LIMIT = _target("""
await wait(wait_ms)
return right(key)
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

# As on a build without the GIL, on which a request imports a module that needs it. Only what Python says of itself is
# made up, since such a build may not be here.
BRINGS_THE_GIL_BACK = _target(
    """
await wait(wait_ms)
if count > 15:
    gil._BUILT_WITHOUT, sys._is_gil_enabled = True, lambda: True
return right(key)
""",
    extra="import sys\nfrom bench_inside import gil\n",
)

# A pool that empties when nobody asks, and fills again: six times as slow at first.
WAKES_SLOWLY = _target(
    """
global in_flight, woken_s
if not in_flight:
    woken_s = time.monotonic()
in_flight += 1
asleep = max(0.0, 1 - (time.monotonic() - woken_s) / 2.5)
await wait(wait_ms * (1 + 5 * asleep) * random.uniform(0.8, 1.2))
in_flight -= 1
return right(key)
""",
    extra="in_flight, woken_s = 0, 0.0\n",
)


def _from_the_open_loop_on(handler: str) -> str:
    """Eight users of a closed loop ask eight times in 0.1 s, an open loop of 30 % asks two or three. `late` is how
    many requests came after fifteen sparse ones."""
    return _target(
        f"""
global recent, sparse, late
now_s = time.monotonic()
recent = [*(at_s for at_s in recent if now_s - at_s < 0.2), now_s]
sparse = sparse + 1 if len(recent) < 12 else 0
late += sparse > 15
{handler}
return right(key)
""",
        extra="recent = []\nsparse = late = 0\n",
    )


# A backlog, a leak: from then on each waits longer than the one before.
PILES_UP = _from_the_open_loop_on("await wait(wait_ms * (1 + late / 5))")

# Of its second server, from then on nobody is answered.
GETS_STUCK_ONCE = _from_the_open_loop_on(
    """is_second = Path(os.environ["BENCH_PROBE_DIR"]).parent.name == "2"
await wait(30_000 if late and is_second else wait_ms)"""
)

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

# While it is asked it asks the upstream for far more than its requests need, pipelined, so that it costs the upstream
# more than itself.
FLOODS_THE_UPSTREAM = _target(
    """
global asked_s
asked_s = time.monotonic()
await wait(wait_ms)
return right(key)
""",
    extra="""
asked_s = 0.0


def flood():
    host, port = os.environ["BENCH_UPSTREAM"].removeprefix("http://").split(":")
    with suppress(OSError), socket.create_connection((host, int(port))) as upstream:
        threading.Thread(target=lambda: [None for _ in iter(lambda: upstream.recv(1 << 20), b"")], daemon=True).start()
        while True:
            while time.monotonic() - asked_s > 0.2:
                time.sleep(0.01)
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

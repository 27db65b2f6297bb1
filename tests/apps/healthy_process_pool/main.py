# /// app
# route = "GET /count"
# ///
import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI

from healthy_process_pool.work import count

app = FastAPI()
pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def start_pool():
    pool.submit(count, 1).result()


@asynccontextmanager
async def lifespan(app):
    await asyncio.get_running_loop().run_in_executor(None, start_pool)
    yield
    await asyncio.get_running_loop().run_in_executor(None, pool.shutdown)  # it waits for its processes


# Not `FastAPI(lifespan=...)`, which came in 0.93.
app.router.lifespan_context = lifespan


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.get("/count")
async def counted():
    return {"count": await asyncio.get_running_loop().run_in_executor(pool, count, 500_000)}

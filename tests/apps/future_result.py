# /// app
# route = "GET /quote"
# cause = "waits"
# where = "endpoint"
# ms = 60
# ///
import time
from concurrent.futures import ThreadPoolExecutor

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


pool = ThreadPoolExecutor(2)


@app.get("/quote")
async def quote():
    future = pool.submit(time.sleep, 0.06)
    future.result()  # FAULT
    return {"quote": 42}

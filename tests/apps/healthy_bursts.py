# /// app
# route = "GET /bursts"
# ///
import asyncio
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.get("/bursts")
async def bursts():
    # 40 ms of CPU in all, 1 ms at a time.
    for _ in range(40):
        end_s = time.thread_time() + 0.001
        while time.thread_time() < end_s:
            pass
        await asyncio.sleep(0)
    return {}

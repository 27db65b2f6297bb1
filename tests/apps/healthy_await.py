# /// app
# route = "GET /wait"
# ///
import asyncio

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.get("/wait")
async def wait():
    await asyncio.gather(*(asyncio.sleep(0.06) for _ in range(100)))
    return {}

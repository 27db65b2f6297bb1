# /// app
# route = "GET /convert"
# ///
import asyncio

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.get("/convert")
async def convert():
    process = await asyncio.create_subprocess_exec("sleep", "0.06")
    return {"code": await process.wait()}

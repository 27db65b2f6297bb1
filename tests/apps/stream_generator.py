# /// app
# route = "GET /stream"
# cause = "waits"
# where = "generator"
# ms = 60
# ///
import time

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


async def chunks():
    yield b"first"
    time.sleep(0.06)  # FAULT
    yield b"second"


@app.get("/stream")
async def stream():
    return StreamingResponse(chunks())

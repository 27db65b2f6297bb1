# /// app
# route = "GET /stream"
# ///
import time

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


def chunks():
    for _ in range(3):
        time.sleep(0.02)
        yield b"chunk"


@app.get("/stream")
async def stream():
    return StreamingResponse(chunks())

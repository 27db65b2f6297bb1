# /// app
# route = "GET /events"
# ///
import asyncio

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


async def events():
    for i in range(5):
        yield f"data: {i}\n\n"
        await asyncio.sleep(0.01)


@app.get("/events")
async def stream():
    return StreamingResponse(events(), media_type="text/event-stream")

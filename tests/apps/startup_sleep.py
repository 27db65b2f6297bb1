# /// app
# path = "/health"
# cause = "waits"
# where = "startup"
# ms = 80
# ///
import time
from contextlib import asynccontextmanager

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


@asynccontextmanager
async def lifespan(app):
    time.sleep(0.08)  # FAULT
    yield


# Not `FastAPI(lifespan=...)`, which came in 0.93.
app.router.lifespan_context = lifespan

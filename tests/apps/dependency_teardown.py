# /// app
# route = "GET /session"
# cause = "waits"
# where = "dependency"
# ms = 60
# ///
import time

from fastapi import Depends, FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


async def session():
    yield "open"
    time.sleep(0.06)  # FAULT


@app.get("/session")
async def use_session(state: str = Depends(session)):
    return {"state": state}

# /// app
# route = "GET /me"
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


async def current_user():
    time.sleep(0.06)  # FAULT
    return "a"


@app.get("/me")
async def me(user: str = Depends(current_user)):
    return {"user": user}

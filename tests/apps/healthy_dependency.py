# /// app
# route = "GET /me"
# ///
import time

from fastapi import Depends, FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


def current_user():
    time.sleep(0.03)
    yield "a"
    time.sleep(0.03)


@app.get("/me")
async def me(user: str = Depends(current_user)):
    return {"user": user}

# /// app
# route = "GET /wait"
# ///
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.get("/wait")
def wait():
    time.sleep(0.06)
    return {}

# /// app
# route = "GET /slow"
# cause = "waits"
# where = "endpoint"
# ms = 60
# env = {SETTINGS_DELAY_S = "0.06"}
# ///
import os
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


DELAY_S = float(os.environ["SETTINGS_DELAY_S"])


@app.get("/slow")
async def slow():
    time.sleep(DELAY_S)  # FAULT
    return {}

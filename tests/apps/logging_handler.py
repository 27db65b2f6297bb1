# /// app
# route = "GET /audit"
# cause = "waits"
# where = "other"
# ms = 60
# ///
import logging
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


class Collector(logging.Handler):
    def emit(self, record):
        time.sleep(0.06)  # FAULT


log = logging.getLogger("audit")
log.setLevel("INFO")
log.propagate = False
log.addHandler(Collector())


@app.get("/audit")
async def audit():
    log.info("seen")
    return {"seen": True}

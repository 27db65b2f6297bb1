# /// app
# route = "GET /counter"
# cause = "waits"
# where = "endpoint"
# ms = 60
# ///
import threading
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


lock = threading.Lock()


def flush(taken):
    with lock:
        taken.set()
        time.sleep(0.06)


@app.get("/counter")
async def counter():
    taken = threading.Event()
    threading.Thread(target=flush, args=(taken,)).start()
    taken.wait()
    with lock:  # FAULT
        return {"count": 1}

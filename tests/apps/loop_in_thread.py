# /// app
# route = "GET /profile"
# cause = "waits"
# where = "endpoint"
# ms = 60
# ///
import asyncio
import threading

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


def run_in_own_loop():
    loop = asyncio.new_event_loop()
    loop.run_until_complete(asyncio.sleep(0.06))
    loop.close()


@app.get("/profile")
async def profile():
    thread = threading.Thread(target=run_in_own_loop)
    thread.start()
    thread.join()  # FAULT
    return {"name": "a"}

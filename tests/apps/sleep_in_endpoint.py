# /// app
# route = "GET /orders/{order}"
# path = "/orders/7"
# cause = "waits"
# where = "endpoint"
# ms = 60
# ///
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.get("/orders/{order}")
async def order_status(order: int):
    time.sleep(0.06)  # FAULT
    return {"order": order}

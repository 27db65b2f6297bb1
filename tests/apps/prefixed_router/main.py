# /// app
# route = "GET /v1/orders/{order}"
# path = "/v1/orders/7"
# cause = "waits"
# where = "endpoint"
# ms = 60
# ///
from fastapi import FastAPI

from prefixed_router.orders import router

app = FastAPI()
app.include_router(router, prefix="/v1")


@app.get("/health")
async def health():
    return {"status": "ok"}

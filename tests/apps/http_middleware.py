# /// app
# route = "GET /items"
# cause = "waits"
# where = "middleware"
# ms = 60
# ///
import time

from fastapi import FastAPI
from starlette.middleware.base import BaseHTTPMiddleware

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


class RateLimit(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        if request.url.path != "/health":
            time.sleep(0.06)  # FAULT
        return await call_next(request)


app.add_middleware(RateLimit)


@app.get("/items")
async def items():
    return []

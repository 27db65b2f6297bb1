# /// app
# route = "GET /items"
# cause = "computes"
# where = "middleware"
# ms = 60
# ///
import hashlib

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


class Signature:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and scope["path"] != "/health":
            hashlib.pbkdf2_hmac("sha256", scope["path"].encode(), b"salt", 120_000)  # FAULT
        await self.app(scope, receive, send)


app.add_middleware(Signature)


@app.get("/items")
async def items():
    return []

# /// app
# route = "GET /login"
# cause = "computes"
# where = "endpoint"
# ms = 60
# ///
import hashlib

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.get("/login")
async def login(password: str = "secret"):
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), b"salt", 120_000)  # FAULT
    return {"digest": digest.hex()}

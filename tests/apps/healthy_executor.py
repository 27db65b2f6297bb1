# /// app
# route = "GET /login"
# ///
import asyncio
import hashlib

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.get("/login")
async def login():
    work = (hashlib.pbkdf2_hmac, "sha256", b"secret", b"salt", 120_000)
    digest = await asyncio.get_running_loop().run_in_executor(None, *work)
    return {"digest": digest.hex()}

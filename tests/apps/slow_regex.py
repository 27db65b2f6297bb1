# /// app
# route = "GET /validate"
# cause = "computes"
# where = "endpoint"
# ms = 60
# ///
import re

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


NAME = re.compile(r"(a+)+$")


@app.get("/validate")
async def validate(name: str = "a" * 20 + "!"):
    return {"valid": NAME.match(name) is not None}  # FAULT

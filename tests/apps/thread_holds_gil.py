# /// app
# route = "GET /search"
# cause = "cannot_run"
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


# In a worker thread, but `re` keeps the GIL for the whole match.
@app.get("/search")
def search(name: str = "a" * 20 + "!"):
    return {"valid": NAME.match(name) is not None}  # FAULT

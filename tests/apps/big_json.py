# /// app
# route = "GET /dump"
# cause = "computes"
# where = "endpoint"
# ms = 60
# ///
import json

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


ROWS = [{"id": i, "name": f"name {i}", "price": i / 7} for i in range(40_000)]


@app.get("/dump")
async def dump():
    text = json.dumps(ROWS)  # FAULT
    return {"bytes": len(text)}

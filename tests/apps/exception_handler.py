# /// app
# route = "GET /broken"
# status = 409
# cause = "waits"
# where = "other"
# ms = 65
# ///
import subprocess

from fastapi import FastAPI
from fastapi.responses import JSONResponse

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


class Conflict(Exception):  # noqa: N818
    pass


async def on_conflict(request, error):
    subprocess.run(["sleep", "0.06"], check=True)  # FAULT
    return JSONResponse({"error": "conflict"}, status_code=409)


app.add_exception_handler(Conflict, on_conflict)


@app.get("/broken")
async def broken():
    raise Conflict

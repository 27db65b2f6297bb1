# /// app
# route = "GET /convert"
# cause = "waits"
# where = "endpoint"
# ms = 65
# ///
import subprocess

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.get("/convert")
async def convert():
    done = subprocess.run(["sleep", "0.06"], check=True)  # FAULT
    return {"code": done.returncode}

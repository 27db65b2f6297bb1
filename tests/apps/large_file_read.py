# /// app
# route = "GET /export"
# cause = "computes"
# where = "endpoint"
# ms = 70
# ///
import tempfile
from pathlib import Path

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


folder = tempfile.TemporaryDirectory()
export = Path(folder.name, "export.csv")
with export.open("wb") as file:
    file.truncate(64_000_000)


@app.get("/export")
async def export_size():
    text = export.read_text()  # FAULT
    return {"characters": len(text)}

# /// app
# route = "GET /stock"
# cause = "waits"
# where = "endpoint"
# ms = 60
# ///
import sqlite3
import tempfile
from pathlib import Path

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


folder = tempfile.TemporaryDirectory()
path = Path(folder.name, "stock.sqlite")
writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
writer.execute("CREATE TABLE stock (item)")
writer.execute("BEGIN EXCLUSIVE")


@app.get("/stock")
async def stock():
    connection = sqlite3.connect(path, timeout=0.06)
    try:
        return {"items": connection.execute("SELECT count(*) FROM stock").fetchone()[0]}  # FAULT
    except sqlite3.OperationalError:
        return {"items": None}
    finally:
        connection.close()

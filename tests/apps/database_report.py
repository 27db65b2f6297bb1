# /// app
# route = "GET /report"
# cause = "computes"
# where = "endpoint"
# ms = 60
# ///
import sqlite3

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


SERIES = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT sum(i) FROM n"


@app.get("/report")
async def report():
    connection = sqlite3.connect(":memory:")
    total = connection.execute(SERIES).fetchone()[0]  # FAULT
    connection.close()
    return {"total": total}

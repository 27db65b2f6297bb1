# /// app
# route = "GET /admin/users"
# cause = "waits"
# where = "endpoint"
# ms = 60
# ///
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


admin = FastAPI()


@admin.get("/users")
async def users():
    time.sleep(0.06)  # FAULT
    return []


app.mount("/admin", admin)

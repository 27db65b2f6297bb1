# /// app
# app = "create_app"
# factory = true
# route = "GET /hello"
# cause = "waits"
# where = "endpoint"
# ms = 60
# ///
import time

from fastapi import FastAPI


def create_app():
    app = FastAPI()

    @app.get("/health")
    async def health():
        return {"status": "ok"}

    @app.get("/hello")
    async def hello():
        time.sleep(0.06)  # FAULT
        return {}

    return app

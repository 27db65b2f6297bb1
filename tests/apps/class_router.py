# /// app
# route = "GET /cart"
# cause = "waits"
# where = "endpoint"
# ms = 60
# ///
import time

from fastapi import APIRouter, FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


class Cart(APIRouter):
    def __init__(self):
        super().__init__()
        self.add_api_route("/cart", self.show)

    async def show(self):
        time.sleep(0.06)  # FAULT
        return []


app.include_router(Cart())

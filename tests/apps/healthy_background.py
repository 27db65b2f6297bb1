# /// app
# route = "GET /signup"
# ///
import time

from fastapi import BackgroundTasks, FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


def send_mail():
    time.sleep(0.06)


@app.get("/signup")
async def signup(tasks: BackgroundTasks):
    tasks.add_task(send_mail)
    return {}

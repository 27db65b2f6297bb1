# /// app
# route = "GET /signup"
# cause = "waits"
# where = "background"
# ms = 60
# ///
import socket
import threading
import time

from fastapi import BackgroundTasks, FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


mail = socket.create_server(("127.0.0.1", 0))


def serve_mail():
    while True:
        connection, _ = mail.accept()
        time.sleep(0.06)
        connection.sendall(b"220 ready")
        connection.close()


threading.Thread(target=serve_mail, daemon=True).start()


async def send_mail():
    with socket.create_connection(mail.getsockname()) as connection:
        connection.recv(100)  # FAULT


@app.get("/signup")
async def signup(tasks: BackgroundTasks):
    tasks.add_task(send_mail)
    return {"signed": "up"}

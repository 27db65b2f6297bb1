# /// app
# route = "GET /price"
# cause = "waits"
# where = "endpoint"
# ms = 60
# ///
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.06)
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"42")

    def log_message(self, *args):
        pass


upstream = HTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=upstream.serve_forever, daemon=True).start()
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@app.get("/price")
async def price():
    with opener.open(f"http://127.0.0.1:{upstream.server_port}/") as answer:  # FAULT
        return {"price": int(answer.read())}

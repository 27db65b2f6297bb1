# /// app
# route = "GET /chat"
# status = 101
# [headers]
# Connection = "Upgrade"
# Upgrade = "websocket"
# Sec-WebSocket-Version = "13"
# Sec-WebSocket-Key = "dGhlIHNhbXBsZSBub25jZQ=="
# ///
import asyncio

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.websocket("/chat")
async def chat(websocket: WebSocket):
    await websocket.accept()
    await asyncio.sleep(0.03)
    await websocket.send_text("hello")
    await websocket.close()

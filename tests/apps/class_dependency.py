# /// app
# route = "GET /token"
# cause = "computes"
# where = "dependency"
# ms = 60
# ///
import hashlib

from fastapi import Depends, FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


class Checker:
    def __init__(self, cost):
        self.cost = cost

    async def __call__(self):
        return hashlib.scrypt(b"secret", salt=b"salt", n=self.cost, r=8, p=1).hex()  # FAULT


@app.get("/token")
async def token(checked: str = Depends(Checker(2**14))):
    return {"token": checked}

# /// app
# route = "GET /totals"
# cause = "computes"
# where = "endpoint"
# ms = 60
# ///
from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


ROWS = [{"customer": i % 97, "price": i % 13, "count": i % 5} for i in range(50_000)]


@app.get("/totals")
async def totals():
    by_customer = {}
    for _ in range(5):
        for row in ROWS:  # FAULT
            value = row["price"] * row["count"]  # FAULT
            by_customer[row["customer"]] = by_customer.get(row["customer"], 0) + value  # FAULT
    return {"customers": len(by_customer)}

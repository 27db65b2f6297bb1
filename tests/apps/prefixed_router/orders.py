from fastapi import APIRouter

from prefixed_router.storage import load

router = APIRouter(prefix="/orders")


@router.get("/{order}")
async def show(order: int):
    return load(order)

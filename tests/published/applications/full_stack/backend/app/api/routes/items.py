"""The items, public and one's own."""

from fastapi import APIRouter

from app.api.deps import TokenDep

router = APIRouter(prefix="/items", tags=["items"])


@router.get("/")
def read_items() -> list[str]:
    return ["Emma", "Ulysses"]


@router.get("/mine")
def read_own_items(token: TokenDep) -> list[str]:
    return []

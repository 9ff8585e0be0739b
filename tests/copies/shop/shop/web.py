"""Takes orders."""

from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .tables import Order, engine

app = FastAPI(title="shop")


@app.post("/orders/{item}", status_code=201)
def order(item: str) -> int:
    with Session(engine) as session, session.begin():
        session.add(one := Order(item=item))
        session.flush()
        return one.id


@app.get("/orders")
def orders() -> dict[str, int]:
    with Session(engine) as session:
        count = select(func.count()).select_from(Order)
        waiting = session.scalar(count.where(Order.shipped.is_(False))) or 0
        return {"all": session.scalar(count) or 0, "waiting": waiting}

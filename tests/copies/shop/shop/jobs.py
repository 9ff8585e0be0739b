"""The worker: ships orders, one after the other. SIGTERM lets it end the one that it has begun."""

import signal
import threading
import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from .tables import Order, engine

WORK_SECONDS = 0.2
stopping = threading.Event()


def ship() -> bool:
    """Ship one, if one waits. `skip_locked`: not the one that another worker has; if this one is killed, the
    transaction ends and another ships it."""
    waiting = select(Order).where(Order.shipped.is_(False)).order_by(Order.id).limit(1)
    with Session(engine) as session, session.begin():
        order = session.scalar(waiting.with_for_update(skip_locked=True))
        if not order:
            return False
        number = order.id
        print(f"order {number} begun", flush=True)
        time.sleep(WORK_SECONDS)
        order.shipped = True
    print(f"order {number} shipped", flush=True)
    return True


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    print("the worker waits for orders", flush=True)
    while not stopping.is_set():
        if not ship():
            stopping.wait(0.2)
    print("the worker ends", flush=True)

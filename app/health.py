"""Liveness and readiness, outside the schema."""

import signal

from fastapi import APIRouter, Response

router = APIRouter(include_in_schema=False)
_draining = False


def drain_on_sigterm() -> None:
    """Makes /readyz answer 503 from the stop signal on; the server's own handler still runs."""
    before = signal.getsignal(signal.SIGTERM)

    def handler(number, frame):
        global _draining
        _draining = True
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, handler)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(response: Response) -> dict[str, str]:
    if _draining:
        response.status_code = 503
        return {"status": "draining"}
    return {"status": "ready"}

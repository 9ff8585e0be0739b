"""`python -m bench.sockets URL COUNT SECONDS`: echoes over COUNT WebSockets, one at a time on each."""

import asyncio
import json
import sys
import time
from statistics import quantiles

from websockets.asyncio.client import connect


async def measure(url: str, count: int, seconds: float) -> dict:
    took: list[float] = []
    sockets = []
    for _ in range(count):
        sockets.append(await connect(url, proxy=None, compression=None, ping_interval=None))
    began = time.monotonic()

    async def echo(socket) -> int:
        failed = 0
        while time.monotonic() < began + seconds:
            start = time.monotonic()
            await socket.send("echo")
            failed += await socket.recv() != "echo"
            took.append(time.monotonic() - start)
        return failed

    failed = sum(await asyncio.gather(*(echo(socket) for socket in sockets)))
    lasted = time.monotonic() - began
    await asyncio.gather(*(socket.close() for socket in sockets))
    cuts = quantiles(took, n=100)
    return {"requests": len(took), "failed": failed, "seconds": lasted, "p50": cuts[49], "p99": cuts[98]}


print(json.dumps(asyncio.run(measure(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))))

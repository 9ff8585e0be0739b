"""`python -m tests.worker [nothing]`: jobs of a second each; SIGTERM lets it end the one that it has begun.

With an argument it cannot start.
"""

import signal
import sys
import time

if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit("no broker")
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    while not stopping:
        print("job begun", flush=True)
        time.sleep(1)
        print("job ended", flush=True)
    print("the worker ends", flush=True)

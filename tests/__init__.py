"""The tests, which run this clone's source: before anything installed, and in what they start too."""

import os
import sys
from pathlib import Path

SOURCE = str(Path(__file__).resolve().parents[1] / "src")
if SOURCE not in sys.path:
    sys.path.insert(0, SOURCE)
os.environ["PYTHONPATH"] = SOURCE

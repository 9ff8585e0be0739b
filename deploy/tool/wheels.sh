#!/usr/bin/env bash
# Builds both packages into build/dist, with the same bytes wherever the same commit is built.
set -euo pipefail
cd "$(dirname "$0")/../.."
# Without git, for example in an unpacked archive, hatchling has a constant date of its own.
if [ -z "${SOURCE_DATE_EPOCH:-}" ] && date=$(git log -1 --format=%ct 2>/dev/null); then
  export SOURCE_DATE_EPOCH=$date
fi
rm -rf build/dist
for package in . src/behindproxy_serve; do
  # The wheel from the source distribution: so that is complete. The tools are the pinned ones.
  build/venv/bin/python -m build --no-isolation --outdir build/dist "$package" >/dev/null
done
PYTHONPATH=src build/venv/bin/python -m behindproxy.scaffold.wheels build/dist
ls -1 build/dist

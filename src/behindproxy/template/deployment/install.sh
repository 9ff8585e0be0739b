#!/bin/sh
# Installs the application's packages into the virtual environment $1, as its own files ask for them
# (a lock file before requirements.txt before pyproject.toml), and then what serves it: that has to
# fit them, and not they it.
set -eu
cd "$(dirname "$0")/.."
venv=$1
pip() { "$venv/bin/python" -m pip "$@"; }
export PIP_QUIET=1 PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

# $1 reads the lock file, from an environment of its own: `$venv.lock/bin/…`.
reader() {
  "$venv/bin/python" -m venv "$venv.lock"
  # shellcheck disable=SC2086 # two names
  "$venv.lock/bin/python" -m pip install $1
}

wanted=$venv/wanted.txt
if [ -f uv.lock ]; then
  reader uv
  "$venv.lock/bin/uv" export --quiet --frozen --no-dev --no-emit-project --output-file "$wanted" >/dev/null
elif [ -f poetry.lock ]; then
  reader "poetry poetry-plugin-export"
  "$venv.lock/bin/poetry" export --quiet --only main --output "$wanted"
elif [ -f requirements.txt ]; then
  wanted=requirements.txt
elif [ -f pyproject.toml ]; then
  # Its dependencies, and not the project: that is served from its source.
  "$venv/bin/python" -c '
import tomllib
project = tomllib.load(open("pyproject.toml", "rb")).get("project", {})
print(*project.get("dependencies", []), sep="\n")' >"$wanted"
else
  : >"$wanted"
fi
rm -rf "$venv.lock"
pip install -r "$wanted"
pip freeze --exclude-editable >"$venv/theirs.txt"
pip install -r deployment/serve.txt -c "$venv/theirs.txt"

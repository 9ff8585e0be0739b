#!/usr/bin/env bash
# Makes build/venv and installs requirements/$1.txt into it. Says one line when it cannot.
set -euo pipefail
cd "$(dirname "$0")/../../.."
self=$PWD/src/behindproxy/make/environment.sh
pins=$PWD/requirements/$1.txt
build=build
venv=$build/venv log=$build/pip.log
stamp=$venv/.$1
# src/behindproxy/stack/made.py removes the whole folder where this is its first line.
made='# Made by make; make clean removes this folder.'

# It does not outlive its Python: where the system gets another one, it is dead or has no packages any more.
works() {
  "$venv/bin/python" -I -c 'import importlib.util as u, sys; sys.exit(not u.find_spec("pip"))' 2>/dev/null
}
installed() { cmp -s "$venv/.$1" "${pins%/*}/$1.txt" 2>/dev/null && works; }
if installed "$1"; then exit 0; fi
if [ "$1" = stack ] && installed verify; then exit 0; fi # verify.txt has all of stack.txt

fail() { echo "$*" >&2; exit 1; }

python=
for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || fail "no Python 3.11 or newer: install one, or name it, for example \
make PYTHON=/opt/python3.13/bin/python3 up"
# Debian splits venv off; without ensurepip the environment would come without pip.
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
  fail "$python has no venv: apt-get install $(
    "$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
  )"

if mkdir "$build" 2>/dev/null; then
  printf '%s\n' "$made" '*' >"$build/.gitignore"
fi
[ -w "$build" ] || fail "$build/ cannot be written: make down, then give it to this user \
(sudo chown -R $(id -un) $build)"
# Two at once would write into the same environment: the second waits, and then finds it made.
if [ -z "${ENVIRONMENT_LOCKED:-}" ]; then
  exec "$python" -c '
import fcntl, os, sys
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
os.set_inheritable(lock.fileno(), True)
os.environ["ENVIRONMENT_LOCKED"] = "1"
os.execv(sys.argv[2], sys.argv[2:])' "$build/venv.lock" "$self" "$1"
fi
# A stamp of an interrupted or outdated install is gone before pip starts, so it is repeated.
rm -f "$stamp"
if ! works; then
  rm -rf "$venv"
  "$python" -m venv "$venv" >"$log" 2>&1 || fail "no virtual environment could be made: see $log"
fi
echo "installing requirements/$1.txt into $venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$pins" \
  >"$log" 2>&1 ||
  fail "the Python packages could not be installed, is there a network? The reason is in $log: \
$(grep -m1 -i error "$log" | cut -c1-120)"
cp "$pins" "$stamp"

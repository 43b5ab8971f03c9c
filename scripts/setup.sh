#!/bin/sh
# Makes .venv from requirements.lock and the layers of the functions; says in one line what is missing.
set -eu

if [ -z "${PYTHON:-}" ]; then
  echo "canary needs Python 3.11 or newer on PATH (found: $(python3 --version 2>/dev/null || echo none)). Install it, or call: make setup PYTHON=/path/to/python3.11" >&2
  exit 2
fi
rm -f .venv/.ready
if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  rm -rf .venv
  echo "setup: making .venv with $("$PYTHON" --version)"
  if ! "$PYTHON" -m venv .venv 2>.venv-error; then
    cat .venv-error >&2; rm -rf .venv .venv-error
    echo "setup: $PYTHON has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2
    exit 2
  fi
  rm -f .venv-error
fi
echo "setup: installing the locked packages (about 280 MB to download the first time)"
[ -x .venv/bin/uv ] || .venv/bin/python -m pip install -q --disable-pip-version-check "uv==$(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements.lock)"
# uv reads its own certificate settings; pip's are honoured when only they are set.
if [ -n "${PIP_CERT:-}" ] && [ -z "${SSL_CERT_FILE:-}" ]; then export SSL_CERT_FILE="$PIP_CERT"; fi
.venv/bin/uv pip sync -q --python .venv/bin/python --require-hashes requirements.lock
.venv/bin/uv pip install -q --python .venv/bin/python --no-deps --editable .
echo "setup: building the functions' layers"
.venv/bin/python scripts/build_layer.py
touch .venv/.ready
echo "setup: done"

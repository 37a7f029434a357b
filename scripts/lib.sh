# Shared by the scripts: finds a Python, makes .venv in the checkout and installs into it.
# Sourced, not run. Sets VENV and PY.

say() { printf '%s\n' "$*" >&2; }

# The Pythons this machine has that are new enough, $PYTHON first, then the newest, one path a line.
pythons() {
    local candidate place
    {
        printf '%s\n' ${PYTHON:+"$PYTHON"}
        for candidate in python3.15 python3.14 python3.13 python3.12 python3.11 python3 python; do
            command -v "$candidate" || true
        done
        if [ -d "${PYENV_ROOT:-$HOME/.pyenv}/versions" ]; then
            ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python 2>/dev/null || true
        fi
    } | while read -r candidate; do
        [ -n "$candidate" ] || continue
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        [ "$candidate" = "${PYTHON:-}" ] && place=0 || place=1
        "$candidate" -c 'import sys; print(sys.argv[1], *sys.version_info[:2], sys.executable)' $place 2>/dev/null
    done | awk '!seen[$2 "." $3]++' | sort -k1,1n -k2,2nr -k3,3nr | cut -d " " -f 4-
}

# make_venv DIR PYTHON: a virtual environment of that Python, recreated if it is broken or of another one.
make_venv() {
    local dir=$1 python=$2 wanted have
    wanted=$("$python" -c 'import sys; print(sys.version)')
    have=$("$dir/bin/python" -c 'import sys; print(sys.version)' 2>/dev/null || "$dir/Scripts/python" -c 'import sys; print(sys.version)' 2>/dev/null || true)
    [ "$wanted" = "$have" ] && return 0
    rm -rf "$dir"
    if command -v uv >/dev/null 2>&1 && uv venv --quiet --seed --python "$python" "$dir" 2>/dev/null; then
        return 0
    fi
    if "$python" -m venv "$dir" 2>/dev/null; then
        return 0
    fi
    rm -rf "$dir"
    # Debian's python3 comes without venv: virtualenv does the same without touching the system.
    "$python" -m pip install -qq --disable-pip-version-check --target "$dir.virtualenv" virtualenv >&2 &&
        PYTHONPATH="$dir.virtualenv" "$python" -m virtualenv --quiet "$dir" >&2 || {
        say "error: $python cannot create a virtual environment. On Debian or Ubuntu: apt install python3-venv"
        return 1
    }
}

# set_up [DIR] [PYTHON]: installs the project and the dependencies of its checks; fast if nothing changed.
set_up() {
    local dir=${1:-.venv} python=${2:-$(pythons | head -n 1)} stamp
    if [ -z "$python" ]; then
        say "error: Python 3.11 or newer is needed, and none was found. Install one, or set PYTHON=/path/to/python."
        return 1
    fi
    make_venv "$dir" "$python"
    PY="$dir/bin/python"
    [ -x "$PY" ] || PY="$dir/Scripts/python"
    VENV=$dir
    stamp=$("$PY" -c 'import hashlib, sys; print(hashlib.sha256(open("pyproject.toml", "rb").read() + sys.version.encode()).hexdigest())')
    if [ "$(cat "$dir/.installed" 2>/dev/null)" != "$stamp" ]; then
        say "setting up $dir with $("$PY" --version) …"
        if command -v uv >/dev/null 2>&1; then
            # With bytecode, as pip makes it: otherwise each process that cannot write any compiles all it imports.
            uv pip install --quiet --compile-bytecode --python "$PY" --editable '.[dev]'
        else
            "$PY" -m pip install -qq --disable-pip-version-check --editable '.[dev]'
        fi
        printf '%s' "$stamp" >"$dir/.installed"
    fi
}

# apt_install PACKAGE...: installs Debian's packages, whose services it does not start; quiet.
apt_install() (
    policy=/usr/sbin/policy-rc.d # asked before a package starts its service
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    {
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"
    } >/dev/null 2>&1
)

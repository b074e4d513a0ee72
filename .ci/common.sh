# Read by the scripts beside it: where we are, how a step is shown, which Python.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset PYTHONDONTWRITEBYTECODE
export PYTHONUNBUFFERED=1

VENV_PYTHON=.venv/bin/python
STAMPS=var/stamps
SETUP_LOG=var/log/setup.log
mkdir -p "$STAMPS" "$(dirname "$SETUP_LOG")"

die() {
    printf '\n%s\n' "$*" >&2
    exit 1
}

# step "What is being done" command…   One line on the screen, seconds ticking on a terminal; the rest in the log.
step() {
    local label=$1 started=$SECONDS ticker=""
    shift
    printf '== %s\n' "$label" >>"$SETUP_LOG"
    if [ -t 1 ]; then
        (while :; do printf '\r  … %s (%d s)' "$label" $((SECONDS - started)); sleep 1; done) &
        ticker=$!
    else
        printf '  … %s\n' "$label"
    fi
    local status=0
    "$@" >>"$SETUP_LOG" 2>&1 </dev/null || status=$?
    if [ -n "$ticker" ]; then
        kill "$ticker" 2>/dev/null && wait "$ticker" 2>/dev/null || true
        printf '\r'
    fi
    if [ "$status" -eq 0 ]; then
        printf '  ✓ %s (%d s)\n' "$label" $((SECONDS - started))
    else
        printf '  ✗ %s\n' "$label"
        tail -n 25 "$SETUP_LOG" >&2
    fi
    return "$status"
}

# fingerprint FILE…   One hash for the contents and names of these files and folders.
fingerprint() {
    find "$@" -type f ! -path '*/__pycache__/*' ! -name '*.mo' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
}

# done_before NAME HASH: was this step done with the same material?   remember NAME HASH: it is now.
done_before() { [ "$(cat "$STAMPS/$1" 2>/dev/null)" = "$2" ]; }
remember() { printf '%s\n' "$2" >"$STAMPS/$1"; }

# The process of the site that was started in this folder, or nothing. A number can have gone to another process since:
# its command line and its folder say whether it is ours.
running_site() {
    local pid command_line
    pid=$(cat var/serve.pid 2>/dev/null || true)
    command_line=$( (tr '\0' ' ' <"/proc/${pid:-none}/cmdline") 2>/dev/null || true)
    if [[ $command_line == *"manage.py serve"* ]] && [ "$(readlink "/proc/$pid/cwd")" = "$PWD" ]; then echo "$pid"; fi
}

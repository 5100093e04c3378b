# Sourced by the scripts beside it: system packages, .venv, and the package built into it.
# Every step does nothing when nothing has changed since it last succeeded.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
VENV=$ROOT/.venv
PYTHON=$VENV/bin/python
JOBS=${GEMEL_JOBS:-$(nproc)}
STARTED=$SECONDS

export CMAKE_BUILD_PARALLEL_LEVEL=$JOBS PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH PYTHONHOME

SYSTEM_PACKAGES="g++ cmake ninja-build ccache pkg-config libfmt-dev nlohmann-json3-dev libhwy-dev
  libopenblas-openmp-dev libjpeg62-turbo-dev libpng-dev libsqlite3-dev libcurl4-openssl-dev libgtest-dev libgmock-dev
  libbenchmark-dev graphviz"

say() { printf '[%4ds] %s\n' $((SECONDS - STARTED)) "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Every ten seconds, how far the build whose output goes to a file has come.
heartbeat() {
  local seen shown=
  while sleep 10 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
    seen=$(grep -oE '\[ *[0-9]+/[0-9]+\]' "$1" 2>/dev/null | tail -n 1) || true
    [[ -z $seen || $seen == "$shown" ]] || say "  built $seen"
    shown=$seen
  done
}

# quietly NAME COMMAND...: output goes to build/logs/NAME.log; its end is shown if the command fails.
quietly() {
  local log=$ROOT/build/logs/$1.log beat status=0
  shift
  mkdir -p "$ROOT/build/logs"
  : >"$log"
  heartbeat "$log" &
  beat=$!
  "$@" >"$log" 2>&1 </dev/null || status=$?
  kill "$beat" 2>/dev/null && wait "$beat" 2>/dev/null || true
  ((status)) || return 0
  grep -E -m 20 'error:|Error|FAILED' "$log" >&2 || true
  tail -n 40 "$log" >&2
  printf 'failed: %s (all of it: %s)\n' "$*" "$log" >&2
  return 1
}

usable_python() {
  "$1" -c 'import os, sys, sysconfig, venv, ensurepip
header = os.path.join(sysconfig.get_path("include"), "Python.h")
sys.exit(sys.version_info < (3, 10) or not os.path.exists(header))' >/dev/null 2>&1
}

find_python() {
  local candidate
  for candidate in ${GEMEL_PYTHON:-} python3 /usr/bin/python3 python3.{14,13,12,11,10}; do
    if usable_python "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

# Debian and its children: installs what is missing. Elsewhere the build says what it lacks.
install_system_packages() {
  command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || return 0
  local package wanted=$SYSTEM_PACKAGES missing=() elevate=()
  find_python >/dev/null || wanted+=" python3 python3-venv python3-dev"
  for package in $wanted; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "please install these packages: ${missing[*]}"
    elevate=(sudo)
  fi
  say "installing system packages: ${missing[*]}"
  quietly apt-update "${elevate[@]}" apt-get update -qq || true
  quietly apt "${elevate[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" || return 1
}

# make_venv EXTRA...: .venv with all that is needed to build and run, and the extras' packages.
make_venv() {
  local python stamp=$VENV/.requirements
  if ! "$PYTHON" -m pip --version >/dev/null 2>&1; then
    python=$(find_python) ||
      fail "no Python >= 3.10 with venv and headers found; set GEMEL_PYTHON to one"
    say "making .venv with $("$python" --version)"
    quietly venv "$python" -m venv --clear "$VENV" || return 1
  fi
  # What is installed is remembered line by line, so that scripts with other extras can alternate.
  local list missing
  list=$("$PYTHON" tools/requirements.py "$@")
  touch "$stamp"
  missing=$(grep -vxFf "$stamp" <<<"$list" || true)
  [[ -n $missing ]] || return 0
  say "installing Python packages into .venv"
  local requirements
  mapfile -t requirements <<<"$list"
  quietly pip-requirements "$PYTHON" -m pip install "${requirements[@]}" || return 1
  cat "$stamp" - <<<"$list" | sort -u >"$stamp.new"
  mv "$stamp.new" "$stamp"
}

package_fingerprint() {
  find CMakeLists.txt pyproject.toml cmake include src bindings/python -type f \
    -not -name '*.pyc' -not -path 'bindings/python/tests/*' \
    -printf '%p %s %T@\n' 2>/dev/null | sort | sha256sum || true
}

# Builds in build/python, which is kept, and installs the package into .venv.
install_package() {
  local stamp=$VENV/.package now
  now=$(package_fingerprint)
  if [[ -f $stamp && $(<"$stamp") == "$now" ]] && "$PYTHON" -m pip show -q gemel 2>/dev/null; then
    return
  fi
  say "building the package and installing it into .venv (log: build/logs/package.log)"
  rm -f "$stamp"
  quietly package "$PYTHON" -m pip install --no-build-isolation --no-deps -v . || return 1
  echo "$now" >"$stamp"
}

# setup EXTRA...: everything above.
setup() {
  install_system_packages && make_venv "$@" && install_package &&
    say "ready: gemel is installed in .venv"
}

#!/usr/bin/env bash
# Builds with AddressSanitizer (and its leak check) and UndefinedBehaviorSanitizer in a folder of its
# own, and runs the tests under them. Takes an hour of a slow machine; not part of ./test.
# usage: .ci/sanitize.sh [REGEX]     only the tests whose name matches; builds what they need
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/setup.sh
install_packages build test
fetch_arrow
fetch_flights
make_tool_python
dir=build-asan
# A cache of its own, so that these objects do not push out those of the usual build.
export CCACHE_DIR=$TROUPE_CACHE/ccache-sanitize CCACHE_MAXSIZE=10G
# CAF's headers bind references to null on purpose, and g++ warns of paths that only exist sanitized.
[ -e $dir/build.ninja ] || quietly "configuring" env CXX="ccache g++" meson setup $dir \
  -Db_sanitize=address,undefined -Db_lundef=false -Dwerror=false -Doptimization=1 \
  -Dcpp_args="-g1 -fno-omit-frame-pointer -fno-sanitize=null" -Darrow_dir="$ARROW_DIR"
mapfile -t targets < <(python3 - $dir "${1:-}" <<'PY'
import json, os, re, subprocess, sys
build, only = sys.argv[1], re.compile(sys.argv[2])
tests = json.loads(subprocess.check_output(["meson", "introspect", "--tests", build]))
built = {os.path.relpath(file, os.path.abspath(build)) for target in
         json.loads(subprocess.check_output(["meson", "introspect", "--targets", build]))
         for file in target["filename"]}
words = {os.path.relpath(word, os.path.abspath(build)) if os.path.isabs(word) else word
         for test in tests if only.search(test["name"]) for word in test["cmd"]}
print("\n".join(sorted(words & built)))
PY
)
quietly "building ${#targets[@]} programs" ninja -C $dir "${targets[@]}"
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TROUPE_FLIGHTS=$FLIGHTS_DIR TROUPE_TOOL_PYTHON=$TOOL_PYTHON
exec python3 .ci/run_tests.py $dir "$@"

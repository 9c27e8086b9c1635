#!/usr/bin/env bash
# Builds with AddressSanitizer (and its leak check) and UndefinedBehaviorSanitizer in a folder of its
# own, or with ThreadSanitizer in another one, and runs the tests under them. Takes hours of a slow
# machine; not part of ./test.
# usage: .ci/sanitize.sh [--threads] [REGEX]   only the tests whose name matches; builds what they need
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/setup.sh
dir=build-asan what=address,undefined
if [ "${1:-}" = --threads ]; then
  shift
  dir=build-tsan what=thread
  install_packages build threads
  # A second CAF and ZeroMQ, which say in what order their threads do things.
  INSTRUMENTED=$TROUPE_CACHE/threads-1
  .ci/instrument.sh "$INSTRUMENTED"
fi
install_packages build test
fetch_arrow
fetch_flights
make_tool_python
# A cache of its own, so that these objects do not push out those of the usual build.
export CCACHE_DIR=$TROUPE_CACHE/ccache-sanitize CCACHE_MAXSIZE=10G CCACHE_DEPEND=1
# CAF's headers bind references to null on purpose, and g++ warns of paths that only exist sanitized.
[ -e $dir/build.ninja ] || quietly "configuring" env CXX="ccache g++" meson setup $dir \
  -Db_sanitize=$what -Db_lundef=false -Dprecompiled=false -Dwerror=false -Doptimization=1 \
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
# A node that a test starts says it where nobody looks: reports are files, and each is a failure.
REPORTS=$PWD/$dir/reports
rm -rf "$REPORTS"
mkdir -p "$REPORTS"
# One test preloads a disk that fails, before the sanitizer's own library.
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:verify_asan_link_order=0:log_path=$REPORTS/asan
export TROUPE_SLOWNESS=10
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:log_path=$REPORTS/ubsan
if [ $what = thread ]; then
  export LD_LIBRARY_PATH=$INSTRUMENTED/lib
  # A long history, so that a report knows both stacks and its suppression matches.
  export TSAN_OPTIONS="suppressions=$PWD/.ci/tsan-suppressions.txt second_deadlock_stack=1"
  TSAN_OPTIONS+=" history_size=7 log_path=$REPORTS/tsan"
  # Arrow's own allocators hand memory from thread to thread unseen; malloc is seen.
  export ARROW_DEFAULT_MEMORY_POOL=system
fi
export TROUPE_FLIGHTS=$FLIGHTS_DIR TROUPE_TOOL_PYTHON=$TOOL_PYTHON
failed=0
python3 .ci/run_tests.py $dir "$@" || failed=1
for report in "$REPORTS"/*; do
  [ -e "$report" ] || continue
  failed=1
  echo "---- $report"
  head -c 20000 "$report"
done
exit $failed

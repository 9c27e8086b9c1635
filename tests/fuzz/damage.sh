#!/usr/bin/env bash
# Cuts files of all four formats and turns single bits in them, many more than ./test does, and holds
# every reader to what it must do: read what Arrow's own reader reads, or refuse the file as its
# user's, without a signal, a hang, or more than 1 GiB of memory.
# usage: tests/fuzz/damage.sh [N [SEED]]   N cuts and N turned bits of each format (5000)
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$PWD/${BUILD_DIR:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for format in csv ipc jsonl parquet; do
  target=tests/fuzz/test-$format-file-fuzz
  ninja -C "$build" "$target" >/dev/null
  printf '%s: ' "$format"
  (cd "$work" && "$build/$target" --damage "${1:-5000}" "${2:-1}")
done

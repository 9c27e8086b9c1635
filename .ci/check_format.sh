#!/usr/bin/env bash
# Fails where a file is not as clang-format 14 would write it, and names the way out.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! git ls-files -z '*.hpp' '*.cpp' | xargs -0 -P2 -n16 clang-format-14 --dry-run -Werror; then
  echo "mend: git ls-files '*.hpp' '*.cpp' | xargs clang-format-14 -i"
  exit 1
fi

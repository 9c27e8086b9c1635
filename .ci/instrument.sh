#!/usr/bin/env bash
# Builds CAF and ZeroMQ with ThreadSanitizer from the sources of the Debian packages that we link, of
# the same versions, as shared libraries with the same names: LD_LIBRARY_PATH puts them before those
# of Debian, and what is built against Debian's headers runs on either. Without this, a message that
# one thread hands to another through CAF or ZeroMQ looks like a race.
# usage: .ci/instrument.sh DIRECTORY     the libraries are in DIRECTORY/lib
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/setup.sh
directory=$1
export CCACHE_DIR=$TROUPE_CACHE/ccache-sanitize CCACHE_MAXSIZE=10G
[ -e "$directory/.complete" ] && exit 0

CAF=actor-framework=0.17.6-2.1
CAF_SHA256=e2bf5bd243f08bb7d8adde197cfe3e6d71314ed3378fe0692f8932f4c3b3928c
ZMQ=zeromq3=4.3.4-6
ZMQ_SHA256=0ff5a531c9ffaf0dfdc7dc78d13d1383088f454896d252934c429b2554d10559

rm -rf "$directory"
mkdir -p "$directory"/{sources.d,lists/partial,caf,zmq,lib}

# What this machine gets its packages from, asked for sources; its own configuration is left alone.
for list in /etc/apt/sources.list.d/*.sources; do
  sed 's/^Types:.*/Types: deb-src/' "$list" >"$directory/sources.d/$(basename "$list")"
done
[ ! -e /etc/apt/sources.list ] ||
  sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$directory/sources.d/here.list"
apt_sources() {
  apt-get -q -o Dir::Etc::sourcelist=- -o "Dir::Etc::sourceparts=$directory/sources.d" \
    -o "Dir::State::lists=$directory/lists" -o APT::Sandbox::User="$(id -un)" "$@"
}
cd "$directory"
quietly "lists of sources" apt_sources update
# Without Debian's patches of CAF: they change no header of its core (compared with those installed).
quietly "fetching the sources of CAF" apt_sources source --download-only --tar-only "$CAF"
quietly "fetching the sources of ZeroMQ" apt_sources source --download-only "$ZMQ"
echo "$CAF_SHA256  $(ls actor-framework_*.orig.tar.gz)" | sha256sum --check --status
echo "$ZMQ_SHA256  $(ls zeromq3_*.orig.tar.gz)" | sha256sum --check --status
tar -xzf actor-framework_*.orig.tar.gz -C caf --strip-components=1
tar -xzf zeromq3_*.orig.tar.gz -C zmq --strip-components=1
tar -xJf zeromq3_*.debian.tar.xz -C zmq
while read -r patch; do
  quietly "patch $patch" patch -d zmq -p1 -i "debian/patches/$patch"
done <zmq/debian/patches/series

flags="-fsanitize=thread -O1 -g1 -fno-omit-frame-pointer -w"
options=(-G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_COMPILER_LAUNCHER=ccache
  -DCMAKE_C_COMPILER_LAUNCHER=ccache "-DCMAKE_C_FLAGS=$flags")
quietly "configuring CAF" cmake -S caf -B caf/build "${options[@]}" \
  "-DCMAKE_CXX_FLAGS=-std=c++14 $flags" \
  -DCAF_NO_{IO,TOOLS,EXAMPLES,UNIT_TESTS,OPENCL,OPENSSL,PYTHON}=yes
quietly "building CAF" ninja -C caf/build libcaf_core_shared
# Its own wrappers of atomic operations are assembler for old compilers; C++11 gives it std::atomic.
quietly "configuring ZeroMQ" cmake -S zmq -B zmq/build "${options[@]}" \
  "-DCMAKE_CXX_FLAGS=-std=c++14 $flags" -DWITH_LIBSODIUM=ON \
  -DENABLE_CURVE=ON -DENABLE_DRAFTS=OFF -DBUILD_TESTS=OFF -DBUILD_STATIC=OFF -DWITH_DOCS=OFF \
  -DWITH_PERF_TOOL=OFF -DENABLE_CPACK=OFF -DWITH_TLS=OFF -DENABLE_WS=OFF
quietly "building ZeroMQ" ninja -C zmq/build libzmq
find caf/build zmq/build -name 'lib*.so*' -exec cp -d {} lib/ \;
rm -rf sources.d lists caf zmq ./*.tar.* ./*.dsc
touch .complete

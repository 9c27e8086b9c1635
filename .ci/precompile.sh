#!/bin/sh
# Precompiles a header. Beside it goes a sum of what it was made of, by which ccache knows it: the
# compiler's own output is another one each time.
# usage: precompile.sh HEADER OUTPUT DEPFILE COMPILER FLAG...
set -e
header=$1 output=$2 depfile=$3
shift 3
"$@" -x c++-header "$header" -o "$output" -MD -MF "$depfile" -MQ "$output"
{ echo "$@"; "$@" -x c++-header -E "$header"; } | sha256sum >"$output.sum"

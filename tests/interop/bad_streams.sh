#!/usr/bin/env bash
# Streams that misbehave, and the others beside them.
#   tests/interop/bad_streams.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

interop_up "$1" "$PWD/tests/interop/federation-tcp.yaml"
check_python bad_streams.py
interop_end

#!/usr/bin/env bash
# Malformed frames of every layer raise counters by their names; the relay still relays.
#   tests/interop/bad_frames.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

interop_up "$1"
check_python bad_frames.py
result "the dataplane is the same process as before" \
  "$(kill -0 "${world_pid[dataplane]}" 2>/dev/null; echo $?)"
interop_end

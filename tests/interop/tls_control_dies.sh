#!/usr/bin/env bash
# Control is killed again and again under many TLS sessions with traffic and KeyUpdates; it hangs, and
# another one attaches.
#   tests/interop/tls_control_dies.sh BUILD_DIR
#
# SESSIONS (200) of both versions, KILLS (20): 1000 and 100 take five minutes.
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh
# shellcheck disable=SC2034
world_control_options=(--handshakes-source 0 --handshakes-all 0)

command -v openssl >/dev/null || { echo "skip - openssl is not installed"; exit 0; }
interop_certificates=(fabrikam.example contoso-tls.example woodgrove.example litware.example)
interop_up "$1" "$PWD/tests/interop/federation-tls.yaml"
export INTEROP_CA=$world_dir/ca INTEROP_TALKER=$world_build/tests/wire/secure-talker
export INTEROP_SESSIONS=${SESSIONS:-200} INTEROP_KILLS=${KILLS:-20} INTEROP_DIR=$world_dir
# From here on the script starts and ends control.
world_end control
world_control_command
interop_seconds=900 check_python tls_control_dies.py "${world_command[@]}"
check "control starts for good" world_control
interop_end

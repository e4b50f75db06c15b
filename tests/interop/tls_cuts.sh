#!/usr/bin/env bash
# What cuts live TLS sessions, and what does not: a published block, a certificate on a new CRL, a
# renewed certificate of ours.
#   tests/interop/tls_cuts.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

command -v openssl >/dev/null || { echo "skip - openssl is not installed"; exit 0; }
interop_certificates=(fabrikam.example contoso-tls.example woodgrove.example litware.example)
document=$PWD/tests/interop/federation-tls.yaml
interop_up "$1" "$document"
export INTEROP_CA=$world_dir/ca INTEROP_CERTIFICATES=$world_dir/certificates
export INTEROP_DOCUMENT=$document INTEROP_DIR=$world_dir
# From here on the script starts and ends control.
world_end control
world_control_command
check_python tls_cuts.py "${world_command[@]}"
check "control starts for good" world_control
interop_end

#!/usr/bin/env bash
# OpenSSL's own client and server against the relay: every suite of both versions, certificates by EC
# and RSA, records and segments cut and joined anywhere.
#   tests/interop/tls_openssl.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

command -v openssl >/dev/null || { echo "skip - openssl is not installed"; exit 0; }
interop_certificates=(fabrikam.example contoso-tls.example woodgrove.example litware.example)
document=$PWD/tests/interop/federation-tls.yaml
interop_up "$1" "$document"
export INTEROP_CA=$world_dir/ca INTEROP_CERTIFICATES=$world_dir/certificates
export INTEROP_DOCUMENT=$document INTEROP_DIR=$world_dir
check_python tls_openssl.py
interop_end

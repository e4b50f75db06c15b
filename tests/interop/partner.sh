#!/usr/bin/env bash
# `fedctl test partner` and `fedctl sessions` against OpenSSL as partner, well and ill.
#   tests/interop/partner.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

command -v openssl >/dev/null || { echo "skip - openssl is not installed"; exit 0; }
interop_certificates=(fabrikam.example contoso-tls.example woodgrove.example litware.example)
interop_up "$1" "$PWD/tests/interop/federation-tls.yaml"
export INTEROP_CA=$world_dir/ca
check_python partner.py
interop_end

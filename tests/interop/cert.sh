#!/usr/bin/env bash
# `fedctl cert` next to the openssl command: what it requests can be signed and belongs together,
# what it shows of certificates is what was made. No relay runs: neither needs one.
#   tests/interop/cert.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

command -v openssl >/dev/null || { echo "skip - openssl is not installed"; exit 0; }
fedctl=$(realpath "$1")/control/fedctl
document=$PWD/tests/data/federation-example.yaml
world_dir=$(mktemp -d)
trap 'rm -rf "$world_dir"' EXIT
scripts/gen-certs "$world_dir/ca" fabrikam.example woodgrove.example >/dev/null ||
  { echo "not ok - scripts/gen-certs makes certificates"; exit 1; }
cd "$world_dir" || exit 2

# refusal CERTIFICATE: why it does not prove fabrikam.example; none: it does.
refusal() {
  "$fedctl" --json cert show "$1" --domain fabrikam.example |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["domain"]["refusal"])'
}
# shellcheck disable=SC2317 # called by check
is() { [ "$1" = "$2" ] || { echo "$1, not $2"; return 1; }; }
# shellcheck disable=SC2317
shows() { "$fedctl" cert show "$1" | grep -q -- "$2"; }
# shellcheck disable=SC2317
mode() { [ "$(stat -c %a "$1")" = "$2" ]; }
# shellcheck disable=SC2317
names() { openssl req -in "$1" -noout -text | grep -A1 'Subject Alternative Name' | tail -1 | tr -d ' '; }

check "a certificate with the domain proves it" is "$(refusal ca/fabrikam.example.pem)" none
check "  and one with an RSA key" is "$(refusal ca/rsa.pem)" none
check "another name proves it not" is "$(refusal ca/bad/wrong-name.pem)" wrong_name
check "  nor does another partner's" is "$(refusal ca/woodgrove.example.pem)" wrong_name
check "  nor a wildcard" is "$(refusal ca/bad/wildcard.pem)" wildcard
check "  nor a common name beside a subjectAltName" is "$(refusal ca/bad/cn-only.pem)" cn_only
check "an expired certificate is shown to be so" shows ca/bad/expired.pem ': expired'
check "  and one that is not yet valid" shows ca/bad/not-yet-valid.pem ': not yet valid'
check "one without clientAuth is told to fail under a strict policy" \
  shows ca/bad/no-client-auth.pem '^strict  *no  *yes'
print=$(openssl x509 -in ca/fabrikam.example.pem -noout -fingerprint -sha256)
check "the fingerprint is what openssl says" shows ca/fabrikam.example.pem "${print#*=}"

check "a request is made without control" \
  "$fedctl" cert request "$document" --key edge.key --csr edge.csr --host sip.contoso.example
check "  with a key of its user alone" mode edge.key 600
check "  that it is signed by" openssl req -in edge.csr -noout -verify
check "  for the local domains and the host" is "$(names edge.csr)" \
  DNS:contoso.example,DNS:contoso.test,DNS:lab.contoso.example,DNS:sip.contoso.example
before=$(sha256sum <edge.key)
"$fedctl" cert request "$document" --key edge.key --csr lab.csr --certificate lab --uri >/dev/null
check "a second one keeps the key" is "$(sha256sum <edge.key)" "$before"
check "  and asks for the domains that show that certificate" is "$(names lab.csr)" \
  DNS:lab.contoso.example,URI:sip:lab.contoso.example
chmod 640 edge.key
check "a key that others may read is refused" \
  bash -c "! '$fedctl' cert request '$document' --key edge.key --csr edge.csr"
[ "$n_failed" = 0 ]

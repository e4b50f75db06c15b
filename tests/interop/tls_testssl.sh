#!/usr/bin/env bash
# testssl.sh against the outside listener: no old protocol, no weak suite, none of the known holes.
#   tests/interop/tls_testssl.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

for command in testssl openssl; do
  command -v "$command" >/dev/null || { echo "skip - $command is not installed"; exit 0; }
done
# shellcheck disable=SC2034
interop_certificates=(fabrikam.example contoso-tls.example woodgrove.example litware.example)
# shellcheck disable=SC2034 # it shakes hands more often than one partner may
world_control_options=(--handshakes-source 0 --handshakes-all 0)
interop_up "$1" "$PWD/tests/interop/federation-tls.yaml"
found=$world_dir/testssl.json

# Protocols, categories of suites, forward secrecy, vulnerabilities; what is of HTTP it skips itself. Its
# exit code counts also what it could not do.
# shellcheck disable=SC2317 # called by check
looks() {
  (cd "$world_dir" && timeout 200 ip netns exec "$world_outside" testssl --quiet --color 0 \
    --warnings off --nodns none -p -s -f -U --jsonfile "$found" 192.0.2.1:5061)
  [ -s "$found" ]
}

# Whether it has found all of that out, and nothing weak.
# shellcheck disable=SC2317 # called by check
is_strong() {
  python3 - "$found" <<'PY'
import json, sys
rows = json.load(open(sys.argv[1]))
# OpenSSL without GOST is the tester's, no finding about us.
weak = [r for r in rows if r["severity"] not in ("OK", "INFO", "DEBUG") and r["id"] != "engine_problem"]
found = {r["id"]: r["finding"] for r in rows}
wanted = {"SSLv2": "not offered", "SSLv3": "not offered", "TLS1": "not offered", "TLS1_1": "not offered",
          "TLS1_2": "offered", "TLS1_3": "offered with final", "cipherlist_AVERAGE": "not offered",
          "cipherlist_STRONG": "offered", "PFS": "offered", "heartbleed": "not vulnerable",
          "secure_client_renego": "not vulnerable", "RC4": "not vulnerable", "LUCKY13": "not vulnerable"}
missed = {i: found.get(i) for i, what in wanted.items() if not str(found.get(i)).startswith(what)}
print("weak:", weak, "\nmissed:", missed, "\nall:", found)
sys.exit(bool(weak or missed))
PY
}

check "testssl.sh looks at the outside listener" looks
check "it finds TLS 1.2 and 1.3 with forward secrecy, and nothing weak" is_strong
interop_end

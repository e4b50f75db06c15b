#!/usr/bin/env bash
# Messages and calls between SIPp peers through the relay, both directions, both families; then what
# the relay does to each message, byte for byte.
#   tests/interop/sipp_v4v6.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

# place DOMAIN: namespace, the caller's and the server's address there, the relay's address.
place() {
  case "$1" in
    contoso.example) namespace=$world_inside caller=10.10.0.4 server=10.10.0.2 relay=10.10.0.1 ;;
    contoso-six.example) namespace=$world_inside caller=fd10::4 server=fd10::2 relay='[fd10::1]' ;;
    fabrikam.example) namespace=$world_outside caller=192.0.2.9 server=192.0.2.2 relay=192.0.2.1 ;;
    woodgrove.example)
      namespace=$world_outside caller=2001:db8::9 server=2001:db8::2 relay='[2001:db8::1]'
      ;;
  esac
}

# delivered WHAT FROM TO CALLER-SCENARIO SERVER-SCENARIO
delivered() {
  local what=$1 from=$2 to=$3 namespace caller server relay
  place "$to"
  server_start callee "$namespace" "$server" "$5" 1
  place "$from"
  check "$what, $from to $to" world_sipp "$namespace" "$caller" "$4" -p 5071 "$relay:5060" \
    -key from_uri "alice@$from" -key to_uri "bob@$to"
  # The callee has seen all of its scenario too: it ends by itself, with 0.
  world_wait 5 world_gone "${world_pid[callee]}"
  check "  and the callee has seen all of it" wait "${world_pid[callee]}"
  world_end callee
}

# refused WHAT FROM TO STATUS DIAGNOSTIC AT: a caller at the place of domain AT.
refused() {
  local what=$1 from=$2 to=$3 status=$4 diagnostic=$5 namespace caller server relay
  place "$6"
  rm -f "$world_dir/refused.txt"
  world_sipp "$namespace" "$caller" refused -p 5071 "$relay:5060" -trace_logs \
    -log_file "$world_dir/refused.txt" -key from_uri "mallory@$from" -key to_uri "bob@$to" \
    >"$world_dir/caller.log" 2>&1
  check "$what is refused with $status and diagnostic $diagnostic" \
    grep -E "SIP/2.0 $status .*ms-diagnostics: $diagnostic;" "$world_dir/refused.txt"
}

interop_up "$1"
pairs=(
  "contoso.example fabrikam.example"
  "fabrikam.example contoso.example"
  "contoso-six.example woodgrove.example"
  "woodgrove.example contoso-six.example"
  "contoso.example woodgrove.example"
)
for pair in "${pairs[@]}"; do
  read -r from to <<<"$pair"
  delivered "MESSAGE" "$from" "$to" message answer
  delivered "INVITE, ACK, BYE" "$from" "$to" call answer
  delivered "INVITE, CANCEL, 487" "$from" "$to" cancelled_call ring
done
refused "a blocked domain" evil.example contoso.example 403 1006 fabrikam.example
refused "a domain of a blocked pattern" a.spam-1.example contoso.example 403 1006 fabrikam.example
refused "an unlisted domain" stranger.example contoso.example 403 1008 fabrikam.example
refused "a blocked domain, IPv6" evil.example contoso-six.example 403 1006 woodgrove.example
refused "an unlisted destination" contoso.example stranger.example 404 1009 contoso.example
check_python relay_bytes.py
interop_end

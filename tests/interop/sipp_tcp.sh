#!/usr/bin/env bash
# Messages and calls between SIPp peers through the relay where one side or both speak TCP; then
# what a stream may do to the relay, and what it gets.
#   tests/interop/sipp_tcp.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

# place DOMAIN: namespace, transport, the caller's and the server's address there, the relay's.
place() {
  transport=tcp
  case "$1" in
    contoso.example)
      namespace=$world_inside caller=10.10.0.4 server=10.10.0.2 relay=10.10.0.1 transport=udp
      ;;
    fabrikam.example)
      namespace=$world_outside caller=192.0.2.9 server=192.0.2.2 relay=192.0.2.1 transport=udp
      ;;
    contoso-tcp.example) namespace=$world_inside caller=10.10.0.4 server=10.10.0.6 relay=10.10.0.1 ;;
    contoso-six.example) namespace=$world_inside caller=fd10::4 server=fd10::6 relay='[fd10::1]' ;;
    fabrikam-tcp.example) namespace=$world_outside caller=192.0.2.9 server=192.0.2.6 relay=192.0.2.1 ;;
    woodgrove.example)
      namespace=$world_outside caller=2001:db8::9 server=2001:db8::6 relay='[2001:db8::1]'
      ;;
    evil.example | nobody.example) namespace=$world_outside caller=192.0.2.9 relay=192.0.2.1 ;;
  esac
}

# delivered WHAT FROM TO CALLER-SCENARIO SERVER-SCENARIO [COUNT]
delivered() {
  local what=$1 from=$2 to=$3 count=${6:-1} namespace transport caller server relay
  place "$to"
  server_start callee "$namespace" "$server" "$5" "$count" "$transport"
  place "$from"
  world_transport=u1
  [ "$transport" = udp ] || world_transport=t1
  check "$what, $from to $to" world_sipp "$namespace" "$caller" "$4" -p 5071 "$relay:5060" \
    -m "$count" -key from_uri "alice@$from" -key to_uri "bob@$to"
  # The callee has seen all of its scenario too: it ends by itself, with 0.
  world_wait 5 world_gone "${world_pid[callee]}"
  check "  and the callee has seen all of it" wait "${world_pid[callee]}"
  world_end callee
}

# refused WHAT FROM TO STATUS DIAGNOSTIC
refused() {
  local what=$1 from=$2 to=$3 status=$4 diagnostic=$5 namespace transport caller server relay
  place "$from"
  rm -f "$world_dir/refused.txt"
  world_transport=t1 world_sipp "$namespace" "$caller" refused -p 5071 "$relay:5060" -trace_logs \
    -log_file "$world_dir/refused.txt" -key from_uri "mallory@$from" -key to_uri "bob@$to" \
    >"$world_dir/caller.log" 2>&1
  check "$what is refused with $status and diagnostic $diagnostic" \
    grep -E "SIP/2.0 $status .*ms-diagnostics: $diagnostic;" "$world_dir/refused.txt"
}

interop_up "$1" "$PWD/tests/interop/federation-tcp.yaml"
pairs=(
  "contoso-tcp.example fabrikam-tcp.example"
  "fabrikam-tcp.example contoso-tcp.example"
  "contoso-six.example woodgrove.example"
  "woodgrove.example contoso-six.example"
  "contoso-tcp.example woodgrove.example"
  "contoso-tcp.example fabrikam.example"
  "fabrikam-tcp.example contoso.example"
  "contoso.example fabrikam-tcp.example"
  "fabrikam.example contoso-tcp.example"
)
for pair in "${pairs[@]}"; do
  read -r from to <<<"$pair"
  delivered "MESSAGE" "$from" "$to" message answer
  delivered "INVITE, ACK, BYE" "$from" "$to" call answer
  delivered "INVITE, CANCEL, 487" "$from" "$to" cancelled_call ring
done
refused "a blocked domain" evil.example contoso-tcp.example 403 1006
refused "a next hop that nobody listens at" contoso-tcp.example nobody.example 503 1041
interop_end

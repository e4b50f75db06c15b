# shellcheck shell=bash disable=SC2154
# One message or call from organisation to organisation, or its refusal. Sourced by scripts/demo.

# place DOMAIN: where SIPp stands for that organisation: its namespace, the caller's and the callee's
# addresses, the server that callers send to, and by what in SIPp's words: u1 UDP, t1 TCP.
place() {
  transport=u1
  case "$1" in
    contoso.example) namespace=$world_inside caller=10.10.0.4 callee=10.10.0.3 server=10.10.0.2 ;;
    contoso-six.example) namespace=$world_inside caller=fd10::4 callee=fd10::3 server='[fd10::2]' ;;
    contoso-tcp.example)
      namespace=$world_inside caller=10.10.0.4 callee=10.10.0.6 server=10.10.0.1 transport=t1
      ;;
    # Behind their edge, which speaks TLS with the relay.
    fabrikam.example)
      namespace=$world_outside caller=192.0.2.4 callee=192.0.2.3 server=192.0.2.2
      ;;
    woodgrove.example)
      namespace=$world_outside caller=2001:db8::4 callee=2001:db8::3 server='[2001:db8::2]'
      ;;
    proseware.example)
      namespace=$world_outside caller=192.0.2.4 callee=192.0.2.3 server=192.0.2.9
      ;;
    # Where that edge stands, but past it, to the relay itself.
    past-fabrikam) namespace=$world_outside caller=192.0.2.2 callee='' server=192.0.2.1 ;;
    northwind.example) namespace=$world_outside caller=192.0.2.5 callee=192.0.2.5 server=192.0.2.1 ;;
    adatum.example)
      namespace=$world_outside caller=2001:db8::5 callee=2001:db8::5 server='[2001:db8::1]'
      ;;
    tailspin.example)
      namespace=$world_outside caller=192.0.2.6 callee=192.0.2.6 server=192.0.2.1 transport=t1
      ;;
  esac
}

# answer DOMAIN SCENARIO COUNT: SIPp's answering side of that organisation, in the background.
answer() {
  local namespace caller callee server transport protocol=udp
  place "$1"
  [ "$transport" = u1 ] || protocol=tcp
  world_start callee ip netns exec "$namespace" sipp -sf "$world_sipp_dir/$2.xml" \
    -i "$callee" -p 5060 -t "$transport" -m "$3" -timeout 60 -nostdin
  world_wait 5 world_listens "$namespace" "$callee" "$protocol"
}

# delivered WHAT FROM TO CALLER-SCENARIO CALLEE-SCENARIO
delivered() {
  local what=$1 from=$2 to=$3 rc=0 namespace caller callee server transport
  answer "$to" "$5" 1
  place "$from"
  world_transport=$transport world_sipp "$namespace" "$caller" "$4" -p 5071 "$server:5060" \
    -key from_uri "alice@$from" -key to_uri "bob@$to" >"$world_dir/caller.log" 2>&1 || rc=$?
  world_end callee
  result "$what" "$rc" "$( [ "$rc" = 0 ] && echo delivered || echo 'not delivered' )"
  [ "$rc" = 0 ] || tail -n 60 "$world_dir/caller.log" >&2
}

# refused WHAT PLACE FROM TO STATUS DIAGNOSTIC: a caller at PLACE; one inside asks the relay itself.
refused() {
  local what=$1 from=$3 to=$4 status=$5 diagnostic=$6 rc=0 line namespace caller callee server transport
  place "$2"
  [ "$server" != 10.10.0.2 ] || server=10.10.0.1
  rm -f "$world_dir/refused.txt"
  world_transport=$transport world_sipp "$namespace" "$caller" refused -p 5071 "$server:5060" \
    -trace_logs -log_file "$world_dir/refused.txt" \
    -key from_uri "mallory@$from" -key to_uri "bob@$to" >"$world_dir/caller.log" 2>&1 || rc=$?
  line=$(tr -d '\r' <"$world_dir/refused.txt" 2>/dev/null || true)
  case "$line" in
    "SIP/2.0 $status "*"ms-diagnostics: $diagnostic;"*) ;;
    *) rc=1 ;;
  esac
  result "$what" "$rc" "${line:-no answer}"
}

counter() {
  world_fedctl --json counters | python3 -c '
import json, sys
print(json.load(sys.stdin)["counters"].get(sys.argv[1], 0))' "$1"
}

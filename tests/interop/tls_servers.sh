#!/usr/bin/env bash
# Calls and messages over mutual TLS between real servers: Kamailio as the internal server and as two
# partners', one of them by IPv6; SIPp behind stunnel as another partner.
#   tests/interop/tls_servers.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

# place DOMAIN: namespace, transport of its users; where they call from, where they answer, and whom
# they call: their Kamailio, or their stunnel.
place() {
  transport=udp
  case "$1" in
    contoso-tls.example)
      namespace=$world_inside caller=10.10.0.4 server=10.10.0.3 target=10.10.0.6:5060
      ;;
    fabrikam.example)
      namespace=$world_outside caller=192.0.2.4 server=192.0.2.3 target=192.0.2.2:5060
      ;;
    woodgrove.example)
      namespace=$world_outside caller=2001:db8::4 server=2001:db8::3 target='[2001:db8::2]:5060'
      ;;
    litware.example)
      namespace=$world_outside caller=192.0.2.9 server=192.0.2.7 target=192.0.2.7:5062 transport=tcp
      ;;
  esac
}

# call WHAT FROM TO CALLER-SCENARIO SERVER-SCENARIO
call() {
  local what=$1 from=$2 to=$3 namespace transport caller server target
  place "$to"
  server_seconds=20 server_start callee "$namespace" "$server" "$5" 1 "$transport"
  place "$from"
  world_transport=u1
  [ "$transport" = udp ] || world_transport=t1
  check "$what, $from to $to" world_sipp "$namespace" "$caller" "$4" -p 5071 "$target" \
    -key from_uri "alice@$from" -key to_uri "bob@$to"
  world_wait 5 world_gone "${world_pid[callee]}"
  check "  and the callee has seen all of it" wait "${world_pid[callee]}"
  world_end callee
}

# listens_tls NAMESPACE ADDRESS PORT
# shellcheck disable=SC2317
listens_tls() {
  ip netns exec "$1" ss -Hltn | grep -qF " $2:$3 "
}

# kamailio_start NAME NAMESPACE SELF RELAY USERS DOMAIN
kamailio_start() {
  local name=$1 ca=$world_dir/ca section
  for section in server client; do
    cat <<CONFIG
[$section:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
certificate = $ca/$6.pem
private_key = $ca/$6.key
ca_list = $ca/ca.pem
CONFIG
  done >"$world_dir/$name.tls"
  mkdir "$world_dir/$name"
  world_start "$name" ip netns exec "$2" kamailio -DD -E -m 64 -M 8 -P "$world_dir/$name.pid" \
    -f "$interop_dir/kamailio_tls.cfg" -Y "$world_dir/$name" -A "SELF=$3" -A "RELAY=\"$4\"" \
    -A "USERS=\"$5\"" -A "DOMAIN=\"^${6//./\\.}\$\"" -A "TLS_CONFIG=\"$world_dir/$name.tls\""
  check "Kamailio of $6 starts" world_wait 15 listens_tls "$2" "$3" 5061
}

# stunnel_start: litware.example's, one connection a call in each direction.
stunnel_start() {
  local ca=$world_dir/ca
  cat >"$world_dir/stunnel.conf" <<CONFIG
foreground = yes
reset = no
pid =
cert = $ca/litware.example.pem
key = $ca/litware.example.key
CAfile = $ca/ca.pem
verifyChain = yes
[in]
accept = 192.0.2.7:5061
connect = 192.0.2.7:5060
[out]
client = yes
sni = contoso-tls.example
accept = 192.0.2.7:5062
connect = 192.0.2.1:5061
CONFIG
  world_start stunnel ip netns exec "$world_outside" stunnel4 "$world_dir/stunnel.conf"
  check "stunnel starts" world_wait 5 listens_tls "$world_outside" 192.0.2.7 5062
}

for command in kamailio stunnel4 openssl; do
  command -v "$command" >/dev/null || { echo "skip - $command is not installed"; exit 0; }
done
# shellcheck disable=SC2034
interop_certificates=(fabrikam.example contoso-tls.example woodgrove.example litware.example)
interop_up "$1" "$PWD/tests/interop/federation-tls.yaml"
chmod -R a+rX "$world_dir/ca" && chmod a+r "$world_dir"/ca/*.key
kamailio_start inside "$world_inside" 10.10.0.6 10.10.0.1 10.10.0.3 contoso-tls.example
kamailio_start partner "$world_outside" 192.0.2.2 192.0.2.1 192.0.2.3 fabrikam.example
kamailio_start partner6 "$world_outside" '[2001:db8::2]' '[2001:db8::1]' '[2001:db8::3]' woodgrove.example
stunnel_start
for pair in "contoso-tls.example fabrikam.example" "fabrikam.example contoso-tls.example" \
  "contoso-tls.example woodgrove.example" "woodgrove.example contoso-tls.example" \
  "contoso-tls.example litware.example" "litware.example contoso-tls.example"; do
  read -r from to <<<"$pair"
  call "MESSAGE" "$from" "$to" message answer
  call "INVITE, and BYE from the caller" "$from" "$to" call answer
  # That BYE goes to the partner's next hop, behind which SIPp does not listen while it calls.
  [ "$from" = litware.example ] ||
    call "INVITE, and BYE from the callee" "$from" "$to" call_ended answer_and_end
  call "INVITE and CANCEL" "$from" "$to" cancelled_call ring
done
check "no connection to Kamailio was lost: each side has one" \
  test "$(counter session_established)" -le 24
interop_end

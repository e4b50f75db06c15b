# shellcheck shell=bash disable=SC2154
# What the demo does over mutual TLS: certificates, the partners' edge, impostors. Sourced by
# scripts/demo, whose results, places and streams it uses.

# edge_section SECTION DOMAIN VERSION: one section of Kamailio's tls.cfg.
edge_section() {
  local section=$1 domain=$2 method=$3
  cat <<TLS
[$section]
method = $method
verify_certificate = yes
require_certificate = yes
ca_list = $world_dir/ca/ca.pem
certificate = $world_dir/ca/$domain.pem
private_key = $world_dir/ca/$domain.key
TLS
}

# secure_prepare: a CA for all; a certificate for each organisation, ours where control reads them.
secure_prepare() {
  local own=$world_dir/certificates
  world_certificates fabrikam.example contoso.example woodgrove.example contoso-six.example \
    proseware.example
  cp "$world_dir/ca/contoso-six.example.pem" "$own/six.pem"
  cp "$world_dir/ca/contoso-six.example.key" "$own/six.key"
  chown nobody "$own"/six.*
  chmod 600 "$own/six.key"
}

# secure_edge: Kamailio as the partners' edge; woodgrove's speaks TLS 1.2 only.
secure_edge() {
  {
    edge_section server:default fabrikam.example TLSv1.2+
    edge_section client:default fabrikam.example TLSv1.2+
    edge_section "server:[2001:db8::2]:5061" woodgrove.example TLSv1.2
    edge_section client:any woodgrove.example TLSv1.2
    printf "server_name = contoso-six.example\nserver_id = woodgrove\n"
    edge_section server:192.0.2.9:5061 proseware.example TLSv1.2+
    edge_section client:any proseware.example TLSv1.2+
    printf "server_name = contoso.example\nserver_id = proseware\n"
  } >"$world_dir/edge-tls.cfg"
  world_start edge ip netns exec "$world_outside" kamailio -DD -E -m 64 -M 8 \
    -P "$world_dir/edge.pid" -A "EDGE_TLS=\"$world_dir/edge-tls.cfg\"" \
    -f "$PWD/scripts/demo.d/edge.cfg" -Y "$world_dir"
  world_wait 10 world_listens "$world_outside" 192.0.2.2 || { cat "$world_dir/edge.log" >&2; return 1; }
}

# impostor WHAT CERTIFICATE ALERT: a client that poses as fabrikam with that certificate, of ca/bad,
# is told ALERT in the handshake and control's log says why.
impostor() {
  local what=$1 certificate=$world_dir/ca/bad/$2 alert=$3 rc=0 said why
  timeout 10 ip netns exec "$world_outside" openssl s_client -bind 192.0.2.8 \
    -connect 192.0.2.1:5061 -servername contoso.example -CAfile "$world_dir/ca/ca.pem" \
    -cert "$certificate.pem" -key "$certificate.key" -ign_eof \
    </dev/null >"$world_dir/impostor.log" 2>&1 || true
  said=$(sed -n 's/.*:\(sslv3\|tlsv1\|tlsv13\) alert \([a-z ]*\):.*/\2/p' "$world_dir/impostor.log" | head -n 1)
  why=$(sed -n 's/.*handshake with 192\.0\.2\.8:[0-9]* failed: //p' "$world_dir/control.log" | tail -n 1)
  [ "$said" = "$alert" ] && [ -n "$why" ] || rc=1
  result "$what" "$rc" "TLS alert: ${said:-none} | control's log: ${why:-nothing}"
}

# sessions: of `fedctl sessions`, the established ones, a line each: whose, which way, where to, TLS.
# The port tells a session from one opened anew.
sessions() {
  world_fedctl --json sessions | python3 -c '
import json, sys
for s in sorted(
        " ".join([",".join(n["domain"] for n in (s.get("identity") or {"names": []})["names"]) or "nobody",
                  s["role"], s["remote"], s["version"], s["suite"]])
        for s in json.load(sys.stdin)["sessions"] if s["state"] == "established"):
    print(s)'
}

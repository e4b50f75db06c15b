# shellcheck shell=bash disable=SC2154
# The name server of proseware.example: NSD in a namespace of its own, joined by a veth to the host's
# network, over which control asks. Sourced by scripts/demo.

dns_namespace="fr$$-dns"
# A /30 of the benchmark network (RFC 2544) that no other demo on this machine has: the host is
# .1 of it, the name server .2.
dns_network=$(( 198 << 24 | 18 << 16 | ($$ & 0x7fff) << 2 ))
dns_host=$(printf '%d.%d.%d.%d' $((dns_network >> 24)) $((dns_network >> 16 & 255)) \
  $((dns_network >> 8 & 255)) $((dns_network & 255 | 1)))
dns_server=${dns_host%.*}.$((${dns_host##*.} + 1))

dns_up() {
  ip netns add "$dns_namespace"
  ip link add "fr$$d" type veth peer name dns netns "$dns_namespace"
  ip addr add "$dns_host/30" dev "fr$$d"
  ip link set "fr$$d" up
  ip -n "$dns_namespace" addr add "$dns_server/30" dev dns
  ip -n "$dns_namespace" link set dns up
  cat >"$world_dir/proseware.zone" <<ZONE
\$ORIGIN proseware.example.
\$TTL 60
@                      SOA ns hostmaster 1 3600 600 86400 60
                       NS  ns
ns                     A   $dns_server
_sipfederationtls._tcp SRV 10 10 5061 sip
sip                    A   192.0.2.9
ZONE
  cat >"$world_dir/nsd.conf" <<CONF
server:
  ip-address: $dns_server
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "$world_dir"
  database: ""
  pidfile: ""
  xfrdfile: "$world_dir/xfrd.state"
  xfrdir: "$world_dir"
  zonelistfile: "$world_dir/zone.list"
remote-control:
  control-enable: no
zone:
  name: proseware.example
  zonefile: proseware.zone
CONF
  world_start nsd ip netns exec "$dns_namespace" nsd -d -c "$world_dir/nsd.conf"
  world_wait 10 dns_listens || { cat "$world_dir/nsd.log" >&2; return 1; }
}

dns_listens() {
  ip netns exec "$dns_namespace" ss -Hlun | grep -qF " $dns_server:53 "
}

dns_down() {
  ip link del "fr$$d" 2>/dev/null || true
  ip netns del "$dns_namespace" 2>/dev/null || true
}

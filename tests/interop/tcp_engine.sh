#!/usr/bin/env bash
# The bare TCP engine against Linux's TCP: a TAP in a namespace, without the dataplane; then the same
# through a wire that loses, repeats, reorders and damages frames. As client and as server, IPv4 and
# IPv6.
#   tests/interop/tcp_engine.sh BUILD_DIR
# lossy_megabytes=100: that many each way through the lossy wire too, which takes minutes (10).
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

build=$1/tests/wire
namespace="fr$$-tcp"
limit=$((120 * ${lossy_megabytes:-10} / 10)) # seconds, of an exchange
dir=$(mktemp -d)
pids=()
faults=(--seed 7 --loss 1 --duplicate 1 --corrupt 1 --reorder 3 --reorder-ms 3 --delay-ms 2 --jitter-ms 1)

end_all() {
  [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
  wait
  pids=()
} 2>/dev/null # bash tells of every process that a signal ended

tidy_up() {
  end_all
  ip netns del "$namespace" 2>/dev/null
  rm -rf "$dir"
}

# wait_for COMMAND…: until it succeeds, five seconds at most.
wait_for() {
  local until=$((SECONDS + 5))
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || return 1
    sleep 0.02
  done
}

has_device() { ip -n "$namespace" link show far; }

# device_up: the far side's addresses, once the program that makes its TAP has begun.
device_up() {
  wait_for has_device || return 1
  ip -n "$namespace" addr add 10.0.0.2/24 dev far
  ip -n "$namespace" addr add fd00::2/64 dev far nodad
  ip -n "$namespace" link set far up
}

start() {
  local log=$1
  shift
  "$@" >"$dir/$log.log" 2>&1 </dev/null &
  pids+=($!)
}

engine() { timeout "$limit" "$build/engine-talker" --port "$port" --address 10.0.0.1 --address fd00::1 "$@" --seconds $((limit / 2)); }
linux() { timeout "$limit" ip netns exec "$namespace" "$build/linux-talker" "$@" --seconds $((limit / 2)); }

# exchange ROLE FAMILY WIRE COUNT ARGUMENTS…: COUNT connections with our engine as client or server.
# Every one must be right at both ends, and nothing left in the engine.
exchange() {
  local role=$1 family=$2 wire=$3 count=$4 ours=10.0.0.1 theirs=10.0.0.2 rc=0 server
  shift 4
  [ "$family" = 4 ] || { ours=fd00::1 theirs=fd00::2; }
  rm -f "$dir"/*
  port="tap:far@$namespace"
  if [ "$wire" = lossy ]; then
    start wire "$build/lossy-wire" --a "listen:$dir/wire" --b "tap:far@$namespace" "${faults[@]}"
    wait_for test -S "$dir/wire" || return 1
    port="connect:$dir/wire"
  fi
  if [ "$role" = client ]; then
    start server linux serve "$theirs" 7000 --count "$count"
    server=$!
    wait_for grep -q listening "$dir/server.log" || rc=1
    start client engine ask "$theirs" 7000 --count "$count" "$@"
    device_up || rc=1
  else
    start server engine serve "$ours" 7000 --count "$count"
    server=$!
    wait_for grep -q listening "$dir/server.log" && device_up || rc=1
    start client linux ask "$ours" 7000 --count "$count" "$@"
  fi
  wait $! || rc=1
  # A client may be gone before its last bytes are.
  wait "$server" || rc=1
  end_all
  cat "$dir"/*.log
  grep -q '^left conns 0 half-open 0 chunks 0 ' "$dir"/*.log || rc=1
  return "$rc"
}

# check WHAT ROLE FAMILY WIRE COUNT ARGUMENTS…
check() {
  local what=$1
  shift
  if exchange "$@" >"$log" 2>&1; then
    echo "ok - $what"
  else
    echo "not ok - $what"
    sed 's/^/# /' "$log"
  fi
}

if [ "$(id -u)" != 0 ]; then
  echo "skip - needs root: it makes network namespaces"
  exit 0
fi
log=$(mktemp)
trap 'tidy_up; rm -f "$log"' EXIT
trap 'exit 130' INT TERM
ip netns add "$namespace"
# On the loopback device too, so that a server can be there before its network is.
ip -n "$namespace" addr add 10.0.0.2/32 dev lo
ip -n "$namespace" addr add fd00::2/128 dev lo nodad
ip -n "$namespace" link set lo up

for role in client server; do
  for wire in plain lossy; do
    [ "$wire" = plain ] && megabytes=100 || megabytes=${lossy_megabytes:-10}
    for family in 4 6; do
      check "IPv$family, our engine as $role, $wire wire: $megabytes MB each way arrive byte for byte" \
        "$role" "$family" "$wire" 1 --up "${megabytes}000000" --down "${megabytes}000000"
    done
    check "our engine as $role, $wire wire: 1000 connections at once" \
      "$role" 4 "$wire" 1000 --at-once 1000 --up 10000 --down 20000
    check "our engine as $role, $wire wire: the server sends after the client's FIN" \
      "$role" 6 "$wire" 20 --at-once 10 --kind after-fin --up 100000 --down 200000
    check "our engine as $role, $wire wire: the server resets in the middle" \
      "$role" 4 "$wire" 20 --at-once 10 --kind reset --up 8000000
    check "our engine as $role, $wire wire: the server reads nothing for 1.5 s" \
      "$role" 6 "$wire" 2 --at-once 2 --kind stall --stall-ms 1500 --up 8000000 --down 20000
    check "our engine as $role, $wire wire: 5000 connections come and go" \
      "$role" 4 "$wire" 5000 --at-once 50 --up 100 --down 100
  done
done

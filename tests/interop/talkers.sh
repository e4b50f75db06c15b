# shellcheck shell=bash
# Talkers over our TCP against Linux's: a TAP in a namespace, or a wire with faults before it. Sourced
# with the folder of the build; whoever sources it defines
#   engine ARGUMENTS…   the talker on our side, over $port, for $limit seconds at most; as exec
#   is_well             what must be true of its log besides
# and calls check and exchanges.
#
# lossy_megabytes=100: that many each way through the lossy wire too, which takes minutes (10).

build=$1/tests/wire
port= # where the talker on our side is
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

# wait_for COMMAND…: until it succeeds, half a minute at most: DPDK takes its time to start where
# others have the cores.
wait_for() {
  local until=$((SECONDS + 30))
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

linux() { exec timeout "$limit" ip netns exec "$namespace" "$build/linux-talker" "$@" --seconds $((limit / 2)); }

# exchange ROLE FAMILY WIRE COUNT ARGUMENTS…: COUNT connections with our engine as client or server.
# Every one must be right at both ends, and nothing left in the engine.
exchange() {
  local role=$1 family=$2 wire=$3 count=$4 ours=10.0.0.1 theirs=10.0.0.2 rc=0 server
  shift 4
  local serving=(--count "$count")
  # Who has reset has done all, but must be there to reset again what the wire lost.
  [[ " $* " != *" reset "* ]] || serving=()
  [ "$family" = 4 ] || { ours=fd00::1 theirs=fd00::2; }
  rm -f "$dir"/*
  port="tap:far@$namespace"
  if [ "$wire" = lossy ]; then
    start wire "$build/lossy-wire" --a "listen:$dir/wire" --b "tap:far@$namespace" "${faults[@]}"
    wait_for test -S "$dir/wire" || return 1
    # shellcheck disable=SC2034
    port="connect:$dir/wire"
  fi
  if [ "$role" = client ]; then
    start server linux serve "$theirs" 7000 "${serving[@]}"
    server=$!
    wait_for grep -q listening "$dir/server.log" || rc=1
    start client engine ask "$theirs" 7000 --count "$count" "$@"
    device_up || rc=1
  else
    start server engine serve "$ours" 7000 "${serving[@]}"
    server=$!
    wait_for grep -q listening "$dir/server.log" && device_up || rc=1
    start client linux ask "$ours" 7000 --count "$count" "$@"
  fi
  wait $! || rc=1
  [ ${#serving[@]} -gt 0 ] || kill "$server"
  # A client may be gone before its last bytes are.
  wait "$server" || rc=1
  end_all
  cat "$dir"/*.log
  grep -q '^left conns 0 half-open 0 chunks 0 ' "$dir"/*.log || rc=1
  is_well || rc=1
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

# exchanges WIRE MEGABYTES MANY CHURN NAME: all of them, with our engine as client and as server.
exchanges() {
  local wire=$1 megabytes=$2 many=$3 churn=$4 name=$5 role family
  for role in client server; do
    for family in 4 6; do
      check "IPv$family, $name as $role, $wire wire: $megabytes MB each way arrive byte for byte" \
        "$role" "$family" "$wire" 1 --up "${megabytes}000000" --down "${megabytes}000000"
    done
    check "$name as $role, $wire wire: $many connections at once" \
      "$role" 4 "$wire" "$many" --at-once "$many" --up 10000 --down 20000
    check "$name as $role, $wire wire: the server sends after the client's FIN" \
      "$role" 6 "$wire" 20 --at-once 10 --kind after-fin --up 100000 --down 200000
    check "$name as $role, $wire wire: the server resets in the middle" \
      "$role" 4 "$wire" 20 --at-once 10 --kind reset --up 8000000
    check "$name as $role, $wire wire: the server reads nothing for 1.5 s" \
      "$role" 6 "$wire" 2 --at-once 2 --kind stall --stall-ms 1500 --up 8000000 --down 20000
    check "$name as $role, $wire wire: $churn connections come and go" \
      "$role" 4 "$wire" "$churn" --at-once 50 --up 100 --down 100
  done
}

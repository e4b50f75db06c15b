#!/usr/bin/env bash
# The traffic generator by itself: two of them with each other, and each side with SIPp, whose TCP and
# SIP are not ours.
#   tests/interop/fedload.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh
# shellcheck source=tests/interop/fedload_lib.sh
. tests/interop/fedload_lib.sh

domains=(--from-domain fabrikam.example --to-domain contoso.example)

# caller_runs WHAT TRANSPORT TARGET [OPTION …]
caller_runs() {
  local what=$1 transport=$2 target=$3
  shift 3
  fedload_start caller "$world_inside" 192.0.2.3/24 --caller --core 1 --transport "$transport" \
    --target "$target" "${domains[@]}" --seconds 2 --warm-up 0.5 --drain 30 --json "$@"
  check "$what" fedload_wait caller
}

# two_of_them TRANSPORT MIX CONNECTIONS
two_of_them() {
  fedload_start callee "$world_inside" 192.0.2.2/24 --callee --transport "$1" --json
  caller_runs "a caller's $2 mix is answered by a callee over $1, $3 connections" "$1" 192.0.2.2 \
    --mix "$2" --connections "$3" --rate 100
  check "  and the callee finds every body unchanged" fedload_stop callee
  check "  and has heard of all of them" test "$(fedload_said callee requests)" -ge 200
}

# sipp_answers TRANSPORT SIPP-TRANSPORT
sipp_answers() {
  world_start sipp ip netns exec "$world_inside" sipp -sf "$world_sipp_dir/answer.xml" \
    -i 192.0.2.9 -p 5060 -t "$2" -timeout 120 -nostdin
  world_wait 5 sh -c "ip netns exec $world_inside ss -Hlun -Hltn | grep -q 192.0.2.9:5060"
  caller_runs "SIPp answers a caller's MESSAGEs over $1" "$1" 192.0.2.9 --rate 100 --connections 4
  world_end sipp
}

# sipp_calls TRANSPORT SIPP-TRANSPORT SCENARIO COUNT
sipp_calls() {
  fedload_start callee "$world_inside" 192.0.2.2/24 --callee --transport "$1" --json
  check "SIPp's $4 calls of scenario $3 are answered over $1" \
    sh -c "cd '$world_dir' && timeout 60 ip netns exec '$world_inside' sipp \
      -sf '$world_sipp_dir/$3.xml' -i 192.0.2.9 -p 5071 -t '$2' -m '$4' -r 100 -timeout 40 \
      -max_socket 1000 -timeout_error -nostdin -key from_uri alice@fabrikam.example \
      -key to_uri bob@contoso.example 192.0.2.2:5060"
  check "  and the callee is content" fedload_stop callee
  check "  and has heard at least as many" test "$(fedload_said callee foreign)" -ge "$4"
}

if [ "$(id -u)" != 0 ]; then
  echo "skip - needs root: it makes network namespaces"
  exit 0
fi
for command in sipp python3 ip; do
  command -v "$command" >/dev/null || { echo "skip - $command is not installed"; exit 0; }
done
world_build=$1
world_dir=$(mktemp -d /tmp/fedrelay.XXXXXX)
trap world_down EXIT
trap 'exit 130' INT TERM
ip netns add "$world_inside"
ip -n "$world_inside" link set lo up
link_make "$world_inside" 192.0.2.9/24
two_of_them udp federation 4
two_of_them tcp federation 8
two_of_them tcp ims 1
sipp_answers udp u1
sipp_answers tcp t1
sipp_calls udp u1 message 100
sipp_calls tcp t1 message 100
sipp_calls tcp tn message 100
exit $((n_failed > 0))

#!/usr/bin/env bash
# Control is killed while traffic runs, and comes back; then the dataplane is.
#   tests/interop/control_dies.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

# shellcheck disable=SC2317
attached_with_generation() {
  world_attached && [ "$(generation)" = "$1" ]
}

# attached_since N: control says so once more than N times.
# shellcheck disable=SC2317
attached_since() {
  [ "$(grep -c 'dataplane: attached' "$world_dir/control.log")" -gt "$1" ]
}

# One message in five milliseconds; control is killed in their midst and comes back.
kill_control() {
  n_relayed=$(counter sip_request_relayed)
  stream_start "$world_inside" 10.10.0.4 10.10.0.1 alice@contoso.example bob@fabrikam.example 200 1000
  sleep 1
  world_end control KILL
  sleep 1
  check "while control is away, the relay answers for it in nothing" \
    bash -c "! '$world_build/control/fedctl' --socket '$world_dir/control.sock' status"
  check "control comes back and attaches" world_control
  check "it shows the generation that it had" [ "$(generation)" = "$before" ]
  stream_wait
  result "no message of 1000 was lost while control was away ($n_delivered delivered)" \
    "$([ "$n_delivered" = 1000 ]; echo $?)"
  n_relayed=$(($(counter sip_request_relayed) - n_relayed))
}

interop_up "$1"
before=$(generation)
server_start callee "$world_outside" 192.0.2.2 answer 100000
# SIPp repeats what is not answered in half a second: a relay that stood still when control died would
# have a hundred of them, each time. A busy machine makes some by itself, but not each time.
for ((try = 1; try <= 3; try++)); do
  kill_control
  [ "$n_sent_again" -ge 50 ] || break
done
result "and the relay stood still at no time ($n_sent_again of them sent a second time)" \
  "$([ "$n_sent_again" -lt 50 ]; echo $?)"
# A lost one that SIPp made up for by sending it again would be missing here.
result "nor was one lost that SIPp made up for ($n_relayed of $((1000 + n_sent_again)) went out)" \
  "$([ "$n_relayed" = $((1000 + n_sent_again)) ]; echo $?)"


# A control that hangs is dropped by the heartbeat, holds nothing up, and comes back by itself.
n_attached=$(grep -c 'dataplane: attached' "$world_dir/control.log")
kill -STOP "${world_pid[control]}"
stream_start "$world_inside" 10.10.0.4 10.10.0.1 alice@contoso.example bob@fabrikam.example 200 1400
stream_wait
kill -CONT "${world_pid[control]}"
result "no message of 1400 was lost while control hung for 7 s ($n_delivered delivered)" \
  "$([ "$n_delivered" = 1400 ]; echo $?)"
check "it was dropped meanwhile and attaches again by itself" \
  world_wait 20 attached_since "$n_attached"
check "with the same generation" attached_with_generation "$before"

world_end callee
world_end dataplane KILL
check "the dataplane starts again" world_dataplane
check "control attaches to it and publishes by itself" world_wait 20 attached_with_generation "$before"
server_start callee "$world_outside" 192.0.2.2 answer 1
check "messages pass again" world_sipp "$world_inside" 10.10.0.4 message -p 5071 10.10.0.1:5060 \
  -key from_uri alice@contoso.example -key to_uri bob@fabrikam.example
interop_end

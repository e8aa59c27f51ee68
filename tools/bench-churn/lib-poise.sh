# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Poise: each change is a command, in mode ipip.
subject_about() { echo "$("$poise" --version | head -n 1), mode ipip, one command at each change"; }

subject_start() {
  local number
  decap_attach_all && decap_attach_fourth || return
  {
    echo "interfaces: [eth0]"
    echo "services:"
    service_yaml web "$VIP4:80/tcp" ipip "{ tcp: true, interval: 500ms, timeout: 400ms }"
    for number in 1 2 3 4; do
      [ -z "${weights[number]}" ] || echo "      - { address: ${B4[number]}, weight: ${weights[number]} }"
    done
  } > "$config"
  poised_start && wait_until 10 all_up
}

subject_set() { # subject_set NUMBER WEIGHT: weight 0 is said as an operator would: drain
  local backend=${B4[$1]}
  local has
  has=$(field "[.backends[].id] | index(\"$backend\") != null" service show web)
  case $has-$2 in
    false-) ;;
    true-) poise backend del web "$backend" ;;
    false-*) poise backend add web "$backend" --weight "$2" ;;
    true-0) poise backend drain web "$backend" ;;
    true-*) poise backend set web "$backend" --weight "$2" --state ready ;;
  esac
}

subject_restart() {
  subject_set 1 70 > "$tmp/killed.log" 2>&1 &
  sleep 0.02
  poised_kill
  wait $!
  poised_start && subject_set 1 70
}

subject_extra() {
  field '"\(.flows.tracked // .flows.occupied) flows tracked, \(.map_memory_bytes) bytes of maps"' status
}

subject_carried() { flows_of web; }

# Without its daemon it would go on, in front of whoever comes next.
subject_stop() {
  local number
  poised_stop
  poise detach --all || return
  for number in 1 2 3 4; do
    on "b$number" "$poise" --instance "$instance-b$number" decap detach eth0 || return
  done
}

# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Poise's modes have these functions in common.
poise_about() { echo "$("$poise" --version | head -n 1), mode $1"; }

poise_start() { # poise_start MODE BACKEND...
  xdp_peer_prepare || return
  {
    echo "interfaces: [{ name: eth0, xdp: native }]"
    # As many as the others have; health checks have theirs below them.
    [ "$1" != nat ] || echo "nat_ports: 10240-65535"
    echo "services:"
    service_yaml web "$VIP4:80/tcp" "$1" "{ tcp: true, interval: 500ms, timeout: 400ms }" "${@:2}"
  } > "$config"
  on lb sh -c 'echo 1024 10239 > /proc/sys/net/ipv4/ip_local_port_range'
  poised_start && wait_until 10 all_up
}

subject_balances() { echo program; }
subject_program() { field '.interfaces[0].program' status; }

# Pins, and with them the program and its maps: the next mode starts from nothing.
poise_stop() {
  poised_stop
  remove_instance "$instance" 2> /dev/null
  on lb sh -c 'echo 1024 65535 > /proc/sys/net/ipv4/ip_local_port_range'
  xdp_peer_undo
}

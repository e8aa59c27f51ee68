#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Large datagrams without a checksum by gue over IPv6: the whole of each is summed, so that the
# backend's kernel takes it. Frames this long come in generic mode only.
. "$(dirname "$0")/../lib/lib.sh"

topology_make segment || bail "topology"
ip -n "$run-router" link set lb xdp off # native mode keeps the MTU low
jumbo() { # jumbo NAMESPACE INTERFACE...
  local interface
  for interface in "${@:2}"; do ip -n "$run-$1" link set "$interface" mtu 9100 || return; done
}
{ jumbo client eth0 && jumbo lb eth0 && jumbo b1 eth0 && jumbo router client lb b1 b2 b3 segment; } ||
  bail "a network with large frames"
{
  echo "interfaces: [{ name: eth0, xdp: generic }]"
  echo "services:"
  service_yaml big "$VIP4:5000/udp" gue "${B6[1]}"
} > "$config"
poised_start || bail "poised starts"
check "the backend becomes usable" wait_until 10 all_usable

cat > "$tmp/receive.py" << 'END'
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 6080))
print("ready", flush=True)
while True:
    print(len(s.recv(65536)), flush=True)
END
cat > "$tmp/send.py" << 'END'
import random, socket, sys
SO_NO_CHECK = 11
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
s.sendto(random.Random(1).randbytes(int(sys.argv[2])), (sys.argv[1], 5000))
END
spawn receiver b1 python3 "$tmp/receive.py"
wait_until 20 grep -qx ready "$tmp/receiver.log" || bail "a receiver"
for bytes in 3999 4000 4100 6001 8192 8900; do
  on client python3 "$tmp/send.py" "$VIP4" $bytes
  # GUE's, the IP and the UDP header come before what was sent.
  check "$bytes bytes arrive" wait_until 10 grep -qx $((bytes + 4 + 20 + 8)) "$tmp/receiver.log"
done
is "nothing was dropped" "$(field '[.[]] | add' drops)" 0
finish

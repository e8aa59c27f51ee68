#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Process 1 once init.sh has made the host's root the root: runs the programs that tools/test-kernel
# listed ("KIND PATH" a line), leaves a log of each in /run/results and tells the second serial port
# of each that ended: "ran KIND/NAME STATUS SECONDS". The host judges.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
results=/run/results
cd "$(dirname "$0")/../.." || exit 1 # process 1: a panic, which the host sees

modules=$(echo build/kernel/image/lib/modules/*)
mkdir -p /lib/modules
mount --bind "${modules%/*}" /lib/modules
ip link set lo up
export POISE_PATIENCE=3
# shellcheck source=tools/lib-tap.sh
. tools/lib-tap.sh
POISE_FUZZ_PACKETS=$(sed -n "s/.*\bpoise.fuzz=\([0-9]*\).*/\1/p" /proc/cmdline)
export POISE_FUZZ_PACKETS

stty -F /dev/ttyS1 raw
exec > /dev/ttyS1 2>&1
echo "up $(uname -r)"

run() { # run KIND PATH
  local name began=$SECONDS
  name=$(basename "$2" .sh)
  (start "$1" "$2") > "$results/$1-$name.log" 2>&1
  echo "ran $1/$name $? $((SECONDS - began))"
}

while read -r kind path; do
  # They wait for RCU much of their time: beside the rest.
  if [ "$kind" = unit ]; then run "$kind" "$path" & else run "$kind" "$path"; fi
done < "$results/programs"
wait
echo "done"
dmesg > "$results/dmesg.log"
# Process 1 has nothing to shut down in good order: all that is written went to the host at once.
busybox poweroff -f

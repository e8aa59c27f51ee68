# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# For scenarios (and the demo): results in TAP, processes, namespaces, and taking it all down again.
# A scenario sources this file, calls topology_make (lib-topology.sh), nginx_start, poised_start
# (lib-poise.sh), reports with check, ok, not_ok and skip, and ends with `finish`.
#
# Everything made is named after this run, so that several runs and a user's own poised do not meet;
# only what was made here is removed, only processes started here are ended.
set -u
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
run=${POISE_RUN:-poise-$$}            # prefix of namespaces, name of the instance
tmp=${POISE_TMP:-/tmp/$run}           # logs, configurations, nginx's prefixes
[ "$(id -u)" = 0 ] || { echo "root is needed for network namespaces and BPF" >&2; exit 1; }
mkdir -m 755 "$tmp" || exit 1

# shellcheck source=tests/lib-results.sh
. "$root/tests/lib-results.sh"

# ---- processes
declare -A pids=() # of what was started here and not ended yet, by name

spawn() { # spawn NAME NAMESPACE COMMAND...: in the background, output to $tmp/NAME.log
  local name=$1 namespace=$2
  shift 2
  local enter=(nsenter --net="/run/netns/$run-$namespace")
  [ -z "${spawn_via_netns_exec-}" ] || enter=(ip netns exec "$run-$namespace")
  # Both become the command itself, so that the process id is the command's.
  ${spawn_with-} "${enter[@]}" "$@" >> "$tmp/$name.log" 2>&1 < /dev/null &
  pids[$name]=$!
}

alive() { # alive NAME
  [ -n "${pids[$1]-}" ] && kill -0 "${pids[$1]}" 2> /dev/null
}

end() { # end NAME [SIGNAL]: ends it and waits for it; KILL after 5 s. Returns its exit status
  local pid=${pids[$1]-} status tick
  [ -n "$pid" ] || return 0
  kill -"${2:-TERM}" "$pid"
  for ((tick = 0; tick < 100; tick++)); do
    kill -0 "$pid" || break
    sleep 0.05
  done
  kill -KILL "$pid"
  wait "$pid"
  status=$?
  unset "pids[$1]"
  return "$status"
} 2> /dev/null # the shell's "Killed"

# ---- namespaces
namespaces=()

on() { # on NAMESPACE COMMAND...: runs it there; the mount namespace (and its bpffs) stays ours
  local namespace=$1
  shift
  nsenter --net="/run/netns/$run-$namespace" "$@"
}

netns_add() { # netns_add NAME...
  local name
  for name in "$@"; do
    ip netns add "$run-$name" || return
    namespaces+=("$name")
    ip -n "$run-$name" link set lo up
    # Addresses are usable at once: no duplicate address detection, no router advertisements.
    on "$name" sh -c 'cd /proc/sys/net/ipv6/conf && echo 0 > default/accept_dad &&
      echo 0 > all/accept_dad && echo 0 > default/accept_ra'
  done
}

# Frames that reach an XDP program whole: no unfinished checksums and no super-packets from senders.
plain_frames() { # plain_frames NAMESPACE INTERFACE
  on "$1" ethtool -K "$2" tx off tso off gso off > /dev/null
}

# veth wakes the receiving end for XDP_TX only when an XDP program is attached there (veth_xdp_flush;
# GRO alone is enough for redirected frames): without one, frames lie in its ring until others come.
takes_xdp_frames() { # takes_xdp_frames NAMESPACE INTERFACE
  on "$1" "$root/build/tests/net/peers/xdp_pass" "$2" native > /dev/null
}

veth() { # veth NAMESPACE INTERFACE NAMESPACE INTERFACE [MTU]
  ip link add "$2" netns "$run-$1" type veth peer name "$4" netns "$run-$3" || return
  ip -n "$run-$1" link set "$2" mtu "${5:-1500}" up
  ip -n "$run-$3" link set "$4" mtu "${5:-1500}" up
  plain_frames "$1" "$2"
  plain_frames "$3" "$4"
}

address() { # address NAMESPACE INTERFACE ADDRESS/LENGTH...
  local namespace=$1 interface=$2 one
  shift 2
  for one in "$@"; do
    case $one in
      *:*) ip -n "$run-$namespace" address add "$one" dev "$interface" nodad ;;
      *) ip -n "$run-$namespace" address add "$one" dev "$interface" ;;
    esac || return
  done
}

route() { # route NAMESPACE DESTINATION via ADDRESS...
  ip -n "$run-$1" route add "${@:2}"
}

# ---- taking it down
instances=() # names of poised instances started here

remove_instance() { # remove_instance NAME: pins (and with them the attachments), socket, state
  local mount
  while read -r _ mount _; do
    [ -d "$mount/poise/$1" ] && rm -rf "${mount:?}/poise/${1:?}" && rmdir "$mount/poise"
  done < <(grep -E '^[^ ]+ [^ ]+ bpf ' /proc/mounts) 2> /dev/null
  rm -rf "/run/poise/${1:?}" "/var/lib/poise/${1:?}"
  rmdir /run/poise /var/lib/poise 2> /dev/null
}

cleanup() {
  local name
  trap '' INT TERM
  for name in "${!pids[@]}"; do kill -TERM "${pids[$name]}" 2> /dev/null; done
  for name in "${!pids[@]}"; do end "$name"; done
  for name in ${instances[@]+"${instances[@]}"}; do remove_instance "$name"; done
  for name in ${namespaces[@]+"${namespaces[@]}"}; do ip netns del "$run-$name"; done
  rm -rf "${tmp:?}"
} 2> /dev/null

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# shellcheck source=tests/net/lib/lib-topology.sh
. "$here/lib-topology.sh"
# shellcheck source=tests/net/lib/lib-poise.sh
. "$here/lib-poise.sh"

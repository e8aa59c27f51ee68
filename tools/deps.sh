#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The packages of Debian (12 and newer) that building, testing, showing and linting Poise need.
#   deps.sh --check GROUP...   names what is missing; exit 1 if anything is
#   deps.sh GROUP...           installs what is missing (as root)
#   deps.sh --clang-with-fuzzer  prints which clang has libFuzzer
set -euo pipefail
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# GROUPS | how to tell that it is there | Debian package, alternatives in order of preference
# cmd: a program; pc: a pkg-config module; hdr: a header; file: that very file; py: a module of
# Debian's Python; fuzzer: libFuzzer for the clang in use.
needs='
build      | cmd:make                  | make
build      | cmd:gcc                   | gcc
build      | hdr:stdio.h               | libc6-dev
build      | cmd:pkg-config            | pkg-config
build      | cmd:clang-19,clang        | clang-19 clang
build      | cmd:bpftool               | bpftool
build      | pc:libbpf                 | libbpf-dev
build      | pc:libelf                 | libelf-dev
build      | pc:zlib                   | zlib1g-dev
build      | pc:libuv                  | libuv1-dev
build      | pc:libcurl                | libcurl4-openssl-dev
build      | pc:libmicrohttpd          | libmicrohttpd-dev
build      | pc:jansson                | libjansson-dev
build      | pc:yaml-0.1               | libyaml-dev
build      | pc:libmnl                 | libmnl-dev
build      | pc:smartcols              | libsmartcols-dev
build      | hdr:uthash.h              | uthash-dev
test demo churn peers | cmd:ip         | iproute2
test demo churn peers | cmd:ethtool    | ethtool
test demo peers | cmd:nginx            | nginx-light nginx
test demo churn peers | cmd:curl       | curl
test demo churn peers | cmd:jq         | jq
test churn lint | cmd:python3          | python3
test       | cmd:iperf3                | iperf3
test       | py:scapy                  | python3-scapy
test       | cmd:ping                  | iputils-ping
test       | pc:cmocka                 | libcmocka-dev
test       | fuzzer:                   | libclang-rt-19-dev libclang-rt-14-dev libclang-rt-dev
churn peers | cmd:nft                  | nftables
churn peers | cmd:haproxy              | haproxy
peers      | cmd:wrk                   | wrk
peers      | file:/usr/lib/nginx/modules/ngx_stream_module.so | libnginx-mod-stream
kernel     | cmd:qemu-system-x86_64    | qemu-system-x86
kernel     | cmd:busybox               | busybox-static
kernel     | cmd:cpio                  | cpio
kernel     | cmd:modprobe              | kmod
lint       | cmd:clang-format-14,clang-format | clang-format-14 clang-format
lint       | cmd:clang-tidy            | clang-tidy
lint       | cmd:cppcheck              | cppcheck
lint       | cmd:shellcheck            | shellcheck
lint       | cmd:sparse                | sparse
lint       | py:pyflakes               | python3-pyflakes
'

usage() {
  echo "usage: tools/deps.sh [--check] GROUP...   (groups: build test demo churn peers kernel lint)" >&2
  exit 2
}

say() { echo "deps: $*"; }

clang_with_fuzzer() { # prints which clang has libFuzzer's runtime
  local clang runtime
  for clang in clang-19 clang; do
    command -v "$clang" > /dev/null || continue
    for runtime in "$("$clang" -print-resource-dir)"/lib/{linux,*-linux-gnu}/libclang_rt.fuzzer*.a; do
      [ -e "$runtime" ] && echo "$clang" && return
    done
  done
  return 1
}

have() { # have PROBE
  local kind=${1%%:*} name
  for name in $(echo "${1#*:}" | tr , ' ') ""; do
    case $kind in
      cmd) [ -n "$name" ] && command -v "$name" > /dev/null && return ;;
      pc) [ -n "$name" ] && pkg-config --exists "$name" 2> /dev/null && return ;;
      file) [ -n "$name" ] && [ -e "$name" ] && return ;;
      hdr) [ -n "$name" ] && [ -e "/usr/include/$name" ] && return ;;
      py) [ -n "$name" ] && [ -e "/usr/lib/python3/dist-packages/$name" ] && return ;;
      fuzzer) clang_with_fuzzer > /dev/null && return ;;
    esac
  done
  return 1
}

# Prints "PROBE|PACKAGES" for each need of the groups that is not there.
missing() { # missing GROUP...
  local of probe packages group
  while IFS='|' read -r of probe packages; do
    probe=${probe// /}
    for group in "$@"; do
      case " $of " in
        *" $group "*) have "$probe" || echo "$probe|$packages"; break ;;
      esac
    done
  done <<< "$(sed '/^$/d' <<< "$needs")"
}

candidate() { # candidate PACKAGE: apt knows a version of it
  LC_ALL=C apt-cache policy "$1" 2> /dev/null | grep 'Candidate: [^(]' > /dev/null
}

# The first of the alternatives that apt has. The fuzzer's runtime must be that of the clang in use.
choose() { # choose PACKAGE...
  local package
  for package in "$@"; do
    case $package in
      libclang-rt-19-dev) have cmd:clang-19 || candidate clang-19 || continue ;;
    esac
    candidate "$package" && echo "$package" && return
  done
  return 1
}

# Prints the packages to install for the lines of missing(); fails when apt does not know one.
packages_for() {
  local probe packages
  while IFS='|' read -r probe packages; do
    # shellcheck disable=SC2086 # a list of names
    choose $packages || { echo "$packages" | awk '{print $1}'; return 1; }
  done
}

check() { # check GROUP...
  local lines names
  lines=$(missing "$@")
  [ -z "$lines" ] && return
  {
    if command -v apt-get > /dev/null; then
      names=$(while IFS='|' read -r _ packages; do
        # shellcheck disable=SC2086
        choose $packages || awk '{print $1}' <<< "$packages"
      done <<< "$lines" | sort -u | xargs)
      echo "missing packages: $names"
      case " $* " in
        *" lint "* | *" kernel "* | *" churn "* | *" peers "*) echo "install them with: sudo tools/deps.sh $*" ;;
        *) echo "install them with: sudo make deps" ;;
      esac
    else
      echo "missing: $(while IFS='|' read -r probe packages; do
        echo "${probe#*:} (Debian: $(awk '{print $1}' <<< "$packages"))"
      done <<< "$lines" | paste -sd, | sed 's/,/, /g')"
      echo "this is no Debian: install these with your distribution's package manager"
    fi
  } >&2
  return 1
}

# Packages that start a service as they are installed: not while we install. An existing
# policy-rc.d is the administrator's and stays.
policy=/usr/sbin/policy-rc.d
policy_made=
cleanup() { [ -z "$policy_made" ] || rm -f "$policy"; }
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

install() { # install GROUP...
  local lines names server had=
  lines=$(missing "$@")
  [ -z "$lines" ] && return
  if ! command -v apt-get > /dev/null; then
    check "$@"
    return 1
  fi
  if ! names=$(packages_for <<< "$lines"); then
    say "apt-get update (apt does not know $(tail -n 1 <<< "$names") yet)"
    apt-get update -qq
    names=$(packages_for <<< "$lines") ||
      { say "apt has no package $(tail -n 1 <<< "$names") (Debian 12 or newer needed)" >&2; return 1; }
  fi
  names=$(sort -u <<< "$names" | xargs)
  for server in nginx haproxy; do have "cmd:$server" && had+=" $server "; done
  if [ ! -e "$policy" ]; then
    policy_made=1
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
  fi
  say "apt-get install $names"
  # shellcheck disable=SC2086 # a list of names
  apt_install $names || { say "once more, after apt-get update"; apt-get update -qq; apt_install $names; }
  for server in nginx haproxy; do
    [[ $had == *" $server "* ]] && continue
    if ! have "cmd:$server" || ! have cmd:update-rc.d; then continue; fi
    update-rc.d "$server" disable > /dev/null 2>&1 || true
    say "$server is there for tests, demo and benchmarks; its system service was not started or enabled"
  done
  check "$@"
}

apt_install() {
  local log
  log=$(mktemp)
  if DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=300 "$@" > "$log" 2>&1 < /dev/null; then
    rm -f "$log"
  else
    tail -n 30 "$log" >&2
    rm -f "$log"
    return 1
  fi
}

[ "${1-}" = --clang-with-fuzzer ] && { clang_with_fuzzer; exit; }
action=install
[ "${1-}" = --check ] && { action=check; shift; }
[ $# -gt 0 ] || usage
for group in "$@"; do
  case $group in build | test | demo | churn | peers | kernel | lint) ;; *) usage ;; esac
done

if [ $action = check ]; then
  check "$@"
elif [ -z "$(missing "$@")" ]; then
  say "nothing is missing for: $*"
elif [ "$(id -u)" != 0 ]; then
  check "$@" || { echo "installing needs root" >&2; exit 1; }
else
  install "$@"
fi

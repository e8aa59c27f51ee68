# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# A virtual machine with Debian's stock kernel over the host's root, which it reads only: for
# test-kernel and bench-insn. Wants lib-tap.sh, and the directory of logs in `logs`.
image=build/kernel/image
boot_limit=${BOOT_LIMIT:-900} # seconds

give_up() { # give_up REASON: nothing was run
  echo "${0##*/}: $1" >&2
  failed=1
  summary
  exit 1
}

# ---- the kernel: unpacked from its package, never installed
image_package() {
  apt-cache depends linux-image-amd64 2> /dev/null | grep -oE 'linux-image-[0-9][^ ]*-amd64$' | head -n 1
}

image_download() { # into build/kernel
  local package
  package=$(image_package)
  [ -n "$package" ] || return
  echo "downloading $package"
  (cd build/kernel && apt-get download -qq -o APT::Sandbox::User=root "$package")
}

image_get() { # what a virtual machine needs of it, once
  local release deb
  [ -e $image/release ] && return
  rm -rf $image && mkdir -p $image
  ls build/kernel/linux-image-*.deb > /dev/null 2>&1 || image_download ||
    { apt-get update -qq && image_download; } || give_up "the package of Debian's kernel cannot be downloaded"
  deb=$(find build/kernel -maxdepth 1 -name 'linux-image-*.deb' | sort -V | tail -n 1)
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C $image --wildcards \
    './boot/vmlinuz-*' './lib/modules/*/modules.*' './lib/modules/*/kernel/net' './lib/modules/*/kernel/lib' \
    './lib/modules/*/kernel/fs' './lib/modules/*/kernel/crypto' './lib/modules/*/kernel/drivers/virtio' \
    './lib/modules/*/kernel/drivers/net' || give_up "the package of Debian's kernel cannot be unpacked"
  release=$(basename $image/lib/modules/*)
  depmod -b $image "$release" || give_up "depmod failed"
  echo "$release" > $image/release
}

# ---- the machine
initramfs_make() { # busybox, process 1, and the modules that mount the host's root
  local base=build/kernel/initramfs module
  rm -rf $base && mkdir -p $base/bin $base/modules
  # A dynamic one would find no libraries there.
  ldd "$(command -v busybox)" > /dev/null 2>&1 && give_up "busybox is not static: install busybox-static"
  cp "$(command -v busybox)" $base/bin/
  ln -s busybox $base/bin/sh
  cp tests/kernel/init.sh $base/init
  for module in virtio_pci 9pnet_virtio 9p overlay; do
    modprobe -d "$PWD/$image" -S "$release" --show-depends $module || give_up "no module $module"
  done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' > build/kernel/modules
  while read -r module; do
    cp "$module" $base/modules/ && basename "$module"
  done < build/kernel/modules > $base/modules/order
  (cd $base && find . | cpio -o -H newc --quiet) > build/kernel/initramfs.cpio
}

machine_prepare() {
  case $PWD in
    *[[:space:],]*) give_up "neither QEMU nor a kernel's command line takes blanks and commas in $PWD" ;;
  esac
  mkdir -p build/kernel
  image_get
  release=$(cat $image/release)
  initramfs_make
  rm -rf "${logs:?}"
  mkdir -p "$logs"
  mkfifo "$logs/results" || give_up "$logs cannot be written"
}

# Runs what $logs/programs lists, in this process's place. Standard output is the machine's second
# serial port, which tells of each program that has ended.
machine_run() { # machine_run WORDS [OPTION...]: for the kernel's command line, and for QEMU
  local share=security_model=none,multidevs=remap words=$1
  shift
  # An old processor, for what AVX does is slow to emulate, and no random addresses, which would have
  # every library translated for each process anew.
  exec timeout --kill-after=10 "$boot_limit" qemu-system-x86_64 -cpu Nehalem -m 2G "$@" \
    -nodefaults -no-user-config -display none -no-reboot \
    -kernel "$image/boot/vmlinuz-$release" -initrd build/kernel/initramfs.cpio \
    -append "console=ttyS0 quiet loglevel=5 panic=-1 nowatchdog norandmaps nokaslr mitigations=off \
poise.checkout=$PWD $words" \
    -serial "file:$logs/console.log" -serial stdio -device virtio-rng-pci \
    -virtfs "local,path=/,mount_tag=host,readonly=on,$share" \
    -virtfs "local,path=$PWD,mount_tag=checkout,readonly=on,$share" \
    -virtfs "local,path=$PWD/$logs,mount_tag=results,$share"
}

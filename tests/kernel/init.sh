#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Process 1 of the kernel under test: tools/test-kernel puts it, busybox and a few modules into the
# initramfs. Makes the host's root the root, with a layer of memory over it, and goes on with
# guest.sh of the checkout.
PATH=/bin
busybox mkdir -p /proc /dev /host /layer /root
busybox mount -t proc proc /proc
busybox --install -s /bin

stop() { # stop REASON: whoever waits for results sees the machine go
  echo "init: $1"
  poweroff -f
}

mount -t devtmpfs dev /dev
while read -r module; do
  insmod "/modules/$module" || stop "insmod $module failed"
done < /modules/order

options=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o "ro,cache=loose,$options" host /host || stop "the host's root cannot be mounted"
mount -t tmpfs -o mode=755 layer /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work root /root ||
  stop "no overlay"

# Not what the host's processes keep there.
mount -t tmpfs -o mode=755 run /root/run
mount -t tmpfs -o mode=1777 tmp /root/tmp
mount --move /proc /root/proc
mount -t sysfs sys /root/sys
mount --move /dev /root/dev
ln -s /proc/self/fd /root/dev/fd
mkdir -m 1777 /root/dev/shm
mount -t bpf bpf /root/sys/fs/bpf

# The checkout may lie on what was just covered.
checkout=$(sed -n 's/.*\bpoise.checkout=\([^ ]*\).*/\1/p' /root/proc/cmdline)
mkdir -p "/root$checkout" /root/run/results
mount -t 9p -o "ro,cache=loose,$options" checkout "/root$checkout" || stop "no checkout"
mount -t 9p -o "$options" results /root/run/results || stop "no results"
exec switch_root /root "$checkout/tests/kernel/guest.sh"

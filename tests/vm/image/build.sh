#!/usr/bin/env bash
# build.sh SUITE OUT: a bare Debian as the station's host would be, with the stock kernel: OUT/{rootfs.ext4,vmlinuz,initrd.img}.
# As root; nothing is mounted. The kernel's package is unpacked, not installed: no initramfs is made of it, and drivers that
# no test needs stay out of it.
set -euo pipefail
suite=$1 out=$2 here=$(cd "$(dirname "$0")" && pwd)
root=$out/root
rm -rf "$out"
mkdir -p "$out"

packages=(
    systemd systemd-sysv udev dbus kmod iproute2 procps busybox-static  # a host that boots
    python3 openssl openssh-server                                      # what the station's package needs, and the centre
    usbutils dosfstools exfatprogs e2fsprogs xfsprogs                   # to look at things with
)
apt_options=(--aptopt='Apt::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io)
for path in doc man locale info i18n; do
    apt_options+=(--dpkgopt="path-exclude=/usr/share/$path/*")
done
# shellcheck disable=SC2016  # expanded in the hook
fetch_kernel='kernel=$(chroot "$1" apt-cache depends linux-image-amd64 | sed -n "s/.*Depends: //p" | head -1)
    chroot "$1" sh -c "cd /boot && apt-get -qq download $kernel"'
mmdebstrap --quiet --mode=root --variant=minbase "${apt_options[@]}" \
    --include="$(IFS=,; echo "${packages[*]}")" --customize-hook="$fetch_kernel" "$suite" "$root"

leave_out=()
for drivers in gpu net/ethernet net/wireless media infiniband sound iio staging isdn video hwmon platform mtd edac nvme crypto \
    gpio power regulator leds rtc thunderbolt firewire parport comedi ata pinctrl bluetooth nfc mmc memstick pcmcia \
    accel cpufreq acpi char/agp i2c iommu ptp powercap; do
    leave_out+=(--exclude="*/kernel/drivers/$drivers/*")
done
for part in sound net/bluetooth net/mac80211 net/wireless net/sctp net/rds net/tipc net/openvswitch arch/x86/kvm \
    fs/ocfs2 fs/gfs2 fs/ceph fs/smb fs/btrfs fs/f2fs fs/jfs fs/nfs fs/nfsd fs/afs fs/dlm; do
    leave_out+=(--exclude="*/kernel/$part/*")
done
dpkg-deb --fsys-tarfile "$root"/boot/linux-image-*.deb |
    tar x -C "$root" --keep-directory-symlink --exclude='./usr/share/*' "${leave_out[@]}"
rm -f "$root"/boot/*.deb
find "$root/lib/modules" -name '*.ko.xz' -print0 | xargs -0 -r -n 200 -P 2 xz -d # slow in the guest
version=$(ls "$root/lib/modules")
chroot "$root" depmod "$version"
cp "$root/boot/vmlinuz-$version" "$out/vmlinuz"

echo station >"$root/etc/hostname"
printf '127.0.0.1 localhost station\n' >"$root/etc/hosts"
echo '/dev/vda / ext4 rw,relatime 0 1' >"$root/etc/fstab"
printf '5ea1ed00000000000000000000000007\n' >"$root/etc/machine-id"
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer; do
    chroot "$root" systemctl -q disable "$unit" 2>/dev/null || true
done
chroot "$root" systemctl -q mask getty@tty1.service systemd-pstore.service
install -m755 "$here/agent.py" "$root/usr/local/sbin/lab-agent"
cat >"$root/etc/systemd/system/lab-agent.service" <<'UNIT'
[Unit]
Description=Hand of the test
Wants=dev-virtio\x2dports-lab.agent.device
After=dev-virtio\x2dports-lab.agent.device
[Service]
ExecStart=/usr/local/sbin/lab-agent
Restart=always
RestartSec=1
OOMScoreAdjust=-1000
[Install]
WantedBy=multi-user.target
UNIT
chroot "$root" systemctl -q enable lab-agent
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=persistent\n' >"$root/etc/systemd/journald.conf.d/lab.conf"

initrd=$out/initrd
mkdir -p "$initrd"/{bin,dev,proc,sys,root,modules}
cp "$root/bin/busybox" "$initrd/bin/"
number=100
for module in virtio_pci virtio_blk virtio_console ext4 crc32c_generic; do
    for file in $(chroot "$root" modprobe -S "$version" --show-depends "$module" 2>/dev/null | awk '$1 == "insmod" {print $2}'); do
        compgen -G "$initrd/modules/*-$(basename "$file")" >/dev/null && continue
        cp "$root$file" "$initrd/modules/$((number += 1))-$(basename "$file")"
    done
done
cat >"$initrd/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in /modules/*; do insmod "$module" 2>/dev/null; done
tries=0; while [ ! -b /dev/vda ] && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
mount -t ext4 /dev/vda /root || exec sh
mount --move /dev /root/dev; mount --move /proc /root/proc; mount --move /sys /root/sys
exec switch_root /root /sbin/init
INIT
chmod +x "$initrd/init"
(cd "$initrd" && find . | cpio -o -H newc --quiet) >"$out/initrd.img"

rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/boot/*
chroot "$root" python3 -m compileall -q /usr/lib/python3 /usr/lib/python3.* >/dev/null 2>&1 || true
mke2fs -q -t ext4 -L root -O ^metadata_csum_seed -E lazy_itable_init=1,lazy_journal_init=1 -d "$root" "$out/rootfs.ext4" 2200M
rm -rf "$root" "$initrd"

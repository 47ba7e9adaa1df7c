#!/bin/bash
# Make the initrd that reports what the machine measured.
#
# usage: initrd.sh OUT.cpio.gz
#
# It prints the boot log, every PCR of every bank and the answers to quote.py's commands to the
# first serial port, each between "@@BEGIN name" and "@@END name", binary parts in base64, and
# powers off. One static busybox keeps it small: firmware under emulation hashes slowly. The
# same busybox gives the same bytes.
set -euo pipefail

out=$(realpath "${1:?usage: initrd.sh OUT.cpio.gz}")
here=$(dirname "$(realpath "$0")")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

mkdir -p "$root"/{bin,proc,sys,dev,tmp,tpm}
install /bin/busybox "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
python3 "$here/quote.py" "$root/tpm"

cat > "$root/init" <<'END'
#!/bin/sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t securityfs securityfs /sys/kernel/security
exec > /dev/ttyS0 2>&1

report() {
	echo "@@BEGIN $1"
	base64
	echo "@@END $1"
}

tpm() { # one command, one response
	dd bs=4096 if="/tpm/$1" >&3 2> /dev/null
	dd bs=4096 count=1 <&3 2> /dev/null | report "$1"
}

cd /sys/class/tpm/tpm0
for bank in sha1 sha256 sha384 sha512; do
	for pcr in $(seq 0 23); do
		echo "$bank $pcr $(cat pcr-$bank/$pcr)"
	done
done | report pcrs
cat /sys/kernel/security/tpm0/binary_bios_measurements 2> /dev/null | report eventlog.bin
cat /sys/firmware/dmi/tables/DMI | report DMI
cat /sys/kernel/security/ima/ascii_runtime_measurements 2> /dev/null | report ima
exec 3<> /dev/tpm0
tpm createprimary
tpm quote
exec 3>&-
cat /proc/cmdline | report cmdline
uname -r | report kernel
find /.extra -type f 2> /dev/null | sort | report extra
[ ! -e /.extra/boot-secret ] || cat /.extra/boot-secret | report boot-secret
echo "@@DONE"
poweroff -f
END
chmod 755 "$root/init"

cd "$root"
find . -exec touch --no-dereference --date=@0 {} +
find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc -R 0:0 | gzip -9n > "$out.new"
mv "$out.new" "$out"

# Functions for the tests in this directory; see run.
# shellcheck shell=bash disable=SC2016

# Run the program, with its command line and, when it is not 0, its exit status on standard output.
t() {
	printf '$ pcrcast'
	printf ' %s' "$@"
	printf '\n'
	printf '$ pcrcast' >&2
	printf ' %s' "$@" >&2
	printf '\n' >&2
	"$PCRCAST" "$@"
	status=$?
	[ $status = 0 ] || echo "[$status]"
}

# An image of make-uki.py, with the directories on the way.
make_uki() {
	mkdir -p "$(dirname "$1")"
	python3 "$TOOLS/make-uki.py" "$@" || exit 1
}

put() { # FILE TEXT
	mkdir -p "$(dirname "$1")"
	printf '%b' "$2" >"$1"
}

need() {
	for program; do
		command -v "$program" >/dev/null || PATH=$PATH:/sbin:/usr/sbin command -v "$program" >/dev/null || {
			echo "needs $program" >&2
			exit 77
		}
	done
	PATH=$PATH:/sbin:/usr/sbin
}

# An ESP directory with one of everything: the stub's version is the argument.
make_esp() { # DIRECTORY VERSION
	make_uki "$1/EFI/BOOT/BOOTX64.EFI" "stub=$2" '.osrel=ID=test\nPRETTY_NAME=Test\n' '.cmdline=quiet console=ttyS0\n' \
		.initrd=INITR .uname=6.12.0-test '.pcrpkey=KEY' .linux=%line,initrd
	make_uki "$1/loader/addons/a.addon.efi" "addon=$2" '.cmdline=addon'
	put "$1/EFI/BOOT/BOOTX64.EFI.extra.d/one.cred" one
	put "$1/EFI/BOOT/BOOTX64.EFI.extra.d/ext.raw" extension
}

# A disk with one ESP that holds a directory's files. SECTOR is 512 or 4096, KIND 12, 16 or 32.
make_disk() { # FILE DIRECTORY SECTOR KIND
	local mib=4 cluster=1
	case $4-$3 in 12-512) cluster=4 ;; 16-*) mib=20 ;; 32-512) mib=40 ;; 32-4096) mib=280 ;; esac
	truncate -s $mib"M" part.img
	mkfs.vfat -F "$4" -S "$3" -s $cluster -i 12345678 part.img >/dev/null || exit 1
	(cd "$2" && mcopy -s -i "$OLDPWD/part.img" -- * ::/) || exit 1
	make_gpt "$1" "$3" "$mib" part.img
	rm part.img
}

# sgdisk knows sectors of a file as 512 bytes only: the table is written here.
make_gpt() { # FILE SECTOR MIB PARTITION...
	local file=$1 sector=$2 mib=$3
	shift 3
	python3 - "$file" "$sector" "$mib" "$@" <<'END'
import struct, sys, zlib, uuid
file, sector, mib, parts = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
size = mib << 20
per = size // sector
first = (1 << 20) // sector
total = first * 2 + per * max(len(parts), 1)
entries = b""
with open(file, "wb") as f:
    f.truncate(total * sector)
    for i, part in enumerate(parts):
        kind = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
        if part.startswith("linux:"):
            kind, part = "0fc63daf-8483-4772-8e79-3d69d8477de4", part[6:]
        lba = first + i * per
        entries += uuid.UUID(kind).bytes_le + uuid.UUID(int=i + 1).bytes_le + struct.pack(
            "<QQQ", lba, lba + per - 1, 0) + f"part {i + 1}".encode("utf-16-le").ljust(72, b"\0")
        with open(part, "rb") as src:
            for k in range(0, size, 1 << 20):
                block = src.read(1 << 20)
                if any(block):
                    f.seek(lba * sector + k)
                    f.write(block)
    entries = entries.ljust(128 * 128, b"\0")
    n = len(entries) // sector
    def header(me, other, table):
        h = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, me, other, 2 + n, total - 2 - n,
                        uuid.UUID(int=99).bytes_le, table, 128, 128, zlib.crc32(entries))
        return h[:16] + struct.pack("<I", zlib.crc32(h)) + h[20:]
    mbr = bytes(446) + struct.pack("<BBBBBBBBII", 0, 0, 2, 0, 0xEE, 255, 255, 255, 1, min(total - 1, 0xFFFFFFFF))
    f.seek(0); f.write(mbr.ljust(510, b"\0") + b"\x55\xaa")
    f.seek(sector); f.write(header(1, total - 1, 2))
    f.seek(2 * sector); f.write(entries)
    f.seek((total - 1 - n) * sector); f.write(entries)
    f.seek((total - 1) * sector); f.write(header(total - 1, 1, total - 1 - n))
END
}

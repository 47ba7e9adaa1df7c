#!/bin/sh
# How the files here were made: images of ../../tools/make-uki.py, signed by throw-away keys with sbsign (sbsigntool
# 0.9.4). The keys are not kept; a new run makes other signatures.
#
# usage: make.sh   (in a scratch directory; writes ./signed)
set -e
here=$(cd "$(dirname "$0")" && pwd)
make=$here/../../tools/make-uki.py
mkdir -p signed
for key in one two three; do
	openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=pcrcast test $key" -keyout $key.key -out $key.crt -days 36500 2>/dev/null
done

# sign NAME KEY WORD...
sign() {
	name=$1 key=$2
	shift 2
	python3 "$make" unsigned.efi "$@"
	sbsign --key "$key.key" --cert "$key.crt" --output "signed/$name.efi" unsigned.efi 2>/dev/null
	cat >"signed/$name.origin" <<END
Made by make.sh in this directory, no third party's work: make-uki.py with
  $*
and sbsign (sbsigntool 0.9.4) with the throw-away key "pcrcast test $key".
END
}

for version in 252.39 254.26 257.13 262; do
	sign uki-$version one stub=$version .osrel=ID=os '.cmdline=quiet' .linux=%line,initrd
	sign uki-$version-bare one stub=$version .osrel=ID=os .linux=%line,initrd
done
sign uki-254.3-bare one stub=254.3 .osrel=ID=os .linux=%line,initrd
sign uki-other two stub=257.13 .osrel=ID=os .linux=%line
sign boot-257.13 one boot=257.13
sign addon-one one addon=257.13 '.cmdline=signed one'
sign addon-two two addon=257.13 '.cmdline=signed two' .initrd=I
sign driver-two two .text=T subsystem=11
# For shim: with .sbat.
sbat='sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\nloader,2,Test,loader,1,https://example.com\n'
sign boot-sbat three boot=257.13 ".sbat=$sbat"
sign uki-sbat three stub=257.13 .osrel=ID=os '.cmdline=quiet' ".sbat=$sbat" .linux=%line,initrd
python3 "$make" kernel.efi kernel=line,initrd
sbsign --key three.key --cert three.crt --output signed-kernel.efi kernel.efi 2>/dev/null
sign uki-signed-kernel three stub=257.13 .osrel=ID=os '.cmdline=quiet' ".sbat=$sbat" .linux=@signed-kernel.efi
openssl x509 -in three.crt -outform DER -out signed/three.der
echo "Made by make.sh in this directory: the certificate of the throw-away key \"pcrcast test three\"." >signed/three.origin

#!/bin/sh
# Sign the images that make.py makes: sign.sh DIRECTORY. New keys each time, which nobody keeps.
set -e
cd "$1"
keys=$(mktemp -d)
trap 'rm -r "$keys"' EXIT

# The second name holds an escape sequence: it must not reach a terminal as it is.
escape=$(printf '\033[31mtwo')
cafe=$(printf 'caf\303\251')
for n in one two; do
	[ $n = one ] && cn="pcrcast test, one" || cn=$escape
	openssl req -new -x509 -newkey rsa:2048 -sha256 -nodes -days 36500 -subj "/O=$cafe/CN=$cn" -utf8 \
		-keyout "$keys/$n.key" -out "$keys/$n.crt" 2>/dev/null
done

sbsign --key "$keys/one.key" --cert "$keys/one.crt" --output signed-sbsign.efi pe32plus.efi
sbsign --key "$keys/two.key" --cert "$keys/two.crt" --output signed-twice.efi signed-sbsign.efi
sbsign --key "$keys/one.key" --cert "$keys/one.crt" --output signed-odd.efi odd.efi
osslsigncode sign -h sha384 -certs "$keys/two.crt" -key "$keys/two.key" -in odd.efi -out signed-osslsigncode.efi
osslsigncode sign -h sha1 -certs "$keys/two.crt" -key "$keys/two.key" -in pe32.efi -out signed-sha1.efi

for n in one two; do
	openssl x509 -in "$keys/$n.crt" -noout -fingerprint -sha256 -subject -nameopt RFC2253
done
for f in signed-*.efi; do
	echo "$f"
	osslsigncode verify -in "$f" -CAfile "$keys/one.crt" 2>&1 | grep -i 'calculated message digest' || true
done

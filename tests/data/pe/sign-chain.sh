#!/bin/sh
# Sign an image of make.py with a key whose certificate has two above it, all good for one day: sign-chain.sh DIRECTORY.
# New keys each time, which nobody keeps. The stranger has the name of the certificate in the middle, and another key.
set -e
cd "$1"
keys=$(mktemp -d)
trap 'rm -r "$keys"' EXIT
ext() { printf 'basicConstraints=critical,CA:%s\nkeyUsage=critical,%s\nextendedKeyUsage=emailProtection\n' "$1" "$2"; }
issue() { # NAME ISSUER SUBJECT CA USAGE
	openssl req -new -newkey rsa:2048 -sha256 -nodes -subj "/CN=$3" -keyout "$keys/$1.key" -out "$keys/$1.csr" 2>/dev/null
	ext "$4" "$5" >"$keys/ext"
	if [ "$2" = "$1" ]; then
		set -- "$1" -signkey "$keys/$1.key"
	else
		set -- "$1" -CA "$keys/$2.crt" -CAkey "$keys/$2.key" -CAcreateserial
	fi
	name=$1
	shift
	openssl x509 -req -in "$keys/$name.csr" -days 1 -sha256 -extfile "$keys/ext" "$@" -out "$keys/$name.crt" 2>/dev/null
	openssl x509 -in "$keys/$name.crt" -outform DER -out "chain-$name.der"
}
issue top top "pcrcast test top" TRUE keyCertSign
issue middle top "pcrcast test middle" TRUE keyCertSign
issue signer middle "pcrcast test signer" FALSE digitalSignature
issue stranger stranger "pcrcast test middle" TRUE keyCertSign
sbsign --key "$keys/signer.key" --cert "$keys/signer.crt" --addcert "$keys/middle.crt" --output signed-chain.efi pe32plus.efi

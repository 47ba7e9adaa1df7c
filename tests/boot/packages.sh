#!/bin/bash
# Fetch packages of a Debian release and unpack them beside each other, installing nothing.
#
# usage: packages.sh [--refresh] DIR SUITE PACKAGE...
#
# apt works with a configuration of its own below DIR/apt, so the machine's package state is
# neither read nor changed; only the mirror it uses is taken over. Each package ends up
# in DIR/SUITE/PACKAGE, with its version in DIR/SUITE/PACKAGE.version. "kernel" names the image
# package that linux-image-cloud-amd64 stands for, whatever its version is today. What is
# there already is left alone; --refresh asks the mirror again and replaces what has changed.
set -euo pipefail

refresh=false
if [ "${1-}" = --refresh ]; then
	refresh=true
	shift
fi
if [ $# -lt 3 ]; then
	echo "usage: packages.sh [--refresh] DIR SUITE PACKAGE..." >&2
	exit 2
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)
suite=$2
shift 2

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
state=$dir/apt/$suite
indexed=false

# The site this machine gets Debian 12 from; nothing but the public name is assumed without one.
mirror() {
	local site
	site=$(apt-get --print-uris update 2>/dev/null |
		sed -n "s,^'\(.*\)/dists/bookworm/\(In\)\?Release'.*,\1,p" | head -n 1) || true
	echo "${site:-http://deb.debian.org/debian}"
}

configure() {
	mkdir -p "$state"/{lists/partial,cache/archives/partial,parts}
	: > "$state/status"
	echo "deb [arch=amd64 signed-by=$keyring] $(mirror) $suite main" > "$state/sources.list"
	cat > "$state/apt.conf" <<-END
		APT::Architecture "amd64";
		APT::Architectures { "amd64"; };
		APT::Sandbox::User "";
		Acquire::Retries "3";
		Acquire::Languages "none";
		Dir::State "$state";
		Dir::State::Lists "$state/lists";
		Dir::State::status "$state/status";
		Dir::Cache "$state/cache";
		Dir::Etc::sourcelist "$state/sources.list";
		Dir::Etc::sourceparts "$state/parts";
		Dir::Etc::preferences "$state/preferences";
		Dir::Etc::preferencesparts "$state/parts";
	END
}

# The package index, fetched at most once per call.
index() {
	$indexed && return
	configure
	APT_CONFIG=$state/apt.conf apt-get -qq update >&2
	indexed=true
}

# The first dependency of package $1 that matches $2.
dependency() {
	APT_CONFIG=$state/apt.conf apt-cache depends "$1" |
		sed -n "s/^ *Depends: \($2.*\)\$/\1/p" | head -n 1
}

# What a name in our argument list is called in the archive.
resolve() {
	local image binary
	if [ "$1" != kernel ]; then
		echo "$1"
		return
	fi
	image=$(dependency linux-image-cloud-amd64 'linux-image-[0-9]')
	binary=$(dependency "$image" 'linux-binary-[0-9]') # since Linux 7 in unstable
	echo "${binary:-$image}"
}

version() {
	APT_CONFIG=$state/apt.conf apt-cache show --no-all-versions "$1" | sed -n 's/^Version: //p'
}

fetch() {
	local name package new tree
	name=$1
	tree=$dir/$suite/$name
	package=$(resolve "$name")
	new=$([ -z "$package" ] || version "$package")
	if [ -z "$new" ]; then
		echo "packages.sh: $suite has no package $name" >&2
		exit 1
	fi
	if [ -d "$tree" ] && [ "$(cat "$tree.version" 2>/dev/null)" = "$package $new" ]; then
		return
	fi
	echo "fetching $package $new ($suite)" >&2
	rm -rf "$tree" "$tree.new" "$tree.version"
	mkdir -p "$tree.new"
	(cd "$tree.new" && APT_CONFIG=$state/apt.conf apt-get -qq download "$package" >&2)
	dpkg-deb -x "$tree.new"/*.deb "$tree.new"
	rm -rf "$tree.new"/*.deb "$tree.new"/{lib,usr/lib}/modules/*/kernel
	mv "$tree.new" "$tree"
	echo "$package $new" > "$tree.version"
}

mkdir -p "$dir/$suite"
for name in "$@"; do
	if ! $refresh && [ -e "$dir/$suite/$name.version" ]; then
		continue
	fi
	index
	fetch "$name"
done

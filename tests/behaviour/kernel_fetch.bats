#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kernel/fetch without a network: archives of a Linux of two files, and mirrors that are none.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR"
	fetch=$BATS_TEST_DIRNAME/../../kernel/fetch
	export HILLOCK_HOME=$BATS_TEST_TMPDIR/data
	mkdir linux-7.3
	echo 'VERSION = 7' >linux-7.3/Makefile
	: >linux-7.3/Kbuild
	tar -cJf linux-7.3.tar.xz linux-7.3
}

# A source that an earlier run fetched.
fetched() {
	mkdir -p "data/source/$1"
	echo "debian linux-source $1" >"data/source/$1/.hillock-source"
}

@test "a directory is used as it is" {
	run --separate-stderr "$fetch" --source linux-7.3
	[ "$status" -eq 0 ]
	[ "$output" = "$PWD/linux-7.3" ]
	[ ! -e linux-7.3/.hillock-source ]
}

@test "an archive is unpacked once" {
	run --separate-stderr "$fetch" --source linux-7.3.tar.xz
	[ "$status" -eq 0 ]
	[ "$(cat "$output/Makefile")" = 'VERSION = 7' ]
	[ -f "$output/.hillock-source" ]
	[ "$(find data/source -mindepth 1 -maxdepth 1 -name '[a-z]*' | wc -l)" = 1 ]
	touch "$output/mark"
	run --separate-stderr "$fetch" --source linux-7.3.tar.xz
	[ "$status" -eq 0 ]
	[ -f "$output/mark" ]
}

@test "an archive that is cut off leaves nothing and says so" {
	head -c 100 linux-7.3.tar.xz >cut.tar.xz
	run --separate-stderr "$fetch" --source cut.tar.xz
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[[ "$stderr" == *"cannot unpack cut.tar.xz"* ]]
	[ -z "$(ls data/source)" ]
}

@test "an archive of something else is refused" {
	mkdir other
	tar -cf other.tar other
	run --separate-stderr "$fetch" --source other.tar
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"other.tar holds no Linux source"* ]]
	[ -z "$(ls data/source)" ]
}

@test "a source that is not there is named" {
	run --separate-stderr "$fetch" --source gone
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"gone: no such directory or file"* ]]
}

@test "of fetched sources the numerically newest is used, without a network" {
	fetched linux-7.9.1-1
	fetched linux-7.10.2-1
	fetched linux-6.12.30-1
	HILLOCK_MIRROR=file:$PWD/nowhere run --separate-stderr "$fetch"
	[ "$status" -eq 0 ]
	[ "$output" = "$HILLOCK_HOME/source/linux-7.10.2-1" ]
	[ -z "$stderr" ]
}

@test "what is there is kept when the mirror cannot be read" {
	fetched linux-7.3.4-1
	HILLOCK_MIRROR=file:$PWD/nowhere run --separate-stderr "$fetch" --update
	[ "$status" -eq 0 ]
	[ "$output" = "$HILLOCK_HOME/source/linux-7.3.4-1" ]
	[[ "$stderr" == *"keeping linux-7.3.4-1, which is here already"* ]]
}

@test "with no source and no mirror the error says what to give" {
	HILLOCK_MIRROR=file:$PWD/nowhere run --separate-stderr "$fetch"
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[[ "$stderr" == *"file:$PWD/nowhere"* ]]
	[[ "$stderr" == *"--source DIR or --source TARBALL"* ]]
}

# An archive that offers a linux-source newer than all, without Debian's signature.
forged_mirror() {
	local dist=mirror/dists/trixie-backports
	mkdir -p "$dist/main/binary-$(dpkg --print-architecture)" mirror/pool
	cat >"$dist/main/binary-$(dpkg --print-architecture)/Packages" <<-END
	Package: linux-source-99.9
	Version: 99.9.9-1
	Architecture: all
	Maintainer: Nobody <nobody@example.org>
	Filename: pool/linux-source-99.9.deb
	Size: 1
	SHA256: $(printf x | sha256sum | cut -d' ' -f1)
	Description: forged
	END
	printf x >mirror/pool/linux-source-99.9.deb
	(
		cd "$dist"
		packages=main/binary-$(dpkg --print-architecture)/Packages
		cat >Release <<-END
		Origin: Debian
		Label: Debian
		Suite: trixie-backports
		Codename: trixie-backports
		Date: $(LC_ALL=C date -u -R)
		Architectures: all $(dpkg --print-architecture)
		Components: main
		SHA256:
		 $(sha256sum <$packages | cut -d' ' -f1) $(stat -c %s $packages) $packages
		END
	)
}

@test "an archive without Debian's signature is refused" {
	forged_mirror
	HILLOCK_MIRROR=file:$PWD/mirror run --separate-stderr "$fetch"
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[[ "$stderr" == *"not signed"* ]]
	run "$BATS_TEST_DIRNAME/../../scripts/debian" trixie-backports list linux-source
	[[ "$output" != *99.9* ]]
}

@test "the machine's own apt is left as it is" {
	before=$(find /etc/apt /var/lib/apt /var/cache/apt -printf '%p %s %T@\n' 2>/dev/null | sort)
	HILLOCK_MIRROR=file:$PWD/nowhere run "$fetch" --update
	[ "$(find /etc/apt /var/lib/apt /var/cache/apt -printf '%p %s %T@\n' 2>/dev/null | sort)" = "$before" ]
}

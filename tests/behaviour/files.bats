#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The file server and a real guest: a um kernel that mounts what is served. Killed again and
# again, too.

bats_require_minimum_version 1.5.0

setup() {
	kernel=$HILLOCK_HOME/kernels/default
	grep -q '^CONFIG_VIRTIO_UML=y' "$kernel/config" && grep -q '^CONFIG_VIRTIO_FS=y' "$kernel/config" ||
		skip "the kernel has no virtio-fs"
	cd "$BATS_TEST_TMPDIR"
	mkdir served
	files=$(find "${HILLOCK%/bin/hillock}" -name hillock-files -type f)
	initrd "$HILLOCK_PROGRAMS/files_guest" >initrd
	pids=
}

teardown() {
	for pid in $pids; do
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# newc NAME MODE SIZE: the head of a file in a cpio archive.
newc() {
	printf '070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\0' \
		1 "$2" 0 0 1 0 "$3" 0 0 0 0 $((${#1} + 1)) 0 "$1"
	zeroes $((110 + ${#1} + 1))
}

# zeroes SIZE: what pads that to four bytes.
zeroes() { head -c $(((4 - $1 % 4) % 4)) /dev/zero; }

# initrd PROGRAM: an archive with it as its init.
initrd() {
	local size
	size=$(stat -c %s "$1")
	newc init $((0100755)) "$size"
	cat "$1"
	zeroes "$size"
	newc TRAILER!!! 0 0
}

# serve [OPTION]...: starts the server, and waits until it listens.
serve() {
	"$files" --root served --listen socket --once "$@" 2>server.log 3>&- &
	server=$!
	pids="$pids $server"
	until [ -S socket ]; do kill -0 "$server"; sleep 0.01; done
}

# guest [WORD]...: runs the guest to its end; what it said is in `output`.
guest() {
	run timeout -s KILL 100 "$kernel/linux" mem=64M initrd=initrd rdinit=/init seccomp=on con=null \
		con0=null,fd:1 quiet loglevel=1 virtio_uml.device="$PWD/socket:26" "$@" </dev/null 3>&-
	output=${output//$'\r'/}
}

# Did everything go well that the guest tried, to the end?
all_ok() {
	grep -E '^(ok|not ok|end)' <<<"$output" || echo "$output"
	! grep -q '^not ok' <<<"$output" && grep -q '^ok' <<<"$output" && grep -qx end <<<"$output"
}

@test "a guest uses what is served" {
	serve
	guest
	all_ok
	wait "$server"
	[ ! -s server.log ]
	# What it made is there, and nobody on the host becomes somebody else by it.
	[ -f served/a ]
	[ -z "$(find served -perm /6000 -user "$(id -u)")" ] || [ "$(id -u)" = 0 ]
}

@test "with owners kept aside" {
	serve --owners aside
	guest
	all_ok
	[ -f served/n ]
	[ -z "$(find served ! -user "$(id -u)" -o -perm /6000)" ]
}

@test "with every cache mode" {
	for mode in none auto 'always --writeback'; do
		rm -rf served socket
		mkdir served
		# shellcheck disable=SC2086 # words
		serve --cache $mode
		guest
		all_ok
		wait "$server"
	done
}

@test "what is served read-only is not changed" {
	echo before >served/file
	serve --read-only
	guest
	grep -q '^not ok makes a directory.*Read-only file system' <<<"$output"
	[ "$(ls served)" = file ]
	[ "$(cat served/file)" = before ]
}

@test "a server that is killed again and again loses nothing" {
	serve --supervise
	# Kills the child that serves, over and over, while the guest works.
	(
		n=0
		while children=$(cat /proc/"$server"/task/"$server"/children 2>/dev/null); do
			[ -z "$children" ] || ! kill -9 $children 2>/dev/null || n=$((n + 1))
			echo $n >kills
			sleep 0.03
		done
	) 3>&- &
	pids="$pids $!"
	guest files_test=load
	all_ok
	[ "$(cat kills)" -gt 5 ]
}

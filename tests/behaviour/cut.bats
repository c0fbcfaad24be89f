#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# hillock cut on a Linux whose tree has a handful of options and whose make takes the run's own
# kernel for what it built, unless an option is off that this Linux cannot boot without. So cuts
# are whole, with containers, and nothing is compiled.

load container

prepare() {
	real=$(readlink "$store/kernels")/um-base
	rm "$store/kernels"
	mkdir -p "$store/kernels" linux/{net,fs,include/linux,arch/{um,x86/entry/syscalls}}
	ln -s "$real" "$store/kernels/um-base"
	ln -s um-base "$store/kernels/default"
	cat >linux/Kconfig <<'END'
config EXPERT
	bool "Expert users"
config NET
	bool "Networking"
config DNOTIFY
	bool "Nothing says that this Linux needs it"
config AIO
	bool "Nothing needs it"
config FILE_LOCKING
	bool "Locks"
END
	cat >linux/Makefile <<END
VERSION = 7
PATCHLEVEL = 3
SUBLEVEL = 4
all:
	@mkdir -p \$(O)/include/config
	@echo 7.3.4-test >\$(O)/include/config/kernel.release
	@echo '  CC      main.o'
	@echo run >>\$(O)/built
	@! test -e "$PWD/broken" || { echo 'main.c: error'; false; }
	@if grep -q CONFIG_DNOTIFY=y \$(O)/.config; then cp "$real/linux" \$(O)/linux; \\
		else cp /bin/true \$(O)/linux; fi
allnoconfig:
	@grep -E '^CONFIG_(EXPERT|NET|DNOTIFY|AIO|FILE_LOCKING)=' \\
		\$(KCONFIG_ALLCONFIG) >\$(O)/.config || :
END
	printf 'obj-y += fs/\nobj-$(CONFIG_NET) += net/\n' >linux/Kbuild
	printf 'obj-$(CONFIG_AIO) += aio.o\n' >linux/fs/Makefile
	printf 'obj-y := socket.o\n' >linux/net/Makefile
	: >linux/arch/um/Makefile >linux/arch/um/Kconfig
	echo 'SYSCALL_DEFINE5(io_submit, int, ctx)' >linux/fs/aio.c
	echo 'SYSCALL_DEFINE3(socket, int, family)' >linux/net/socket.c
	printf '41\tcommon\tsocket\tsys_socket\n' >linux/arch/x86/entry/syscalls/syscall_64.tbl
	printf '#define AF_INET 2\n' >linux/include/linux/socket.h
}

cut() {
	run --separate-stderr hillock cut "$@"
	echo "$stderr" # shown if the test fails
}

# Needs a socket, which NET gives.
check='ifconfig lo | grep -q 127'

busybox_cut() { cut busybox --source linux --check "$check" "$@"; }

@test "a cut finds what the check uses, and what only a probe can tell" {
	busybox_cut -o tiny
	[ "$status" -eq 0 ]
	[[ "$output" == *'kernel tiny is in the store: hillock run --kernel tiny busybox' ]]
	grep -qx CONFIG_NET=y "$store/kernels/tiny/config"
	grep -qx CONFIG_DNOTIFY=y "$store/kernels/tiny/config"
	! grep -q 'AIO=y\|FILE_LOCKING=y' "$store/kernels/tiny/config"
	grep -B3 -x CONFIG_NET=y "$store/kernels/tiny/defconfig" |
		grep -q '^# denied: the check fails when its uses are refused'
	grep -B3 -x CONFIG_DNOTIFY=y "$store/kernels/tiny/defconfig" |
		grep -q '^# probe: a kernel without it: boot failed'
	[ "$(hillock run --rm --kernel tiny busybox echo it runs)" = 'it runs' ]
	[ "$(hillock kernel ls -q | grep -x tiny)" = tiny ]

	cut --list
	[[ "${lines[1]}" == '1 '*busybox*size*done*tiny*'ifconfig lo'* ]]
	cut --table
	[[ "${lines[1]}" == *passed*'the base' ]]
	[[ "${lines[2]}" == *'boot failed'*'the first kernel'* ]]
	cut --table --format csv 1
	[ "$(head -n 1 <<<"$output" | tr ',' '\n' | wc -l)" -eq 14 ]
	[[ "$output" == *'the base'* ]]
	cut --table --json tiny
	[[ "$output" == '['*'"verdict":"boot failed"'*']' ]]
	cut --show tiny
	[[ "$output" == *'it is a program, but not a um kernel'* ]]
	[[ "$output" == *$'\nNET\n'*'denied: '* ]]
	cut --plot --format svg
	[[ "$output" == '<svg '*'</svg>' ]]
	cut --diff 1:0 1
	[[ "$output" == *-AIO* ]]
	[[ "$output" != *DNOTIFY* ]]
}

@test "a cut that is started again goes on where it was" {
	busybox_cut --budget 1 -o tiny
	[ "$status" -eq 1 ]
	[[ "$stderr" == *'the budget is used up'* ]]
	[ ! -e "$store/kernels/tiny" ]
	busybox_cut -o tiny
	[ "$status" -eq 0 ]
	[[ "$stderr" == *'going on with cut 1'*'(remembered)'* ]]
	[[ "$stderr" != *'tracing the check'* ]]
	# Every set was built once, but for the base, which the store had, and the result, which may
	# have had to be built once more.
	cut --table --format csv 1
	probes=$((${#lines[@]} - 1))
	[ "$probes" -gt 2 ]
	[ "$(command cut -d, -f1 <<<"$output" | tail -n +2 | tr '\n' ' ')" = "$(seq -s ' ' 0 $((probes - 1))) " ]
	[ "$(wc -l <"$store/cut/um/build/probe/out/built")" -le "$probes" ]
}

@test "a check that fails cuts nothing" {
	cut busybox --source linux --check 'echo the reason >&2; exit 3' -o tiny
	[ "$status" -eq 1 ]
	[[ "$stderr" == *'nothing is cut: on the base kernel already, check failed: exit status 3'* ]]
	[[ "$stderr" == *'the reason'* ]]
	[ ! -e "$store/kernels/tiny" ]
	[ ! -e "$store/cut/um/build/probe/out/built" ]
}

@test "a build that fails is a verdict, with its last words" {
	: >broken
	busybox_cut
	[ "$status" -eq 1 ]
	[[ "$stderr" == *'3 builds in a row failed'*'main.c: error'* ]]
	cut --show
	[[ "$output" == *failed*'build failed'*'main.c: error'* ]]
}

@test "kept options stay and dropped ones go, and both must exist" {
	busybox_cut --keep AIO --drop CONFIG_FILE_LOCKING --keep DNOTIFY -o tiny
	[ "$status" -eq 0 ]
	grep -qx CONFIG_AIO=y "$store/kernels/tiny/config"
	grep -q 'asked for by --keep' "$store/kernels/tiny/defconfig"
	cut --table
	[ "${#lines[@]}" -eq 3 ] # the base, and a first kernel that passed
	busybox_cut --keep NO_SUCH_THING
	[ "$status" -eq 1 ]
	[[ "$stderr" == *'--keep NO_SUCH_THING: this tree has no such option'* ]]
}

@test "two cuts on one tree exclude each other" {
	mkdir -p "$store/cut/um"
	exec 8>"$store/cut/um/lock"
	flock 8
	busybox_cut
	[ "$status" -eq 1 ]
	[[ "$stderr" == *'another cut for the um machine is at work'* ]]
	exec 8>&-
}

@test "events are JSON, one a line" {
	busybox_cut --keep DNOTIFY --json
	[ "$status" -eq 0 ]
	[[ "$output" == *'{"event":"step","text":"tracing the check",'* ]]
	while read -r line; do
		[[ "$line" == '{"event":'*'}' ]]
	done <<<"$output"
	[[ "$output" == *'"event":"probe"'*'"verdict":"passed"'* ]]
}

@test "what makes no sense is refused" {
	cut
	[ "$status" -eq 125 ]
	cut --list
	[ "$status" -eq 1 ]
	[[ "$stderr" == *'there are no cuts yet'* ]]
	for wrong in '--goal fun' '--budget never' '--machine toaster' '--output a/b' '--storage-opt x=y'; do
		# shellcheck disable=SC2086
		busybox_cut $wrong
		[ "$status" -eq 1 ]
		[[ "$stderr" == *"${wrong%% *}"* ]]
	done
	[ ! -e "$store/cut/history.db" ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One address space for the kernel and its user code (--um-mode one, the default on one CPU):
# that it does what it should, and that who takes such a kernel over gains nothing outside.

load container

setup_file() {
	mkdir -p "$BATS_FILE_TMPDIR/tree"/{proc,dev,sys,tmp,etc}
	cp "$HILLOCK_PROGRAMS/one_space" "$BATS_FILE_TMPDIR/tree/"
}

inside() { hillock run --rm --um-mode one "$BATS_FILE_TMPDIR/tree" /one_space "$@"; }

@test "a kernel that was taken over has 35 calls of the host, and none that reaches out" {
	run inside calls
	[ "$output" = ok ]
	start box busybox sleep 1000
	calls=$(hillock inspect box | sed -n '/"SystemCalls": \[/,/\]/p;/"Process": "monitor"/q' | grep -c '"Name"')
	[ "$calls" -le 35 ]
	# The list that inspect shows is the one that the host enforces: the filters are there.
	kernel=$(hillock inspect box | sed -n '/"Process": "kernel"/,/"Pid"/s/.*"Pid": \([0-9]*\).*/\1/p')
	[ "$(awk '/^Seccomp_filters/ { print $2 }' "/proc/$kernel/status")" -ge 3 ]
}

@test "calls that are replaced do what they did: registers, middles, restarts, handlers" {
	run inside forms
	[ "$output" = ok ]
}

@test "threads that wait in a call that is replaced come back from it" {
	run inside threads
	[ "$output" = ok ]
}

@test "vector registers stay a process's own across calls, faults, signals and switches" {
	run inside vectors
	[ "$output" = ok ]
}

@test "the clock that is read without a call agrees with the one that is asked" {
	run inside clock
	[ "$output" = ok ]
}

@test "more processes than the host gives carriers" {
	run inside many 400
	[ "$output" = ok ]
	run hillock run --rm --um-mode one --pids-limit 24 "$BATS_FILE_TMPDIR/tree" /one_space many 60
	[ "$output" = ok ]
}

@test "the kernel's part of an address space is not a process's to change" {
	run inside kernel
	[ "$output" = ok ]
}

@test "a file that is executed reads as it is on disk, whatever was replaced in memory" {
	run hillock run --rm --um-mode one busybox sh -c \
		'md5sum /bin/busybox; i=0; while [ $i -lt 300 ]; do echo >/dev/null; i=$((i + 1)); done; md5sum /bin/busybox'
	[ "${lines[0]}" = "${lines[1]}" ]
}

# carriers KERNEL CALL: processes of that kernel that are in this system call of the host.
carriers() {
	for process in $(cat "/proc/$1/task/$1/children"); do
		read -r call _ <"/proc/$process/syscall" && [ "$call" != "$2" ] || echo "$process"
	done
}

@test "a carrier that the host kills is made again, and its programs go on" {
	[ "$(id -u)" = 0 ] || skip "who waits in which call can only be seen by root"
	start box busybox sh -c 'n=0; trap "n=\$((n + 1)); echo \$n" USR1; echo 0; sleep 1000 & while :; do wait; done'
	kernel=$(hillock inspect box | sed -n '/"Process": "kernel"/,/"Pid"/s/.*"Pid": \([0-9]*\).*/\1/p')
	until [ "$(hillock logs box | tail -n 1)" = 0 ]; do sleep 0.05; done
	for round in 1 2 3; do
		hillock kill -s USR1 box
		until [ "$(hillock logs box | tail -n 1)" = "$round" ]; do sleep 0.05; done
		# When one of them sleeps, idle, none is on its way to or from waiting.
		until [ -n "$(carriers "$kernel" 130)" ] &&
			waiting=$(carriers "$kernel" 202) && [ -n "$waiting" ]; do sleep 0.05; done
		kill -9 $waiting
	done
	run hillock exec box echo alive
	[ "$output" = alive ]
	[ "$(state box Running)" = true ]
}

@test "a container whose running process the host kills ends with a reason" {
	[ "$(id -u)" = 0 ] || skip "who waits in which call can only be seen by root"
	start box busybox sleep 1000
	kernel=$(hillock inspect box | sed -n '/"Process": "kernel"/,/"Pid"/s/.*"Pid": \([0-9]*\).*/\1/p')
	until running=$(carriers "$kernel" 130); [ -n "$running" ]; do sleep 0.05; done
	kill -9 $running
	[ "$(hillock wait box)" = 125 ]
	[[ $(state box Error) == *"the host ended the process that ran"* ]]
}

@test "each mode runs a program, and says so" {
	for mode in one seccomp; do
		hillock run -d --name "$mode" --um-mode "$mode" busybox sleep 1000 >/dev/null
		run hillock exec "$mode" echo alive
		[ "$output" = alive ]
		[[ $(hillock inspect "$mode") == *"\"UmMode\": \"$mode\""* ]]
	done
	run -125 --separate-stderr hillock run --rm --um-mode none busybox true
	[[ $stderr == *"--um-mode none"*"one, seccomp and ptrace"* ]]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Guests that misbehave: each gets a clear end, and the container beside it notices nothing.

load container

prepare() { start beside busybox sleep 1000; }

# The neighbour runs, and answers.
unharmed() {
	run hillock exec beside echo alive
	[ "$output" = alive ]
}

@test "a guest that panics ends with the kernel's own words, and its log is kept" {
	run -125 --separate-stderr hillock run --name box busybox sh -c \
		'mount -t proc none /mnt; echo 1 >/mnt/sys/vm/panic_on_oom; x=x; while :; do x=$x$x; done'
	[[ $stderr == *"Kernel panic - not syncing"* ]]
	[[ $(state box Error) == "Kernel panic - not syncing"* ]]
	[[ $(hillock ps -a) == *"Kernel panic"* ]]
	[[ $(hillock logs --kernel box) == *"Kernel panic - not syncing"* ]]
	unharmed
}

@test "a command that eats all memory is killed, and it is said why" {
	run -137 hillock run --name box -m 48m busybox sh -c 'x=x; while :; do x=$x$x; done'
	[ "$(state box OOMKilled)" = true ]
	[[ $(state box Error) == "Out of memory: Killed process"* ]]
	unharmed
}

@test "a guest that forks without end is held in its own kernel" {
	start box -m 48m busybox sh -c 'f() { f | f & }; echo begun; f; while :; do sleep 1000; done'
	wait_log box begun
	unharmed
	hillock rm -f box
}

@test "a guest that floods its console fills no disk" {
	run hillock run --name box busybox sh -c 'mknod /tmp/kmsg c 1 11
		mount -t proc none /mnt; echo on >/mnt/sys/kernel/printk_devkmsg
		i=0; while [ $i -lt 30000 ]; do
			echo "flood $i 0123456789012345678901234567890123456789012345678901234567890123456789"
			i=$((i+1)); done >/tmp/kmsg'
	used=$(du -ck "$store/containers/$(state box Id)"/kernel.* | tail -n 1 | cut -f 1)
	[ "$used" -le 1100 ]
	[[ $(hillock logs --kernel box | tail -c 4000) == *"flood 29999"* ]]
	unharmed
}

@test "a guest that floods its output is held up, not kept in memory" {
	start box busybox sh -c 'while :; do cat /bin/busybox; done'
	for i in 1 2 3; do unharmed; done
	monitor=$(hillock inspect box |
		sed -n '/"Process": "monitor"/,/"Pid"/s/.*"Pid": \([0-9]*\).*/\1/p')
	[ "$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$monitor/status")" -lt 4096 ]
	hillock rm -f box
}

@test "words on the wire that are none end that container, with a reason" {
	run -125 --separate-stderr hillock run --name box busybox sh -c '
		minor=$(grep hillock /proc/misc); mknod /tmp/wire c 10 ${minor% hillock}
		while :; do echo "this is no frame, however long one waits" >/tmp/wire; done'
	[[ $stderr == *"broke the rules of the wire"* ]]
	[[ $(state box Error) == *"broke the rules of the wire"* ]]
	unharmed
}

@test "a kernel that is none is refused by what it is" {
	printf 'no kernel' >text
	head -c 100000 "$HILLOCK_HOME/kernels/um-base/linux" >truncated
	cp /bin/true program
	for kernel in text truncated program; do
		run -125 --separate-stderr hillock run --rm --kernel "./$kernel" busybox true
		[[ $stderr == *"error: kernel ./$kernel: "*"help: "* ]]
	done
	run -125 --separate-stderr hillock run --rm --kernel ./missing busybox true
	[[ $stderr == *"No such file"* ]]
}

@test "a kernel that does not come up ends in time, with what it said last" {
	# So little memory that it cannot even boot.
	run -125 --separate-stderr hillock run --rm -m 8m --boot-timeout 5 busybox true
	[[ $stderr == *"error: "* ]]
	unharmed
}

@test "an image that is damaged is said by the guest that cannot mount it" {
	head -c 65536 /dev/urandom >noise.ext4
	run -125 --separate-stderr hillock run --rm ./noise.ext4 true
	[[ $stderr == *"error: "* ]]
	unharmed
}

@test "a root without the command is 127, and names it" {
	mkdir -p empty/bin
	run -127 --separate-stderr hillock run --rm ./empty sh
	[[ $stderr == *"'sh'"* ]]
	unharmed
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a private kernel has to get right for the programs in it, where um keeps page tables,
# registers and signals of processes that are not its own. um_work.c does it and looks at every
# byte; each runs in both of the modes for one CPU, and where it could matter on two.

load container

# works [OPTION...] NAME: um_work NAME in a container says nothing and succeeds.
works() {
	run hillock run --rm -m 256m -v "$HILLOCK_PROGRAMS/um_work:/um_work:ro" "${@:1:$#-1}" busybox \
		/um_work "${*: -1}"
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

# on_one NAME: in each mode that one CPU has.
on_one() {
	works --um-mode one "$1"
	works --um-mode seccomp "$1"
}

# on_two NAME: the same on two CPUs, if there is a kernel for that.
on_two() {
	[ -e "$HILLOCK_HOME/kernels/um-smp/linux" ] || return 0
	works --cpus 2 "$1"
}

@test "new memory is empty and holds what is written, in whatever order it is touched" {
	on_one fresh
	on_two fresh
}

@test "a forked child has its parent's memory, and neither sees what the other writes" {
	on_one forked
	on_two forked
}

@test "memory that was protected, dropped, moved or unmapped is so at once" {
	on_one changed
	on_two changed
}

@test "a file's pages are the same through mappings and calls; its end is its end" {
	on_one filed
	on_two filed
}

@test "memory that nobody touched is not taken" {
	on_one frugal
}

@test "forty processes at once, again and again, begin with empty memory" {
	on_one many
	on_two many
}

@test "vfork shares memory until exec" {
	on_one vfork
	on_two vfork
}

@test "a fork that the host refuses fails, and nothing more" {
	[ "$(id -u)" -eq 0 ] || skip 'no cgroup of its own, so no limit of processes'
	works --um-mode seccomp --pids-limit 24 refused
}

@test "400 threads in 256 MB" {
	on_one threads
	on_two threads
}

@test "AVX registers belong to one thread" {
	on_one avx
	on_two avx
}

@test "the gs segment belongs to one thread" {
	on_one segments
	on_two segments
}

@test "code that was just written runs" {
	on_one jit
	on_two jit
}

@test "a stack overflow is caught on another stack, each time" {
	on_one alternate
	on_two alternate
}

@test "a timer of user time fires in a program that makes no call" {
	on_one timer
	on_two timer
}

@test "busy processes on two CPUs: forks, pipes and signals for each other" {
	[ -e "$HILLOCK_HOME/kernels/um-smp/linux" ] || skip 'no kernel um-smp'
	run hillock run --rm --cpus 2 busybox sh -c '
		for n in 1 2 3 4; do
			(for i in $(seq 60); do
				x=$(echo $i | sed s/^/$n:/ | cat)
				[ "$x" = $n:$i ] || echo "pipe: $x"
				sleep 100 & kill $!; wait $!
				[ $? = 143 ] || echo "kill: $?"
			done; echo $n done) &
		done 2>/dev/null
		wait'
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(sort <<<"$output")" = "1 done
2 done
3 done
4 done" ]
}

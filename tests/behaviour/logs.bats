#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# hillock logs.

load container

@test "the log keeps every byte, and the streams apart" {
	hillock run --name box busybox sh -c 'printf "a\0b\377c\n"; echo err >&2; printf end' \
		>out 2>err
	hillock logs box >log.out 2>log.err
	cmp out log.out
	cmp err log.err
	[ "$(od -An -c log.out | tr -s ' ')" = "$(printf 'a\0b\377c\nend' | od -An -c | tr -s ' ')" ]
}

@test "--tail gives the last lines" {
	hillock run --name box busybox sh -c 'for i in 1 2 3 4 5; do echo line $i; done; printf six' \
		>/dev/null
	[ "$(hillock logs --tail 2 box)" = "line 5
six" ]
	[ "$(hillock logs -n 0 box)" = "" ]
	[ "$(hillock logs --tail all box | wc -l)" -eq 5 ]
	run -1 --separate-stderr hillock logs --tail many box
	[[ $stderr == *"--tail"* ]]
}

@test "--timestamps says when, once a line" {
	hillock run --name box busybox sh -c 'printf one-; printf line; echo; echo two' >/dev/null
	run hillock logs -t box
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[0]} =~ ^20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-9:]{8}\.[0-9]{9}Z\ one-line$ ]]
	[[ ${lines[1]} == *"Z two" ]]
}

@test "--since leaves out what is older" {
	hillock run --name box busybox echo old >/dev/null
	[ "$(hillock logs --since 1h box)" = old ]
	[ "$(hillock logs --since 2099-01-01 box)" = "" ]
	[ "$(hillock logs --since "$(($(date +%s) + 100))" box)" = "" ]
	run -1 --separate-stderr hillock logs --since soon box
	[[ $stderr == *"--since 'soon'"* ]]
}

@test "--json gives one object for each piece" {
	hillock run --name box busybox sh -c 'echo "q\"uote"; printf "\377" >&2' >/dev/null 2>&1
	run hillock logs --json box
	[[ $output == *'"stream":"stdout","log":"q\"uote\n"'* ]]
	[[ $output == *'"stream":"stderr","hex":"ff"'* ]]
}

@test "-f goes on until the container ends" {
	start box busybox sh -c 'echo one; sleep 1000'
	"$HILLOCK" logs -f box >followed 3>&- &
	follower=$!
	until grep -q one followed; do sleep 0.05; done
	hillock kill box
	wait $follower
}

@test "-f shows everything up to the last byte of a container that ends meanwhile" {
	start box busybox sh -c 'i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done'
	hillock logs -f box >followed
	[ "$(wc -l <followed)" -eq 3000 ]
	[ "$(tail -n 1 followed)" = "line 2999" ]
}

@test "the kernel has a log of its own" {
	hillock run --name box busybox sh -c 'mknod /tmp/kmsg c 1 11; echo hello kernel >/tmp/kmsg'
	[[ $(hillock logs --kernel box) == *"hello kernel"* ]]
	[ -z "$(hillock logs box)" ]
}

@test "a log is bounded, and keeps the end" {
	hillock run --name box busybox sh -c 'head -c 90000000 /dev/zero | tr "\0" x; echo; echo the-end' \
		>/dev/null
	used=$(du -ck "$HILLOCK_HOME/containers/$(state box Id)"/log.* | tail -n 1 | cut -f 1)
	[ "$used" -le 66000 ]
	[ "$(hillock logs --tail 1 box)" = the-end ]
}

@test "--log-driver none keeps no log" {
	hillock run --name box --log-driver none busybox echo secret
	[ -z "$(hillock logs box)" ]
}

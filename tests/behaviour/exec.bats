#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# hillock exec: more commands in a container that runs.

load container

prepare() { start box -e FROM=container -w /tmp busybox sleep 1000; }

@test "exec gives the command's exit status" {
	run hillock exec box sh -c 'exit 4'
	[ "$status" -eq 4 ]
	run hillock exec box sh -c 'kill -9 $$'
	[ "$status" -eq 137 ]
	run -127 --separate-stderr hillock exec box no-such-command
	[[ $stderr == *"no-such-command"* ]]
	run -126 hillock exec box /etc/passwd
}

@test "exec passes bytes both ways and keeps the streams apart" {
	head -c 1000000 /dev/urandom >sent
	hillock exec -i box cat <sent >received
	cmp sent received
	run --separate-stderr hillock exec box sh -c 'echo out; echo err >&2'
	[ "$output" = out ]
	[ "$stderr" = err ]
}

@test "exec takes environment, directory and user from the container or from its options" {
	run hillock exec box sh -c 'echo $FROM; pwd; id -u'
	[ "$output" = "container
/tmp
0" ]
	run hillock exec -e FROM=exec -w / -u 77:88 box sh -c 'echo $FROM; pwd; id -u; id -g'
	[ "$output" = "exec
/
77
88" ]
}

@test "many commands run in one container at once" {
	for i in 1 2 3 4 5 6 7 8; do
		hillock exec box sh -c "read x </etc/hostname; echo $i; exit $i" >"out.$i" &
		pids[i]=$!
	done
	for i in 1 2 3 4 5 6 7 8; do
		status=0
		wait "${pids[i]}" || status=$?
		[ "$status" -eq "$i" ]
		[ "$(cat "out.$i")" = "$i" ]
	done
}

@test "exec -d leaves when the command runs" {
	run hillock exec -d box sh -c 'echo here >/tmp/mark; sleep 1000'
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	run -127 hillock exec -d box no-such-command
}

@test "a command goes on when its client is killed, and its input ends" {
	mkfifo input
	"$HILLOCK" exec -i box sh -c 'echo begun >/tmp/mark; cat; echo over >/tmp/mark; sleep 1000' \
		<input 3>&- &
	client=$!
	exec 4>input
	hillock exec box sh -c 'until [ -e /tmp/mark ]; do sleep 0.1; done'
	kill -9 $client
	hillock exec box sh -c 'until [ "$(cat /tmp/mark)" = over ]; do sleep 0.1; done'
	exec 4>&-
}

@test "when the container ends, its commands end with it" {
	"$HILLOCK" exec box sh -c 'echo here; sleep 1000' >out 3>&- &
	client=$!
	until grep -q here out; do sleep 0.05; done
	hillock kill box
	status=0
	wait $client || status=$?
	[ "$status" -eq 137 ]
}

@test "exec needs a container that runs" {
	hillock kill box
	run -1 --separate-stderr hillock exec box true
	[[ $stderr == *"is not running"* ]]
	run -1 --separate-stderr hillock exec no-such true
	[[ $stderr == *"no such container: no-such"* ]]
}

@test "there is a bound to the commands that run at once, and it is said" {
	for i in $(seq 62); do hillock exec -d box sleep 1000; done
	run -125 --separate-stderr hillock exec box true
	[[ $stderr == *"as many processes"* ]]
	[ "$(state box Running)" = true ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Signals: to the client, and by stop and kill.

load container

# Answers TERM and USR1, and says when it listens. The shell waits for its child, which a signal
# interrupts.
listener='trap "echo got-term; exit 21" TERM; trap "echo got-usr1" USR1; echo listening
	while :; do sleep 1000 & wait; done'

# A client in the background: its process is $client, its output goes to the file `out`.
client() {
	"$HILLOCK" "$@" >out 3>&- &
	client=$!
}

@test "a signal that the client gets is the command's" {
	client run --name box busybox sh -c "$listener"
	wait_log box listening
	kill -USR1 $client
	wait_log box got-usr1
	kill -TERM $client
	status=0
	wait $client || status=$?
	[ "$status" -eq 21 ]
	[ "$(cat out)" = "listening
got-usr1
got-term" ]
}

@test "a signal that comes while the kernel boots waits for the command" {
	client run --rm busybox sh -c 'sleep 1000'
	kill -TERM $client
	status=0
	wait $client || status=$?
	# The shell may be ended by it at any point, even before it starts sleep.
	[ "$status" -eq 143 ]
}

@test "--sig-proxy=false keeps signals from the command" {
	client run --name box --sig-proxy=false busybox sh -c "$listener"
	wait_log box listening
	kill -USR1 $client
	hillock kill -s TERM box
	status=0
	wait $client || status=$?
	[ "$status" -eq 21 ]
	[ "$(cat out)" = "listening
got-term" ]
}

@test "kill sends the signal that it is told" {
	start box busybox sh -c "$listener"
	wait_log box listening
	run hillock kill --signal SIGUSR1 box
	[ "$output" = box ]
	wait_log box got-usr1
	hillock kill -s 15 box
	[ "$(hillock wait box)" = 21 ]
	run -1 --separate-stderr hillock kill box
	[[ $stderr == *"is not running"* ]]
	run -125 --separate-stderr hillock kill -s NONSENSE box
	[[ $stderr == *"invalid signal: NONSENSE"* ]]
}

@test "kill without a signal ends the container" {
	start box busybox sh -c 'trap "" TERM INT; echo deaf; while :; do sleep 1000 & wait; done'
	wait_log box deaf
	hillock kill box
	[ "$(hillock wait box)" = 137 ]
	[ "$(state box Status)" = exited ]
}

@test "stop asks first, and insists after its time" {
	start polite busybox sh -c "$listener"
	start deaf busybox sh -c 'trap "" TERM; echo deaf; while :; do sleep 1000 & wait; done'
	wait_log polite listening
	wait_log deaf deaf
	run hillock stop -t 1 polite deaf
	[ "$output" = "polite
deaf" ]
	[ "$(hillock wait polite deaf)" = "21
137" ]
	# What is stopped may be stopped again.
	run hillock stop deaf
	[ "$status" -eq 0 ]
}

@test "a guest that does not react at all is ended with its machine" {
	start hung busybox sleep 1000
	# The whole private kernel stands still: nobody in there can take a signal.
	kill -STOP "$(state hung Pid)"
	hillock kill hung
	[ "$(hillock wait hung)" = 137 ]
}

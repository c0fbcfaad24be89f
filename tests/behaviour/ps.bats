#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# hillock ps, inspect, wait, rm: looking at containers and clearing them away.

load container

@test "ps shows what runs, -a what ended too" {
	start one busybox sleep 1000
	hillock run --name two busybox sh -c 'exit 9' || :
	run hillock ps
	[[ ${lines[0]} =~ ^CONTAINER\ ID\ +IMAGE\ +COMMAND\ +CREATED\ +STATUS\ +NAMES$ ]]
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[1]} =~ ^[0-9a-f]{12}\ +busybox:latest\ +\"sleep\ 1000\"\ .*\ Up\ .*\ one$ ]]
	run hillock ps -a
	[ "${#lines[@]}" -eq 3 ]
	[[ $output =~ "Exited (9) "[A-Z0-9].*" ago" ]]
}

@test "ps -q, --no-trunc, --filter and --json" {
	id=$(hillock run -d --name one busybox sleep 1000)
	hillock run --name two busybox sh -c 'exit 9' || :
	[ "$(hillock ps -q)" = "${id:0:12}" ]
	[ "$(hillock ps -q --no-trunc)" = "$id" ]
	[ "$(hillock ps -aq | wc -l)" -eq 2 ]
	[ "$(hillock ps -q --filter name=two -a | wc -l)" -eq 1 ]
	[ "$(hillock ps --filter status=exited --json | field Name)" = two ]
	[ "$(hillock ps --filter status=running --json | field ID)" = "$id" ]
	[ "$(hillock ps --filter ancestor=busybox -q)" = "${id:0:12}" ]
	[ -z "$(hillock ps --filter ancestor=other -q)" ]
	run -1 --separate-stderr hillock ps --filter colour=red
	[[ $stderr == *"invalid filter 'colour=red'"* ]]
	run hillock ps --filter name=nothing --json
	[ "${output//[[:space:]]/}" = '[]' ]
}

@test "inspect has docker's keys, and says what was asked for" {
	mkdir data
	start box -e A=b -w /tmp -u 5 --hostname h -m 64m --read-only -v "$PWD/data:/mnt:ro" \
		--tmpfs /tmp busybox sleep 1000
	run hillock inspect box
	[ "$status" -eq 0 ]
	for line in '"Path": "sleep"' '"Status": "running"' '"Hostname": "h"' '"User": "5"' \
		'"A=b"' '"WorkingDir": "/tmp"' '"Memory": 67108864' '"ReadonlyRootfs": true' \
		'"Destination": "/mnt"' '"Mode": "ro"' '"Kernel": "um-base"' '"Machine": "um"'; do
		[[ $output == *"$line"* ]] || { echo "not there: $line"; false; }
	done
	[[ $(hillock inspect box | field StartedAt) == 20* ]]
}

@test "inspect shows the jail of each process: calls with reasons, rights, walls" {
	start box busybox sleep 1000
	run hillock inspect box
	for line in '"Process": "kernel"' '"Process": "monitor"' '"Process": "keeper"' \
		'"Right": "the root image, read-only"' '"Right": "the wire to the guest"' \
		'"CapabilitiesBounding": "0000000000000000"' '"NoNewPrivileges": "1"' \
		'"SeccompMode": "2"' '"Reason": ' '"NotLimited": ' '"LandlockAbi": '; do
		[[ $output == *"$line"* ]] || { echo "not there: $line"; false; }
	done
	# All namespaces of the jailed are their own, and none of theirs is the host's root's user.
	for kind in user mnt net ipc uts; do
		[ "$(grep -c "\"$kind\": \"own\"" <<<"$output")" -eq 2 ]
	done
	[ "$(grep -c '"Name": "openat"' <<<"$output")" -eq 0 ]
}

@test "the phases of a start are in order, and --timing writes them" {
	hillock run --name box --timing timing busybox true
	last=0
	for phase in client keeper jail kernel hello ready started exit killed removed; do
		ns=$(sed -n "s/.*\"$phase\": \([0-9]*\).*/\1/p" timing)
		[ "$ns" -ge "$last" ]
		last=$ns
	done
	[ "$last" -gt 0 ]
	[[ $(hillock inspect box) == *'"PhasesNs"'*'"started"'* ]]
}

@test "wait waits, and prints the exit status of each" {
	start one busybox sleep 1000
	start two busybox sh -c 'exit 5'
	hillock wait one two >codes &
	waiter=$!
	hillock kill one
	wait $waiter
	[ "$(cat codes)" = "137
5" ]
}

@test "wait knows the exit status of a container that removes itself" {
	start other busybox sleep 1000
	hillock run -d --rm --name brief2 busybox sleep 1000 >/dev/null
	"$HILLOCK" wait brief2 >code 3>&- &
	waiter=$!
	until grep -q -e "-> FLOCK .* $waiter " /proc/locks; do sleep 0.05; done
	hillock kill brief2
	wait $waiter
	[ "$(cat code)" = 137 ]
}

@test "rm removes what ended, and what runs only with --force" {
	start one busybox sleep 1000
	run -1 --separate-stderr hillock rm one
	[[ $stderr == *"is running"*"help: "* ]]
	run hillock rm -f one
	[ "$output" = one ]
	run -1 hillock rm one
	run -0 hillock rm -f one
	is_empty
	hillock run --name two busybox true
	hillock rm two
	is_empty
}

@test "every verb has a help with an example, and refuses what it does not know" {
	for verb in run exec attach ps logs stop kill wait rm inspect 'image import' 'image ls' \
		'image rm' 'kernel ls' version; do
		# shellcheck disable=SC2086 # words
		run -0 hillock $verb --help
		[[ $output == *"Usage:  hillock $verb"*"Example:"*"hillock"* ]]
		# shellcheck disable=SC2086
		run -125 --separate-stderr hillock $verb --no-such-flag x
		[[ $stderr == *"unknown flag: --no-such-flag"* ]]
	done
	run -125 --separate-stderr hillock no-such-verb
	[[ $stderr == *"'no-such-verb' is not a hillock verb"* ]]
	run -1 --separate-stderr hillock rm
	[[ $stderr == *"requires at least 1 argument"* ]]
	run -0 hillock image
	[[ $output == *"image ls"* ]]
}

@test "image and kernel ls print tables, names, and JSON" {
	run -0 hillock image ls
	[[ $output == *"busybox:latest"* ]]
	hillock image ls -q | grep -qx busybox:latest
	hillock image ls --json | grep -q '"Name": "busybox:latest"'
	run -0 hillock kernel ls
	[[ $output == *"um-base"*"yes"* ]]
	hillock kernel ls -q | grep -qx um-base
	[ "$(hillock kernel ls --json | grep -c '"Default": true')" = 1 ]
	[[ $(hillock version) == *"um-base"* ]]
	[ "$(hillock version --json | field um)" = 'can run here' ]
}

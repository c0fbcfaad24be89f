#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The processes of a container, killed one by one; and a store that is not as it should be.

load container

# pid_of NAME ROLE
pid_of() {
	hillock inspect "$1" | sed -n "/\"Process\": \"$2\"/,/\"Pid\"/s/.*\"Pid\": \([0-9]*\).*/\1/p"
}

# Is the process gone, or only waiting to be reaped?
gone() { ! grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status" 2>/dev/null; }

# Is no cgroup of container ID left, in any hierarchy?
no_cgroup() { [ -n "$1" ] && [ -z "$(find /sys/fs/cgroup -type d -name "hillock-$1" 2>/dev/null)" ]; }

@test "a kernel that is killed ends its container with a reason" {
	start box busybox sleep 1000
	start beside busybox sleep 1000
	kill -9 "$(pid_of box kernel)"
	[ "$(hillock wait box)" = 125 ]
	[[ $(state box Error) == *"kernel was killed by SIGKILL"* ]]
	[[ $(hillock ps -a --filter name=box) == *"Exited (125)"*"kernel was killed"* ]]
	[ "$(state beside Running)" = true ]
	run hillock exec beside echo alive
	[ "$output" = alive ]
}

@test "a client in the foreground hears why its container ended early" {
	"$HILLOCK" run --name box busybox sleep 1000 >out 2>err 3>&- &
	client=$!
	wait_for box
	until [ "$(state box Running)" = true ]; do sleep 0.05; done
	kill -9 "$(pid_of box kernel)"
	status=0
	wait $client || status=$?
	[ "$status" -eq 125 ]
	[[ $(cat err) == *"ended early: its kernel was killed by SIGKILL"*"help: "*"logs --kernel"* ]]
}

@test "a monitor that is killed ends its container, and its kernel" {
	start box busybox sleep 1000
	kernel=$(pid_of box kernel)
	kill -9 "$(pid_of box monitor)"
	[ "$(hillock wait box)" = 125 ]
	[[ $(state box Error) == *"monitor was killed"* ]]
	gone "$kernel"
}

@test "a keeper that is killed takes its kernel along, and nobody is told that it runs" {
	start box busybox sleep 1000
	kernel=$(pid_of box kernel)
	monitor=$(pid_of box monitor)
	id=$(hillock inspect box | sed -n 's/.*"Id": "\([0-9a-f]*\)".*/\1/p')
	kill -9 "$(pid_of box keeper)"
	[ "$(hillock wait box)" = 137 ]
	until gone "$kernel" && gone "$monitor"; do sleep 0.05; done
	[ "$(state box Status)" = dead ]
	[[ $(state box Error) == *"keeper was killed"* ]]
	[ -z "$(hillock ps -q)" ]
	run -1 hillock exec box true
	hillock rm box
	is_empty
	no_cgroup "$id"
}

@test "what a killed keeper of a --rm container left is swept, and its name is free" {
	hillock run -d --rm --name box busybox sleep 1000
	kill -9 "$(pid_of box keeper)"
	hillock wait box || :
	hillock run --rm --name box busybox true
	hillock ps
	is_empty
}

@test "SIGTERM to a keeper ends its container in order" {
	start box busybox sleep 1000
	kill -TERM "$(pid_of box keeper)"
	[ "$(hillock wait box)" = 137 ]
	[ "$(state box Status)" = exited ]
}

@test "a client that waits hears of a killed keeper" {
	"$HILLOCK" run --name box busybox sleep 1000 >out 2>err 3>&- &
	client=$!
	wait_for box
	until [ "$(state box Running)" = true ]; do sleep 0.05; done
	kill -9 "$(pid_of box keeper)"
	status=0
	wait $client || status=$?
	[ "$status" -eq 125 ]
	[[ $(cat err) == *"keeper was killed"* ]]
}

# --- the store ---------------------------------------------------------------------------------------

@test "files that are not ours do no harm in the store" {
	hillock run --rm busybox true
	mkdir "$store/containers/foreign" "$store/containers/$(printf 'a%.0s' {1..64})"
	echo junk >"$store/containers/file"
	ln -s /etc/passwd "$store/names/link"
	ln -s "$(printf 'b%.0s' {1..64})" "$store/names/nobody"
	hillock run --name box busybox true
	[ "$(hillock ps -aq | wc -l)" -eq 1 ]
	run -125 --separate-stderr hillock run --rm --name link busybox true
	[[ $stderr == *"it is no container's name"* ]]
	hillock run --rm --name nobody busybox true
	rm -r "$store/containers/foreign" "$store/containers/file" "$store/names/link"
}

@test "a damaged config.json or state.json is said, and the others are listed" {
	hillock run --name good busybox true
	hillock run --name bad busybox true
	id=$(state bad Id)
	echo '{"status": ' >"$store/containers/$id/state.json"
	[[ $(hillock ps -a) == *good* ]]
	run -1 --separate-stderr hillock inspect bad
	[[ $stderr == *"state.json is damaged"* ]]
	echo '[]' >"$store/containers/$id/config.json"
	run -1 --separate-stderr hillock inspect bad
	[[ $stderr == *"config.json is damaged"* ]]
	# It can still be removed.
	hillock rm -f bad
}

@test "a store that others may write to, or that is somebody else's, is refused" {
	mkdir -m 777 open
	run -125 --separate-stderr hillock --root "$PWD/open" run --rm busybox true
	[[ $stderr == *"may be written by others"* ]]
	[ "$(id -u)" -eq 0 ] || {
		run -1 --separate-stderr hillock --root / ps
		[[ $stderr == *"belongs to user 0"* ]]
	}
	ln -s "$store" link
	run -1 --separate-stderr hillock --root "$PWD/link" ps
	[[ $stderr == *"error: "* ]]
}

@test "a store that cannot be made says so" {
	[ "$(id -u)" -ne 0 ] || skip 'root can write anywhere'
	run -1 --separate-stderr hillock --root /proc/store ps
	[[ $stderr == *"making the store /proc/store"* ]]
	mkdir -m 500 closed
	run -125 --separate-stderr hillock --root "$PWD/closed" run busybox true
	[[ $stderr == *"closed"*"Permission denied"* ]]
}

@test "without a usable home the store is in /tmp, with a name of the user's own" {
	unset HILLOCK_HOME XDG_DATA_HOME
	fallback=/tmp/hillock-$(id -u) existed=
	[ ! -e "$fallback" ] || existed=1
	HOME=/nonexistent run -0 "$HILLOCK" ps -q
	[ "$(stat -c '%F %u %a' "$fallback")" = "directory $(id -u) 700" ]
	[ -n "$existed" ] || rmdir "$fallback"/* "$fallback"
}

@test "a full disk is an error before anything runs, and its store stays usable" {
	[ "$(id -u)" -eq 0 ] || skip 'only root can mount a small disk'
	run unshare -m sh -eu -c '
		mkdir small
		mount -t tmpfs -o size=2m,mode=700 small small
		ln -s "$HILLOCK_HOME/kernels" "$HILLOCK_HOME/images" small
		"$HILLOCK" --root "$PWD/small" run --rm busybox echo before
		cat /dev/zero >small/filler 2>/dev/null || :
		"$HILLOCK" --root "$PWD/small" run --rm busybox echo full && exit 1
		rm small/filler
		"$HILLOCK" --root "$PWD/small" run --rm busybox echo after
		[ -z "$(ls -A small/containers small/names | grep -v :)" ]'
	[ "$status" -eq 0 ]
	[[ $output == *before*"No space left on device"*after* ]]
}

@test "a disk that is full at the end loses no exit status" {
	[ "$(id -u)" -eq 0 ] || skip 'only root can mount a small disk'
	run unshare -m sh -eu -c '
		mkdir small
		mount -t tmpfs -o size=6m,mode=700 small small
		ln -s "$HILLOCK_HOME/kernels" "$HILLOCK_HOME/images" small
		"$HILLOCK" --root "$PWD/small" run --name box busybox sh -c \
			"head -c 20000000 /dev/urandom >/big; sync; exit 4" && exit 1
		"$HILLOCK" --root "$PWD/small" ps -a
		"$HILLOCK" --root "$PWD/small" wait box
		"$HILLOCK" --root "$PWD/small" rm box'
	[ "$status" -eq 0 ]
	[[ $output == *"Exited (4)"*"4
box" ]]
}

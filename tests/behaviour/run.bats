#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# hillock run: what a command gets, and what comes back.

load container

@test "the command's exit status is hillock's" {
	run hillock run --rm busybox sh -c 'exit 7'
	[ "$status" -eq 7 ]
	run hillock run --rm busybox true
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "a command killed by a signal gives 128 and the signal's number" {
	run hillock run --rm busybox sh -c 'kill -9 $$'
	[ "$status" -eq 137 ]
	run hillock run --rm busybox sh -c 'kill -SEGV $$'
	[ "$status" -eq 139 ]
}

@test "a command that is not there gives 127, one that cannot be executed 126" {
	run -127 --separate-stderr hillock run --rm busybox no-such-command
	[[ $stderr == *"error: "*"no-such-command"* ]]
	run -126 --separate-stderr hillock run --rm busybox /etc/passwd
	[[ $stderr == *"error: "*"/etc/passwd"* ]]
}

@test "what fails before the command runs gives 125 and says what to do" {
	run -125 --separate-stderr hillock run --rm no-such-image true
	[[ $stderr == *"no-such-image"*"help: "* ]]
	run -125 --separate-stderr hillock run --rm --kernel no-such-kernel busybox true
	[[ $stderr == *"no such kernel 'no-such-kernel' (have: "*"um-base"*"help: "* ]]
	run -125 --separate-stderr hillock run --no-such-flag busybox true
	[[ $stderr == *"unknown flag: --no-such-flag"*"help: see 'hillock run --help'"* ]]
	run -125 --separate-stderr hillock run -ity busybox true
	[[ $stderr == *"unknown shorthand flag: 'y' in -ity"* ]]
	run -125 --separate-stderr hillock run --rm -m 2k busybox true
	[[ $stderr == *"--memory"* ]]
	run -125 --separate-stderr hillock run --rm -u no-such-user busybox true
	[[ $stderr == *"no-such-user"* ]]
}

@test "standard output and standard error are kept apart" {
	run --separate-stderr hillock run --rm busybox sh -c 'echo to-output; echo to-error >&2'
	[ "$status" -eq 0 ]
	[ "$output" = to-output ]
	[ "$stderr" = to-error ]
}

@test "any bytes pass through unchanged, in and out" {
	head -c 3000000 /dev/urandom >sent
	hillock run --rm -i busybox cat <sent >received
	cmp sent received
}

@test "without -i the command's standard input is empty, and the caller's is left alone" {
	{
		hillock run --rm busybox cat >received
		cat >left
	} <<<'for somebody else'
	[ ! -s received ]
	[ "$(cat left)" = 'for somebody else' ]
}

@test "with -i the command reads what the caller is given, to its end" {
	run hillock run --rm -i busybox sh -c 'read a; echo "first $a"; cat' < <(printf 'one\ntwo\nthree')
	[ "$status" -eq 0 ]
	[ "$output" = "first one
two
three" ]
}

@test "a reader that stops holds its own stream up, nothing else, and loses nothing" {
	mkfifo stream
	hillock run --name slow busybox sh -c 'head -c 8000000 /dev/zero; echo done >&2' >stream 2>errors &
	exec 4<stream
	# The first byte is there, and with nobody reading on the windows are full at some point; the
	# container goes on serving others all the while.
	[ "$(head -c 1 <&4 | wc -c)" -eq 1 ]
	run hillock exec slow echo alive
	[ "$output" = alive ]
	rest=$(wc -c <&4)
	wait $!
	# head may have taken more than its byte from the pipe, but no more than a buffer.
	[ "$rest" -gt 7900000 ]
	[ "$(cat errors)" = done ]
	[ "$(hillock logs slow 2>/dev/null | wc -c)" -eq 8000000 ]
}

@test "when nobody reads standard output the client dies of SIGPIPE and the container goes on" {
	run bash -c '"$HILLOCK" run --name talker busybox sh -c "while :; do echo more; done" |
		head -n 1; echo "${PIPESTATUS[0]}"'
	[ "$output" = "more
141" ]
	[ "$(hillock ps -q | wc -l)" -eq 1 ]
}

@test "output that cannot be written is an error though the command succeeded" {
	[ -c /dev/full ] || skip 'no /dev/full'
	run bash -c '"$HILLOCK" run --rm busybox echo hello >/dev/full'
	[ "$status" -eq 125 ]
	[[ $output == *"standard output could not be written: No space left on device"* ]]
}

@test "--rm leaves nothing in the store" {
	hillock run --rm --name gone busybox true
	is_empty
	run -127 hillock run --rm --name gone busybox no-such-command
	is_empty
	hillock run --rm --name gone busybox true
}

@test "without --rm the container stays, with its exit status" {
	run hillock run --name stays busybox sh -c 'exit 3'
	[ "$status" -eq 3 ]
	[ "$(state stays ExitCode)" = 3 ]
	[ "$(state stays Status)" = exited ]
	[[ $(hillock ps -a) == *"Exited (3)"*stays* ]]
}

# --- the environment ---------------------------------------------------------------------------------

@test "environment variables come from -e and --env-file, the last one winning" {
	printf '# a comment\nA=file\nB=file\n\nHERE\n' >env
	export HERE=inherited THERE=too
	run hillock run --rm --env-file env -e A=option -eC=attached -e THERE -e MISSING busybox env
	[ "$status" -eq 0 ]
	[[ $output == *"A=option"* ]]
	[[ $output == *"B=file"* ]]
	[[ $output == *"C=attached"* ]]
	[[ $output == *"HERE=inherited"* ]]
	[[ $output == *"THERE=too"* ]]
	[[ $output != *"MISSING"* ]]
	[[ $output == *"PATH=/usr/local/sbin:"* ]]
	[[ $output == *"HOME=/root"* ]]
}

@test "an --env-file that is wrong says so" {
	printf 'bad name=1\n' >env
	run -125 --separate-stderr hillock run --rm --env-file env busybox true
	[[ $stderr == *"bad name=1"*"whitespace"* ]]
	run -125 --separate-stderr hillock run --rm --env-file missing busybox true
	[[ $stderr == *"missing: No such file"* ]]
}

@test "-w is where the command starts, made if it is missing" {
	run hillock run --rm -w /made/here busybox pwd
	[ "$output" = /made/here ]
	run -125 --separate-stderr hillock run --rm -w relative busybox pwd
	[[ $stderr == *"absolute"* ]]
}

@test "-u takes numbers and names" {
	run hillock run --rm -u 1234:567 busybox sh -c 'id -u; id -g'
	[ "$output" = "1234
567" ]
	run hillock run --rm -u nobody busybox id -u
	[ "$output" = 65534 ]
}

@test "the host name is the short ID, or what --hostname says" {
	id=$(hillock run -d --name named busybox sleep 1000)
	run hillock exec named hostname
	[ "$output" = "${id:0:12}" ]
	run hillock run --rm --hostname elsewhere busybox hostname
	[ "$output" = elsewhere ]
}

@test "--entrypoint comes before the command, an empty one is none" {
	run hillock run --rm --entrypoint echo busybox a b
	[ "$output" = "a b" ]
	run hillock run --rm --entrypoint '' busybox echo c
	[ "$output" = c ]
}

@test "options after the image are the command's" {
	run hillock run --rm busybox echo --rm -e X
	[ "$output" = "--rm -e X" ]
}

@test "-d prints the ID when the command runs, and why when it does not" {
	run hillock run -d --name back busybox sleep 1000
	[ "$status" -eq 0 ]
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	[ "$(state back Running)" = true ]
	run -127 --separate-stderr hillock run -d busybox no-such-command
	[ -z "$output" ]
	[[ $stderr == *"no-such-command"* ]]
}

@test "-d leaves no descriptor of the caller's open" {
	# cat ends only when nobody holds the pipe any more.
	run timeout 60 bash -c '{ "$HILLOCK" run -d --name back busybox sleep 1000 >/dev/null; } 2>&1 5>&1 | cat'
	[ "$status" -eq 0 ]
}

@test "a caller may have closed its standard descriptors" {
	run hillock run --rm busybox echo hello <&-
	[ "$output" = hello ]
	hillock run --rm busybox sh -c 'echo a; echo b >&2; exit 0' >&- 2>&- <&-
	is_empty
}

# --- limits ------------------------------------------------------------------------------------------

@test "--memory is what the private kernel has" {
	run hillock run --rm -m 48m busybox grep MemTotal /proc/meminfo
	[ "$status" -eq 0 ]
	[[ $output =~ ([0-9]+)" kB" ]]
	[ "${BASH_REMATCH[1]}" -gt 30000 ]
	[ "${BASH_REMATCH[1]}" -le 49152 ]
}

@test "--cpus gives as many virtual CPUs, and no more than the host has" {
	run hillock run --rm --cpus 0.5 busybox grep -c ^processor /proc/cpuinfo
	[ "$output" = 1 ]
	run -125 --separate-stderr hillock run --rm --cpus 100000 busybox true
	[[ $stderr == *"--cpus 100000"* ]]
	[ "$(nproc)" -ge 2 ] || skip 'one CPU only'
	run --separate-stderr hillock run --rm --cpus 2 busybox grep -c ^processor /proc/cpuinfo
	[ "$status" -eq 0 ]
	# It takes a kernel that is built for several, and where there is none that is said.
	if hillock kernel ls -q | grep -qx um-smp; then
		[ "$output" = 2 ]
	else
		[ "$output" = 1 ]
		[[ $stderr == *"no kernel 'um-smp' for several CPUs"* ]]
	fi
}

# --- file trees --------------------------------------------------------------------------------------

@test "what a container writes is its own, and the image stays as it was" {
	hillock run --name one busybox sh -c 'echo mine >/file; rm /etc/passwd'
	run hillock run --rm busybox sh -c 'cat /file; test -e /etc/passwd && echo whole'
	[[ $output == *"whole"* ]]
	[[ $output != *"mine"* ]]
}

@test "the layer is on disk or in memory, as --storage-opt says" {
	run hillock run --rm --storage-opt layer=memory busybox sh -c 'echo a >/f && cat /f'
	[ "$output" = a ]
	run hillock run --name disk --storage-opt size=64m busybox sh -c 'df -m / | tail -n 1'
	[ "$status" -eq 0 ]
	[ -s "$HILLOCK_HOME/containers/$(state disk Id)/layer.img" ]
	run -125 hillock run --rm --storage-opt size=1k busybox true
	run -125 hillock run --rm --storage-opt colour=red busybox true
}

@test "--read-only: the root cannot be written, a --tmpfs can" {
	run hillock run --rm --read-only busybox sh -c 'echo x >/file'
	[ "$status" -ne 0 ]
	[[ $output == *"Read-only file system"* ]]
	run hillock run --rm --read-only --tmpfs /mnt:size=1m busybox sh -c \
		'echo x >/mnt/f && cat /mnt/f; cat /dev/zero >/mnt/g'
	[[ $output == x*"No space left on device"* ]]
}

@test "-v mounts a directory of the host, both ways" {
	mkdir -m 700 shared
	echo from-host >shared/in
	chmod 644 shared/in
	run hillock run --rm -v "$PWD/shared:/mnt/shared" busybox sh -c \
		'cat /mnt/shared/in && echo from-guest >/mnt/shared/out'
	[ "$status" -eq 0 ]
	[ "$output" = from-host ]
	[ "$(cat shared/out)" = from-guest ]
}

@test "-v with ro cannot be written to" {
	mkdir -m 700 shared
	run hillock run --rm -v "$PWD/shared:/mnt:ro" busybox sh -c 'echo x >/mnt/file'
	[ "$status" -ne 0 ]
	[ -z "$(ls -A shared)" ]
}

@test "-v mounts a single file, and makes a directory that is missing" {
	echo content >file
	chmod 644 file
	run hillock run --rm -v "$PWD/file:/etc/given:ro" busybox cat /etc/given
	[ "$output" = content ]
	hillock run --rm -v "$PWD/not/yet:/data" busybox true
	[ -d not/yet ]
}

@test "a volume that makes no sense is refused" {
	run -125 --separate-stderr hillock run --rm -v relative:/x busybox true
	[[ $stderr == *"must be absolute"* ]]
	run -125 --separate-stderr hillock run --rm -v /tmp:x busybox true
	[[ $stderr == *"absolute path"* ]]
	run -125 --separate-stderr hillock run --rm -v /tmp:/x:rx busybox true
	[[ $stderr == *"'rx'"* ]]
	run -125 --separate-stderr hillock run --rm -v /dev/null:/x busybox true
	[[ $stderr == *"only directories and regular files"* ]]
}

# --- names -------------------------------------------------------------------------------------------

@test "of many runs with one name at once exactly one wins" {
	runs=()
	for i in 1 2 3 4 5 6; do
		(
			code=0
			hillock run -d --name wanted busybox sleep 1000 >"out.$i" 2>"err.$i" || code=$?
			echo $code >"status.$i"
		) &
		runs+=($!)
	done
	# Not all children: bats has one that counts the time.
	wait "${runs[@]}"
	[ "$(cat status.* | sort | uniq -c | tr -s ' ' | tr '\n' ';')" = ' 1 0; 5 125;' ]
	[ "$(cat err.* | grep -c 'the name "wanted" is already in use by container')" -eq 5 ]
	[ "$(hillock ps -q | wc -l)" -eq 1 ]
}

@test "a container without a name gets one, and any start of its ID finds it" {
	id=$(hillock run -d busybox sleep 1000)
	name=$(state "${id:0:6}" Name)
	[[ $name =~ ^/[a-z]+_[a-z]+(_[0-9]+)?$ ]]
	[ "$(state "${name#/}" Id)" = "$id" ]
	run -1 --separate-stderr hillock inspect no-such
	[[ $stderr == *"no such container: no-such"* ]]
}

@test "a name with odd characters is refused" {
	for name in 'a b' '../x' '-x' 'x/y' 'x'; do
		run -125 --separate-stderr hillock run --rm "--name=$name" busybox true
		[[ $stderr == *"invalid container name"* ]]
	done
	is_empty
}

@test "arguments that no frame can hold are refused before anything is made" {
	run -125 --separate-stderr hillock run --rm busybox echo "$(head -c 70000 /dev/zero | tr '\0' x)"
	[[ $stderr == *"65536 bytes"* ]]
	run hillock run --rm busybox sh -c 'echo ${#1}' sh "$(head -c 60000 /dev/zero | tr '\0' x)"
	[ "$output" = 60000 ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# -t: a terminal in the container, and the one outside.

load container

# In a shell of the container the prompt ends so.
prompt='expect=# '

@test "a terminal has the size of the one outside, and follows it" {
	run pty size=33x77 "$prompt" 'send=stty size\n' 'expect=33 77' size=44x88 \
		'send=stty size\n' 'expect=44 88' 'send=exit 5\n' -- "$HILLOCK" run --rm -it busybox sh
	[ "$status" -eq 5 ]
}

@test "Ctrl-C in a terminal goes to the job in front, not to hillock or the shell" {
	run pty "$prompt" 'send=echo r""eady; sleep 1000\n' expect=ready 'send=\x03' "$prompt" \
		'send=echo still-$((40+2))\n' 'expect=still-42' 'send=exit 6\n' -- \
		"$HILLOCK" run --rm -it busybox sh
	[ "$status" -eq 6 ]
}

@test "job control works: a job is stopped, listed, and brought back" {
	# cat repeats what the terminal has shown already, so it reads when that comes twice.
	run pty "$prompt" 'send=echo r""eady; cat\n' expect=ready 'send=abc\n' expect=abc expect=abc \
		'send=\x1a' 'expect=topped' "$prompt" 'send=jobs\n' 'expect=topped' "$prompt" \
		'send=fg\n' expect=cat 'send=def\n' expect=def expect=def 'send=\x04' "$prompt" \
		'send=exit 7\n' -- "$HILLOCK" run --rm -it busybox sh
	[ "$status" -eq 7 ]
}

@test "Ctrl-D ends a shell on a terminal" {
	run pty "$prompt" 'send=\x04' -- "$HILLOCK" run --rm -it busybox sh
	[ "$status" -eq 0 ]
}

@test "the terminal outside is as it was afterwards" {
	before=$(pty -- stty -a)
	after=$(pty -- sh -c '"$HILLOCK" run --rm -it busybox true; stty -a')
	[ "$before" = "$after" ]
	after=$(pty -- sh -c '"$HILLOCK" run --rm -it busybox no-such-command 2>/dev/null; stty -a')
	[ "$before" = "$after" ]
}

@test "Ctrl-P Ctrl-Q leaves the container running, attach comes back to it" {
	run pty "$prompt" 'send=cd /tmp\n' "$prompt" 'send=\x10\x11' state=cooked -- \
		"$HILLOCK" run --name kept -it busybox sh
	[ "$status" -eq 0 ]
	[ "$(state kept Running)" = true ]
	run pty 'send=pwd\n' 'expect=/tmp' 'send=exit 8\n' -- "$HILLOCK" attach kept
	[ "$status" -eq 8 ]
	[ "$(state kept ExitCode)" = 8 ]
}

@test "a lone Ctrl-P reaches the command with the next key" {
	run pty "$prompt" 'send=echo first-$((1+1))\n' 'expect=first-2' "$prompt" 'send=\x10\n' \
		'expect=first-2' 'send=exit 3\n' -- "$HILLOCK" run --rm -it busybox sh
	[ "$status" -eq 3 ]
}

@test "all output of a terminal comes on standard output" {
	run --separate-stderr hillock run --rm -t busybox sh -c 'echo one; echo two >&2; tty'
	[ "$output" = $'one\r\ntwo\r\n/dev/pts/0\r' ]
	[ -z "$stderr" ]
}

@test "-it without a terminal is refused before anything starts" {
	run -1 --separate-stderr hillock run --rm -it busybox true </dev/null
	[[ $stderr == *"the input device is not a TTY"* ]]
	is_empty
}

@test "a client that is killed leaves the container running" {
	run pty "$prompt" signal=9 -- "$HILLOCK" run --name kept -it busybox sh
	[ "$status" -eq 137 ]
	[ "$(state kept Running)" = true ]
	run pty 'send=exit 4\n' -- "$HILLOCK" attach kept
	[ "$status" -eq 4 ]
}

@test "exec has a terminal of its own" {
	start box busybox sleep 1000
	run pty size=21x43 "$prompt" 'send=stty size\n' 'expect=21 43' 'send=exit 9\n' -- \
		"$HILLOCK" exec -it box sh
	[ "$status" -eq 9 ]
	[ "$(state box Running)" = true ]
}

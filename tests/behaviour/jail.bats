#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Jails, as whoever runs this. What they hold is tests/behaviour/jail/'s business, which meson
# runs too; the kernel is only here.

bats_require_minimum_version 1.5.0

# Shows what failed of a TAP output, and fails if something did.
tap() {
	run "$@"
	grep -v '^ok ' <<<"$output" || true
	[ "$status" -eq 0 ]
}

@test "a um kernel does all of its work in its jail" {
	tap "$HILLOCK_PROGRAMS/um_test" "$HILLOCK_HOME/kernels/default/linux" \
		"$HILLOCK_PROGRAMS/um_guest"
}

@test "attacks from inside every kind of jail are repelled" {
	tap "$HILLOCK_PROGRAMS/jail_test" "$HILLOCK_PROGRAMS/hostile"
}

@test "a program that cannot be executed is named with the reason" {
	touch "$BATS_TEST_TMPDIR/plain"
	run "$HILLOCK_PROGRAMS/jailed" "$BATS_TEST_TMPDIR/plain"
	[ "$status" -eq 125 ]
	[[ $output == *"executing $BATS_TEST_TMPDIR/plain: Permission denied"* ]]
	[[ $output == *hint:*executable* ]]
}

@test "what is no program is named with the reason" {
	printf 'nonsense' >"$BATS_TEST_TMPDIR/text"
	chmod 755 "$BATS_TEST_TMPDIR/text"
	run "$HILLOCK_PROGRAMS/jailed" "$BATS_TEST_TMPDIR/text"
	[ "$status" -eq 125 ]
	[[ $output == *"executing $BATS_TEST_TMPDIR/text: Exec format error"* ]]
}

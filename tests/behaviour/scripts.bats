#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The front's own scripts: what they say when a package is missing, and that tests are counted
# right, above all that none is lost.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR"
	cp -R "$BATS_TEST_DIRNAME/../../scripts" .
	unset YES CI
}

tally() { run awk -v suite=s -f scripts/tally.awk "$@"; }

@test "packages that are there need no word" {
	dpkg-query -W -f '${Package} ${db:Status-Status}\n' bash dpkg | grep -q 'bash installed'
	printf '# a list\nbash  runs these tests\nno-such-package-x|dpkg  installs\n' >scripts/packages/here
	run scripts/need here
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "a missing package is listed with its reason, and nothing is installed unasked" {
	printf 'bash  runs these tests\nno-such-package-x  tests this\n' >scripts/packages/missing
	run scripts/need missing </dev/null
	[ "$status" -eq 1 ]
	[[ "$output" == *no-such-package-x*"tests this"* ]]
	[[ "$output" != *bash* ]]
	[[ "$output" == *"apt-get install --no-install-recommends no-such-package-x"* ]]
}

@test "a package that several lists name is asked for once" {
	echo 'no-such-package-x  one' >scripts/packages/one
	echo 'no-such-package-x  two' >scripts/packages/two
	run scripts/need one two </dev/null
	[ "$(grep -c 'no-such-package-x  ' <<<"$output")" = 1 ]
	run scripts/need three
	[ "$status" -eq 1 ]
	[[ "$output" == *"no list of packages for 'three'"* ]]
}

@test "TAP is counted: passed, failed, skipped" {
	printf '1..4\nok 1 a\nnot ok 2 b\n# why\nok 3 c # skip no such host\nnot ok 4 # SKIP d\n' >log
	tally -v status=1 log
	[ "${lines[0]}" = "  s: not ok 2 b" ]
	[ "${lines[1]}" = "1 1 2" ]
}

@test "a suite that ends early, fails without a case, or says nothing is not lost" {
	printf '1..3\nok 1 a\n' >log
	tally -v status=0 log
	[ "${lines[-1]}" = "1 1 0" ]
	printf 'ok 1 a\n' >log
	tally -v status=1 log
	[ "${lines[-1]}" = "1 1 0" ]
	: >log
	tally -v status=1 log
	[ "${lines[-1]}" = "0 1 0" ]
	tally -v status=0 log
	[ "${lines[-1]}" = "1 0 0" ]
}

@test "meson's log is counted by cases, and a crash is a failure" {
	cat >log <<-'END'
	Log of Meson test suite
	==================================== 1/4 =====================================
	test:         hillock:unit / cases
	result:       exit status 1
	1..3
	ok 1 - x
	not ok 2 - y
	not ok 3 # SKIP z
	==============================================================================
	==================================== 2/4 =====================================
	test:         crash
	result:       killed by signal 6 SIGABRT
	1..2
	ok 1 - x
	==============================================================================
	==================================== 3/4 =====================================
	test:         silent
	result:       exit status 0
	==================================== 4/4 =====================================
	test:         late
	result:       killed by signal 11 SIGSEGV
	1..1
	ok 1 - x
	END
	tally -v status=1 -v meson=1 log
	[ "${lines[0]}" = "  s: cases: not ok 2 - y" ]
	[ "${lines[1]}" = "  s: crash: 1 cases were not run" ]
	[ "${lines[2]}" = "  s: late: killed by signal 11 SIGSEGV" ]
	[ "${lines[3]}" = "4 3 1" ]
}

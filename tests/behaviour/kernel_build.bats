#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kernel/build on a Linux whose make knows two options and compiles one file. (The real one is
# built before any of these tests run.)

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR"
	top=$BATS_TEST_DIRNAME/../..
	mkdir -p top/kernel/um
	cp -R "$top/kernel/build" "$top/kernel/apply" "$top/kernel/fetch" "$top/kernel/edits.awk" \
		top/kernel
	cp -R "$top/scripts" "$top/VERSION" top
	build=$PWD/top/kernel/build
	export HILLOCK_HOME=$BATS_TEST_TMPDIR/data
	store=$HILLOCK_HOME/kernels/um-base
	mkdir linux top/kernel/configs
	printf 'CONFIG_A=y\n# CONFIG_B is not set\n' >top/kernel/configs/um-base.config
	: >linux/Kbuild
	echo 'int main(void) { return 0; }' >linux/main.c
	cat >linux/Makefile <<'END'
VERSION = 7
PATCHLEVEL = 3
SUBLEVEL = 4
all:
	@test "$(ARCH)" = um
	@mkdir -p $(O)/include/config
	@echo 7.3.4-test >$(O)/include/config/kernel.release
	@echo '  CC      main.o'
	@$(CC) -o $(O)/linux main.c
allnoconfig:
	@echo run >>$(O)/configured
	@grep -E '^(CONFIG_[AB]=|# CONFIG_[AB] )' $(KCONFIG_ALLCONFIG) >$(O)/.config
END
}

run_build() { run --separate-stderr "$build" --source linux "$@"; }

# A key of kernel.json, which must be JSON for others too.
key() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$store/kernel.json" "$1"; }

@test "a kernel is built and stored with what it is made of" {
	run_build
	[ "$status" -eq 0 ]
	[ -x "$store/linux" ]
	"$store/linux"
	[ "$(cat "$store/config")" = "$(cat top/kernel/configs/um-base.config)" ]
	[ "$(key name)" = um-base ]
	[ "$(key machine)" = um ]
	[ "$(key version)" = 7.3.4-test ]
	[ "$(key additions)" = '[]' ]
	[ "$(key file_size)" = "$(stat -c %s "$store/linux")" ]
	[ "$(key text)" -gt 0 ]
	[ "$(key config_sha256)" = "$(sha256sum <"$store/config" | cut -d' ' -f1)" ]
	[ "$(readlink "$HILLOCK_HOME/kernels/default")" = um-base ]
	[[ "$stderr" == *"kernel um-base: Linux 7.3.4-test, "* ]]
	# not stripped there, stripped here
	nm "$HILLOCK_HOME/build/um-base/out/linux" | grep -q ' main$'
	run nm "$store/linux"
	[[ "$output" == *"no symbols"* ]]
}

@test "with nothing changed nothing is done" {
	run_build
	before=$(stat -c '%n %i %y' "$store"/*)
	run_build
	[ "$status" -eq 0 ]
	[ "$stderr" = "kernel um-base: Linux 7.3.4-test, up to date" ]
	[ "$(stat -c '%n %i %y' "$store"/*)" = "$before" ]
	[ "$(wc -l <"$HILLOCK_HOME/build/um-base/out/configured")" = 1 ]
}

@test "a change of the options or of the source builds again" {
	run_build
	echo 'CONFIG_B=y' >>top/kernel/configs/um-base.config
	run_build
	[[ "$stderr" != *"up to date"* ]]
	grep -q CONFIG_B=y "$store/config"
	echo 'int main(void) { return 3; }' >linux/main.c
	run_build
	[[ "$stderr" != *"up to date"* ]]
	run "$store/linux"
	[ "$status" -eq 3 ]
}

@test "options that did not come out as asked are named" {
	printf 'CONFIG_GONE=y\nCONFIG_C="text"\nCONFIG_A=n\n' >>top/kernel/configs/um-base.config
	run_build
	[ "$status" -eq 0 ]
	[[ "$stderr" == *"warning: CONFIG_GONE=y was asked for, but it came out as n"* ]]
	[[ "$stderr" == *'warning: CONFIG_C="text" was asked for, but it came out as n'* ]]
	[[ "$stderr" != *CONFIG_A* ]]
}

@test "additions, their options, and reasons why not, are in kernel.json" {
	for name in 10-good 20-bad 30-off; do
		mkdir "top/kernel/um/$name"
		printf 'Since: 6.16\nGain: "10%%" \\ less\nMeasured: true\n' >"top/kernel/um/$name/about"
	done
	printf 'file main.c\nchange return 0\n- 0\n+ 7\n' >top/kernel/um/10-good/edits
	echo CONFIG_B=y >top/kernel/um/10-good/config
	printf 'file main.c\ndelete gone\n' >top/kernel/um/20-bad/edits
	echo CONFIG_A=n >top/kernel/um/20-bad/config
	run_build --without off
	[ "$status" -eq 0 ]
	[[ "$stderr" == *"warning: addition 20-bad does not fit"* ]]
	[ "$(key additions)" = "[{'name': '10-good', 'state': 'applied', 'gain': '\"10%\" \\\\ less'}, {'name': '20-bad', 'state': 'left out', 'reason': \"edits:2: main.c: no line matches 'gone'\"}, {'name': '30-off', 'state': 'off', 'reason': 'switched off with --without'}]" ]
	[ "$(grep -v '^#' "$store/config")" = "$(printf 'CONFIG_A=y\nCONFIG_B=y')" ]
	run "$store/linux"
	[ "$status" -eq 7 ]
	grep -q 'return 0' linux/main.c
}

@test "a build that fails shows the end of its log, and the old kernel stays" {
	run_build
	echo 'int main(void) { retrun 0; }' >linux/main.c
	run_build
	[ "$status" -eq 1 ]
	[[ "$stderr" == *retrun* ]]
	[[ "$stderr" == *"kernel um-base: the build failed"* ]]
	[[ "$stderr" == *"the whole log is in $HILLOCK_HOME/build/um-base/log"* ]]
	"$store/linux"
}

@test "another name, another kernel; --default says which one is used" {
	run_build
	cp top/kernel/configs/um-base.config mine.config
	run_build --name mine --config mine.config
	[ "$status" -eq 0 ]
	[ -x "$HILLOCK_HOME/kernels/mine/linux" ]
	[ "$(readlink "$HILLOCK_HOME/kernels/default")" = um-base ]
	run_build --name mine --config mine.config --default
	[ "$(readlink "$HILLOCK_HOME/kernels/default")" = mine ]
}

@test "names, numbers and fragments that are none are refused" {
	for options in '--name ../x' '--name .x' '--jobs x' '--jobs 0' '--config gone' '--what' '--name'; do
		run_build $options
		[ "$status" -eq 1 ]
		[ -n "$stderr" ]
	done
	[ ! -e "$HILLOCK_HOME/kernels" ]
}

@test "two builds at once wait for each other" {
	"$build" --source linux 2>first &
	"$build" --source linux 2>second
	wait $!
	[ "$(wc -l <"$HILLOCK_HOME/build/um-base/out/configured")" = 1 ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# hillock kconfig on a Linux whose tree has a handful of options. (That it solves the real one as
# the real conf does is compared by tests/unit/kconfig_judge.)

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR"
	mkdir -p linux/arch/um
	printf 'VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\n' >linux/Makefile
	: >linux/arch/um/Kconfig
	cat >linux/Kconfig <<'END'
mainmenu "Linux/$(ARCH) $(KERNELVERSION) Kernel Configuration"
source "arch/$(SRCARCH)/Kconfig"

config EXPERT
	bool "Expert users"

config EPOLL
	bool "Enable eventpoll support" if EXPERT
	default y
	select EVENTS
	help
	  Without it there is no epoll.

config EVENTS
	bool

config NET
	bool "Networking"

config INET
	bool "TCP/IP"
	depends on NET && (EPOLL || EXPERT)

config CPUS
	int "CPUs"
	range 1 8
	default 4

config ASKED
	def_bool $(shell,echo y; echo ran >>"$COUNT")
END
	printf 'CONFIG_NET=y\nCONFIG_INET=y\n' >config
	export COUNT=$PWD/count
	HILLOCK_HOME=$PWD/home
}

kconfig() {
	verb=$1
	shift
	run --separate-stderr "$HILLOCK" kconfig "$verb" --source linux "$@"
}

@test "show says what an option is" {
	kconfig show EPOLL
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 'CONFIG_EPOLL (bool)' ]
	[[ "$output" == *'prompt       "Enable eventpoll support"'*'if EXPERT'* ]]
	[[ "$output" == *'defined      Kconfig:7'* ]]
	[[ "$output" == *'selects      EVENTS'* ]]
	[[ "$output" == *'Without it there is no epoll.'* ]]
}

@test "show --json can be read by a program" {
	kconfig show CONFIG_EVENTS --json
	[ "$status" -eq 0 ]
	[[ "$output" == '{'*'"Name": "EVENTS"'*'"Value": "y"'*'"Kind": "selected by"'*'"Option": "EPOLL"'*'}' ]]
	! grep -q 'wanted\|Wanted' <<<"$output"
}

@test "why follows reasons to their root" {
	kconfig why EVENTS --config config
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 'CONFIG_EVENTS=y' ]
	[ "${lines[1]}" = '  EPOLL=y selects it (Kconfig:10)' ]
	[ "${lines[2]}" = '    it is its default (Kconfig:9)' ]
	kconfig why INET --config config
	[ "${lines[1]}" = '  INET=y is asked for in config (Kconfig:21)' ]
}

@test "depends says what an option needs and what would go with it" {
	kconfig depends NET --config config
	[ "$status" -eq 0 ]
	[[ "$output" == *'setting it to n changes'*'  INET: y → absent' ]]
	kconfig depends INET
	[[ "$output" == *'  n  NET'*'  y  EPOLL || EXPERT'* ]]
	[[ "$output" == *'setting it to y changes nothing: it can only be set if NET && (EPOLL || EXPERT)' ]]
}

@test "set prints what changes, and writes only when told to" {
	kconfig set NET=n CPUS=2 --config config
	[ "$status" -eq 0 ]
	[ "$output" = $'  NET: y → n\n  INET: y → absent\n  CPUS: 4 → 2' ]
	[ "$(cat config)" = $'CONFIG_NET=y\nCONFIG_INET=y' ]
	kconfig set NET=n --config config -o config
	[ "$status" -eq 0 ]
	grep -qx '# CONFIG_NET is not set' config
	grep -qx '# Linux/um 7.3.4 Kernel Configuration' config
	! grep -q INET config
}

@test "set without an assignment completes a configuration" {
	kconfig set --config config -o -
	[ "$status" -eq 0 ]
	[[ "$output" == *$'CONFIG_EPOLL=y\nCONFIG_EVENTS=y\nCONFIG_NET=y\nCONFIG_INET=y\nCONFIG_CPUS=4'* ]]
	kconfig set --config config --allnoconfig EXPERT=y EPOLL=n -o -
	[[ "$output" == *$'CONFIG_EXPERT=y\n# CONFIG_EPOLL is not set\nCONFIG_NET=y'* ]]
}

@test "set writes nothing when an option cannot have the value, and says why" {
	kconfig set EPOLL=n --config config -o out
	[ "$status" -eq 1 ]
	[ ! -e out ]
	[[ "$stderr" == *'EPOLL cannot be n here, it is y: it can only be set if EXPERT'* ]]
	kconfig set CPUS=99 --config config -o out
	[ "$status" -eq 1 ]
	[[ "$stderr" == *'CPUS cannot be 99 here, it is 8: its range ends at 8'* ]]
	kconfig set NET=x --config config -o out
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"'x' is no value for NET, which is bool"* ]]
	[ ! -e out ]
}

@test "an unknown option is named, and similar ones with it" {
	kconfig why EPOL
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"this tree has no option 'EPOL'"*'there is EPOLL'* ]]
	printf 'CONFIG_GONE=y\n' >>config
	kconfig why NET --config config
	[ "$status" -eq 0 ]
	[[ "$stderr" == *'config:3: no such option in this tree: GONE=y'* ]]
}

@test "a broken tree is refused by file, line and what was expected" {
	printf 'menu "open"\n' >>linux/Kconfig
	last=$(wc -l <linux/Kconfig)
	kconfig show NET
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"Kconfig:$((last + 1)): expected 'endmenu' (for what began at line $last), found the end of the file"* ]]
	rm linux/Makefile
	kconfig show NET
	[ "$status" -eq 1 ]
	[[ "$stderr" == *'--source DIR'* ]]
}

@test "a tree cannot reach the terminal with what it says" {
	printf 'config EVIL\n\tbool "a\033[31mb"\n\thelp\n\t  c\033]0;d\007e\n' >>linux/Kconfig
	kconfig show EVIL
	[ "$status" -eq 0 ]
	[[ "$output" == *'a?[31mb'* ]]
	[[ "$output" != *$'\033'* ]]
}

@test "commands of the tree run once, and again when the compiler changed" {
	printf '#!/bin/sh\necho cc\n' >cc
	chmod +x cc
	export CC=$PWD/cc
	kconfig show NET
	kconfig show NET
	[ "$(wc -l <count)" -eq 1 ]
	printf '#!/bin/sh\necho another cc\n' >cc
	kconfig show NET
	[ "$(wc -l <count)" -eq 2 ]
}

@test "without a data directory and without --source it says what to do" {
	run --separate-stderr "$HILLOCK" kconfig show NET
	[ "$status" -eq 1 ]
	[[ "$stderr" == *'no Linux source in the data directory'*'--source DIR'*'kernel/fetch'* ]]
	mkdir -p home/source
	cp -R linux home/source/linux-7.3
	run --separate-stderr "$HILLOCK" kconfig show NET
	[ "$status" -eq 0 ]
}

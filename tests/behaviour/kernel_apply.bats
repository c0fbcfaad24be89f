#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kernel/apply on a Linux of three files.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR"
	apply=$BATS_TEST_DIRNAME/../../kernel/apply
	mkdir -p linux/arch/um um
	printf 'VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\nEXTRAVERSION =\n' >linux/Makefile
	: >linux/Kbuild
	cat >linux/arch/um/irq.c <<'END'
static void irq_off(int cpu)
{
	mask(cpu);
}

static void irq_on(int cpu)
{
	unmask(cpu);
}
END
	printf 'obj-y := irq.o\n' >linux/arch/um/Makefile
	touch -d '2020-01-01' linux/arch/um/*
}

# addition NAME [KEY: VALUE]...: makes an addition; its edits come from standard input.
addition() {
	mkdir -p "um/$1"
	cat >"um/$1/edits"
	printf 'Since: 6.16\nGain: a faster %s\nMeasured: make test\n' "$1" >"um/$1/about"
	printf '%s\n' "${@:2}" >>"um/$1/about"
}

run_apply() { run --separate-stderr "$apply" --additions um "$@" linux tree; }

@test "an addition is put on a tree, its own files with it, and the source stays as it was" {
	cp -a linux before
	addition 10-quiet <<'END'
# says nothing
file arch/um/irq.c
after ^static void irq_off\( ~ ^\{
|	if (quiet)
|
|		return;
change ^static void irq_on\(
- ^static[ ]
+
file arch/um/Makefile
end
| obj-y += quiet.o
END
	mkdir -p um/10-quiet/files/arch/um/deep
	echo 'int quiet;' >um/10-quiet/files/arch/um/deep/quiet.c
	run_apply --report report
	[ "$status" -eq 0 ]
	[ "$output" = "applied   10-quiet: a faster 10-quiet" ]
	[ -z "$stderr" ]
	[ "$(cat report)" = "$(printf 'applied\t10-quiet\ta faster 10-quiet')" ]
	diff -r linux before
	[ "$(cat tree/arch/um/deep/quiet.c)" = 'int quiet;' ]
	[ "$(tail -n 1 tree/arch/um/Makefile)" = 'obj-y += quiet.o' ]
	diff tree/arch/um/irq.c - <<'END'
static void irq_off(int cpu)
{
	if (quiet)

		return;
	mask(cpu);
}

void irq_on(int cpu)
{
	unmask(cpu);
}
END
}

@test "each edit does to its lines what it says" {
	addition 10-all <<-'END'
	file arch/um/irq.c
	begin
	| first
	before ^static void irq_off
	| before
	delete ^static void irq_on .. ^\}
	replace mask\(cpu\)
	| one
	| two
	replace ^one .. ^two
	|   three
	END
	run_apply
	[ "$status" -eq 0 ]
	diff tree/arch/um/irq.c - <<-'END'
	first
	before
	static void irq_off(int cpu)
	{
	  three
	}

	END
}

@test "an addition that matches nowhere is left out whole, named, and the others go on" {
	addition 10-lost <<-'END'
	file arch/um/Makefile
	end
	| obj-y += lost.o
	file arch/um/irq.c
	after ^void irq_gone\(
	| never
	END
	addition 20-fits <<-'END'
	file arch/um/Makefile
	end
	| obj-y += fits.o
	END
	run_apply
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "left out  10-lost: edits:5: arch/um/irq.c: no line matches '^void irq_gone\('" ]
	[ "${lines[1]}" = "applied   20-fits: a faster 20-fits" ]
	[[ "$stderr" == "warning: addition 10-lost does not fit Linux 7.3.4 and is left out: "* ]]
	[ "$(cat tree/arch/um/Makefile)" = "$(printf 'obj-y := irq.o\nobj-y += fits.o')" ]
	cmp linux/arch/um/irq.c tree/arch/um/irq.c
}

@test "an addition that matches twice is left out, and both lines are named" {
	addition 10-twice <<-'END'
	file arch/um/irq.c
	delete cpu\);
	END
	run_apply
	[ "$status" -eq 0 ]
	[[ "$output" == *"arch/um/irq.c: lines 3 and 8 both match 'cpu\\);'"* ]]
	cmp linux/arch/um/irq.c tree/arch/um/irq.c
}

@test "a file that is not there, or that is there already, leaves the addition out" {
	addition 10-absent <<-'END'
	file arch/um/absent.c
	end
	| text
	END
	addition 20-outside <<-'END'
	file ../outside
	end
	| text
	END
	addition 30-present </dev/null
	mkdir -p um/30-present/files
	echo mine >um/30-present/files/Makefile
	echo theirs >outside
	run_apply
	[ "$status" -eq 0 ]
	[[ "$output" == *"left out  10-absent: edits:1: arch/um/absent.c: no such file"* ]]
	[[ "$output" == *"left out  20-outside: edits:1: '../outside' is not a path within the tree"* ]]
	[[ "$output" == *"left out  30-present: files/Makefile: the tree has such a file already"* ]]
	[ "$(cat outside)" = theirs ]
	cmp linux/Makefile tree/Makefile
}

@test "edits that break the format are refused by line" {
	local broken=(
		$'after ^x\n| y' "1: after: no 'file' before it"
		$'file arch/um/irq.c\nappend ^x' "2: 'append' is not a word of this format"
		$'file arch/um/irq.c\nafter cpu ~  ~ x\n| y' '2: after: a pattern is empty'
		$'file arch/um/irq.c\nafter ^static void irq_on' '2: after without text'
		$'file arch/um/irq.c\ndelete irq_on\n| y' '2: delete takes no text'
		$'file arch/um/irq.c\nchange irq_on\n- irq' "2: change needs a '- REGEX' and a '+ TEXT' line"
		$'file arch/um/irq.c\nend irq_on\n| y' '2: end: takes no pattern'
		$'file arch/um/irq.c\nafter\n| y' '2: after: needs a pattern'
		$'| y' '1: text without an edit'
		$'file arch/um/irq.c\nafter irq_off .. irq_on\n| y' "2: '..' is for replace and delete only"
		$'file arch/um/irq.c\nafter irq_on ~ gone\n| y' "2: arch/um/irq.c: no line matches 'gone' after line 6"
		$'file arch/um/irq.c\nchange irq_on\n- gone\n+ x' "2: arch/um/irq.c: line 6 has no match for 'gone'"
	)
	for ((n = 0; n < ${#broken[@]}; n += 2)); do
		addition 10-broken <<<"${broken[n]}"
		run_apply
		[ "$status" -eq 0 ]
		[ "$output" = "left out  10-broken: edits:${broken[n + 1]}" ]
	done
}

@test "an addition can be switched off, and its files go back" {
	addition 10-quiet <<-'END'
	file arch/um/Makefile
	end
	| obj-y += quiet.o
	END
	mkdir -p um/10-quiet/files
	echo new >um/10-quiet/files/new.c
	run_apply
	[ -f tree/new.c ]
	old=$(stat -c %Y tree/arch/um/Makefile)
	touch -d '2021-01-01' tree/arch/um/Makefile
	run_apply --without quiet
	[ "$status" -eq 0 ]
	[ "$output" = "off       10-quiet: switched off with --without" ]
	[ ! -e tree/new.c ]
	cmp linux/arch/um/Makefile tree/arch/um/Makefile
	# make must see that it changed, though the source's file is older
	[ "$(stat -c %Y tree/arch/um/Makefile)" -ge "$old" ]
	run_apply --without '1*'
	[ "$output" = "off       10-quiet: switched off with --without" ]
}

@test "an addition that is off by default comes on with --with" {
	addition 10-odd 'Default: off' <<-'END'
	file Kbuild
	end
	| odd
	END
	run_apply
	[[ "$output" == "off       10-odd: off by default"* ]]
	[ ! -s tree/Kbuild ]
	run_apply --with odd
	[ "$output" = "applied   10-odd: a faster 10-odd" ]
	[ "$(cat tree/Kbuild)" = odd ]
}

@test "an addition is only for the versions it names" {
	for bounds in 'Since: 7.4|meant for Linux 7.4 and later' \
		'Until: 6.18|meant for Linux up to 6.18' 'Until: 7.3.3|meant for Linux up to 7.3.3'; do
		addition 10-then </dev/null
		{ echo "${bounds%|*}"; cat um/10-then/about; } >about
		mv about um/10-then/about
		run_apply
		[ "$output" = "left out  10-then: ${bounds#*|}" ]
	done
	addition 10-then 'Until: 7.3' </dev/null
	run_apply
	[ "$output" = "applied   10-then: a faster 10-then" ]
}

@test "an addition that does not say what it gains is left out" {
	addition 10-mute </dev/null
	sed -i /Gain/d um/10-mute/about
	run_apply
	[ "$output" = "left out  10-mute: about: no 'Gain'" ]
}

@test "applying again writes nothing, and a changed edit writes its file only" {
	addition 10-a <<-'END'
	file arch/um/irq.c
	end
	| a
	END
	addition 20-b <<-'END'
	file arch/um/Makefile
	end
	| b
	END
	run_apply
	touch -d '2021-01-01' tree/arch/um/irq.c tree/arch/um/Makefile
	before=$(stat -c '%n %i %y' tree/arch/um/*)
	run_apply
	[ "$(stat -c '%n %i %y' tree/arch/um/*)" = "$before" ]
	sed -i 's/^| b/| c/' um/20-b/edits
	run_apply
	[ "$(tail -n 1 tree/arch/um/Makefile)" = c ]
	[ "$(stat -c %Y tree/arch/um/irq.c)" = "$(date -d 2021-01-01 +%s)" ]
	[ "$(stat -c %Y tree/arch/um/Makefile)" -gt "$(date -d 2021-01-01 +%s)" ]
}

@test "an edit sees what earlier edits and additions made" {
	addition 10-first <<-'END'
	file arch/um/irq.c
	after ^static void irq_off ~ ^\{
	|	first();
	change first\(\)
	- first
	+ early
	END
	addition 20-second <<-'END'
	file arch/um/irq.c
	replace early\(\)
	|	second();
	END
	run_apply
	[ "$(sed -n 3p tree/arch/um/irq.c)" = $'\tsecond();' ]
	run_apply --without first
	[[ "$output" == *"left out  20-second: edits:2: arch/um/irq.c: no line matches 'early\\(\\)'"* ]]
	cmp linux/arch/um/irq.c tree/arch/um/irq.c
}

@test "a source that changed is linked anew, and additions stay on" {
	addition 10-a <<-'END'
	file arch/um/Makefile
	end
	| a
	END
	run_apply
	echo 'int new;' >linux/new.c
	rm linux/Kbuild && echo x >linux/Kbuild
	run_apply
	[ "$status" -eq 0 ]
	[ -f tree/new.c ]
	[ "$(cat tree/Kbuild)" = x ]
	[ "$(tail -n 1 tree/arch/um/Makefile)" = a ]
}

@test "a source on another file system is linked by name" {
	[ -w /dev/shm ] && [ "$(stat -c %d /dev/shm)" != "$(stat -c %d .)" ] ||
		skip 'no other file system at hand'
	far=$(mktemp -d /dev/shm/kernel_apply.XXXXXX)
	cp -R linux "$far"
	addition 10-a <<-'END'
	file arch/um/Makefile
	end
	| a
	END
	run "$apply" --additions um "$far/linux" tree
	link=$(readlink tree/arch/um/irq.c) added=$(tail -n 1 tree/arch/um/Makefile)
	untouched=$(cat "$far/linux/arch/um/Makefile")
	rm -r "$far"
	[ "$status" -eq 0 ]
	[ "$link" = "$far/linux/arch/um/irq.c" ]
	[ "$added" = a ]
	[ "$untouched" = 'obj-y := irq.o' ]
}

@test "a directory that apply did not make is left alone" {
	mkdir tree
	echo mine >tree/mine
	run_apply
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"tree is there and was not made by kernel/apply"* ]]
	[ "$(cat tree/mine)" = mine ]
}

@test "--check says what would fit and fails when something does not" {
	addition 10-lost <<-'END'
	file arch/um/irq.c
	delete gone
	END
	run --separate-stderr "$apply" --additions um --check linux
	[ "$status" -eq 1 ]
	[[ "$output" == "left out  10-lost: "* ]]
	[ ! -e tree ]
	run --separate-stderr "$apply" --additions um --without lost --check linux
	[ "$status" -eq 0 ]
}

@test "--diff shows a patch that patch takes" {
	addition 10-a <<-'END'
	file arch/um/irq.c
	change unmask
	- unmask
	+ open
	END
	mkdir -p um/10-a/files/lib
	echo 'int a;' >um/10-a/files/lib/a.c
	run_apply
	"$apply" --additions um --diff linux >patch.diff
	cp -a linux patched
	(cd patched && patch -s -p1 <../patch.diff)
	diff -r -x .hillock-additions patched tree
}

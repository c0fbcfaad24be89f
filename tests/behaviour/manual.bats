#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The manual page and the completion say what the program has: no verb and no option less or more.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR"
	# Plain text with no dashes escaped and no fonts; .SS lines begin verbs.
	sed 's/\\f[BIR]//g; s/\\-/-/g' "$HILLOCK_TOP/man/hillock.1" >manual
	"$HILLOCK" --help | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\)\( [a-z]\{1,\}\)\{0,1\}  .*/\1\2/p' >verbs
}

# Long options that a text names, sorted.
options() { grep -oE '(^|[^-a-z])--[a-z][-a-z]*' | sed 's/.*--/--/' | sort -u; }

section() {
	awk -v verb="$1" '
		/^\.S[SH]/ { on = index($0, ".SS \"" verb " ") == 1 || $0 == ".SS \"" verb "\"" }
		on' manual
}

@test "every verb has a section, and every section is a verb" {
	sed -n 's/^\.SS "\([a-z]*\)\( [a-z]\{1,\}\)\{0,1\} .*/\1\2/p' manual | sort >sections
	[ -s verbs ]
	diff <(sort verbs) sections
}

@test "every verb's section names its options, and no others" {
	while read -r verb; do
		case $verb in bench*) continue ;; esac # theirs share one list
		# shellcheck disable=SC2086 # a verb may be two words
		"$HILLOCK" $verb --help </dev/null | sed '/^Example/,$d' | grep '^ *-' | options >has
		section "$verb" | options >says
		diff has says || { echo "options of '$verb' (has, says)"; return 1; }
	done <verbs
}

@test "the list of the benchmarks' options is whole" {
	for verb in 'bench start' 'bench idle' 'bench syscalls' 'bench programs'; do
		# shellcheck disable=SC2086
		"$HILLOCK" $verb --help | sed '/^Example/,$d' | grep '^ *-'
	done | options >has
	section 'bench programs' | options >says
	diff has says
}

@test "man finds nothing to complain about" {
	command -v man >/dev/null || skip 'no man here'
	run env LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$HILLOCK_TOP/man/hillock.1"
	[ "$status" -eq 0 ]
	[[ "$output" != *warning* ]]
}

# complete WORD...: what completion offers for the last word.
complete_words() {
	PATH=$(dirname "$HILLOCK"):$PATH bash -c '
		source "$HILLOCK_TOP/completion/hillock.bash"
		COMP_WORDS=(hillock "$@") COMP_CWORD=$#
		_hillock
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

@test "completion knows verbs, options, images and kernels" {
	[[ $'\n'$(complete_words '')$'\n' == *$'\nrun\n'* ]]
	[ "$(complete_words run --na)" = --name ]
	[ "$(complete_words run --kernel um-b)" = um-base ]
	[ "$(complete_words run --rm busy)" = busybox ]
	[ "$(complete_words kernel bu)" = build ]
	[ -z "$(complete_words run busybox --na)" ]
	[ "$(complete_words kill --signal T)" = TERM ]
}

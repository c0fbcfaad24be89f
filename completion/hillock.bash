# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Completion for hillock(1). Verbs and options come from `hillock --help` and `hillock VERB
# --help`, so they are never out of date; names of containers from the data directory.

_hillock_verbs()
{
	command hillock --help 2>/dev/null | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\)\( [a-z]\{1,\}\)\{0,1\}  .*/\1\2/p'
}

# Options of a verb, those that take a value with a `=` behind.
_hillock_options()
{
	# shellcheck disable=SC2086 # a verb may be two words
	command hillock $1 --help 2>/dev/null | awk '
		/^ +-/ {
			for (i = 1; i <= NF && $i ~ /^-/; i++)
				words[i] = $i
			value = match($0, /^ +(-[a-z], )?--[a-z-]+ [^ ]/) ? "=" : ""
			for (j = 1; j < i; j++) {
				sub(/,$/, "", words[j])
				print words[j] value
			}
		}'
}

_hillock_containers()
{
	local store=$HOME/.local/share/hillock

	[[ -z ${XDG_DATA_HOME:-} ]] || store=$XDG_DATA_HOME/hillock
	[[ -z ${HILLOCK_HOME:-} ]] || store=$HILLOCK_HOME
	[[ ! -d $store/names ]] || command ls "$store/names"
}

# A tag of `latest` goes without saying, and without a colon, which readline would split at.
_hillock_images() { command hillock image ls -q 2>/dev/null | sed 's/:latest$//'; }

_hillock_files()
{
	compopt -o filenames 2>/dev/null
	mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")
}

_hillock_words()
{
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_hillock()
{
	local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local verbs verb=${COMP_WORDS[1]} options operands=0 i=2

	COMPREPLY=()
	verbs=$(_hillock_verbs)
	if ((COMP_CWORD == 1)); then
		_hillock_words "$(cut -d' ' -f1 <<<"$verbs" | sort -u) --help --version"
		return
	fi
	if grep -q "^$verb " <<<"$verbs"; then
		if ((COMP_CWORD == 2)); then
			_hillock_words "$(sed -n "s/^$verb //p" <<<"$verbs")"
			return
		fi
		verb="$verb ${COMP_WORDS[2]}"
		i=3
	fi
	grep -qx "$verb" <<<"$verbs" || return
	options=" $(_hillock_options "$verb" | tr '\n' ' ')"

	# How many operands stand before the word at hand? Options and their values are none.
	for (( ; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-*) [[ $options != *" ${COMP_WORDS[i]}= "* ]] || ((i++)) ;;
		*) ((operands++)) ;;
		esac
	done

	case $previous in
	--kernel) [[ $options != *' --kernel= '* ]] || { _hillock_words "$(command hillock kernel ls -q)"; return; } ;;
	--goal) _hillock_words 'size memory boot surface'; return ;;
	--format) _hillock_words 'text csv json svg'; return ;;
	--storage-opt) _hillock_words 'layer=disk layer=memory'; return ;;
	--signal | -s) _hillock_words 'HUP INT QUIT KILL USR1 USR2 TERM CONT STOP'; return ;;
	--env-file | --volume | -v | --config | --base | --source | --timing | --output | -o) _hillock_files; return ;;
	esac
	[[ $options != *" $previous= "* ]] || return

	case $verb in run | exec) ((operands)) && [[ $verb == run || $operands -gt 1 ]] && return ;; esac
	if [[ $cur == -* ]]; then
		_hillock_words "${options//= / } --help"
		return
	fi
	case $verb in
	run | cut) _hillock_words "$(_hillock_images)"; _hillock_files ;;
	exec | attach | logs) ((operands)) || _hillock_words "$(_hillock_containers)" ;;
	stop | kill | wait | rm | inspect) _hillock_words "$(_hillock_containers)" ;;
	'image rm') _hillock_words "$(_hillock_images)" ;;
	'image import') ((operands != 1)) || _hillock_files ;;
	esac
}

complete -F _hillock hillock

# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the tests of containers share. Each test has a store of its own, with the run's kernels and
# images in it, so that it can look at everything in the store and must leave nothing there.

bats_require_minimum_version 1.5.0

setup() {
	store=$BATS_TEST_TMPDIR/store
	mkdir -m 700 "$store"
	ln -s "$HILLOCK_HOME/kernels" "$HILLOCK_HOME/images" "$store"
	export HILLOCK_HOME=$store
	PATH=$HILLOCK_PROGRAMS:$PATH
	cd "$BATS_TEST_TMPDIR"
	type -t prepare >/dev/null && prepare || :
}

teardown() {
	local ids
	ids=$("$HILLOCK" ps -aq --no-trunc)
	# shellcheck disable=SC2086 # words
	[ -z "$ids" ] || "$HILLOCK" rm -f $ids >/dev/null
	is_empty
}

# Is there no container in the store, and nothing of one?
is_empty() { [ -z "$(find "$store/containers" "$store/names" -mindepth 1 2>/dev/null)" ]; }

# The program, without the descriptor by which bats would wait for what it leaves running.
hillock() { "$HILLOCK" "$@" 3>&-; }

# start NAME [OPTION...] IMAGE COMMAND...: in the background.
start() { hillock run -d --name "$@" >/dev/null; }

# wait_for NAME: until a container that is being made can be seen.
wait_for() { until hillock inspect "$1" >/dev/null 2>&1; do sleep 0.05; done; }

# wait_log NAME TEXT: until the container has written a line with it.
wait_log() {
	wait_for "$1"
	grep -q -m 1 -- "$2" < <(hillock logs -f "$1")
}

# field KEY: the first value of that key in the JSON on standard input.
field() { sed -n "s/^ *\"$1\": *\"\{0,1\}\(.*[^\",]\)\"\{0,1\},\{0,1\}\$/\1/p" | head -n 1; }

# state NAME KEY: a value of `hillock inspect NAME`.
state() { hillock inspect "$1" | field "$2"; }

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# hillock bench: that it measures all it says, and leaves nothing behind. Not how fast anything is.

load container

prepare() {
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
}

# Nothing in the store, and no working directory.
is_clean() { is_empty && [ -z "$(ls -A "$TMPDIR")" ]; }

# column NUMBER TABLE ROW: of the CSV output.
column() { grep "^$2,$3," <<<"$output" | cut -d, -f"$1"; }

@test "bench start times every round, and hillock's phases" {
	run --separate-stderr hillock bench start --runs 3 --warmup 1 --peers '' --csv
	[ "$status" -eq 0 ]
	[ "$(grep -c '^rounds,.*,hillock,' <<<"$output")" -eq 3 ]
	[ "$(column 3 wall hillock)" -eq 3 ]
	for phase in client jail 'kernel start' 'kernel boot' 'guest init' workload teardown; do
		awk -v ms="$(column 3 phases "$phase")" 'BEGIN { exit !(ms > 0) }'
	done
	[[ $output == *"cannot be told, crun did not run"* ]]
	is_clean
}

@test "bench start's phases add up to the whole" {
	run --separate-stderr hillock bench start --runs 1 --warmup 0 --peers '' --csv
	awk -v whole="$(column 4 wall hillock)" -F, '
		$1 == "phases" { sum += $3 }
		END { exit !(sum > 0.99 * whole && sum < 1.01 * whole) }' <<<"$output"
}

@test "bench idle counts every process of every container" {
	run --separate-stderr hillock bench idle --count 3 --window 1 --no-smallest --peers '' --csv
	[ "$status" -eq 0 ]
	[ "$(column 3 idle hillock)" -eq 3 ]
	[ "$(column 4 idle hillock)" -ge 4 ]
	[ "$(grep -c '^containers,hillock,' <<<"$output")" -eq 3 ]
	for part in keeper monitor kernel "guest's processes"; do
		awk -v mb="$(column 3 parts "$part")" 'BEGIN { exit !(mb > 0) }'
	done
	is_clean
}

@test "bench prints JSON to a file" {
	run hillock bench start --runs 1 --warmup 0 --peers '' --json -o result.json
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	python3 -c 'import json; assert len(json.load(open("result.json"))["tables"]["wall"]) == 1'
	run -1 hillock bench start -o no/such/directory
	[[ $output == *"cannot write no/such/directory"* ]]
}

@test "a peer that is not there, or fails, is left out with the reason" {
	printf '#!/bin/sh\necho broken today >&2\nexit 3\n' >runc
	chmod +x runc
	run --separate-stderr env PATH="$PWD" "$HILLOCK" bench start --runs 1 --warmup 0 \
		--peers crun,runc 3>&-
	[ "$status" -eq 0 ]
	[[ $output == *"crun is left out: there is no crun here"* ]]
	[[ $output == *"runc is left out: "*"ended with status 3: broken today"* ]]
	is_clean
}

@test "an interrupted bench idle removes its containers" {
	"$HILLOCK" bench idle --count 200 --window 1 --peers '' >out 2>&1 3>&- &
	pid=$!
	until [ "$(hillock ps -q | wc -l)" -ge 2 ]; do sleep 0.05; done
	kill -INT $pid
	status=0
	wait $pid || status=$?
	[ "$status" -eq 130 ]
	grep interrupted out
	is_clean
}

# figures LINE: native's and hillock's, of a sheet in result.json, if both are there and above 0.
figures() {
	python3 - "$1" <<-'END'
	import json, sys
	rows = json.load(open('result.json'))['tables']['figures']
	row, = [row for row in rows if row['line'] == sys.argv[1]]
	assert row['native'] > 0 and row['hillock'] > 0, row
	END
}

@test "every line of bench syscalls has a figure, native and in hillock" {
	hillock bench syscalls --runs 1 --ms 1 --peers '' --json -o result.json
	for line in null getpid clock signal epoll-wait epoll-ctl cpu read-1 read-64k write-1 \
		write-64k read-zero-1 read-zero-64k write-null-1 stat open-close create-10k unlink \
		fault-anon-seq fault-anon-rand fault-file-seq fault-file-rand mmap-munmap \
		memory-stream memory-random fork-exec fork-exit pipe tcp thread switch-threads \
		switch-processes futex-wake futex-contended; do
		figures $line
		lines=$((${lines:-0} + 1))
	done
	[ "$(python3 -c 'import json
print(len(json.load(open("result.json"))["tables"]["figures"]))')" -eq "$lines" ]
	is_clean
}

@test "bench syscalls puts kernels side by side, and asks each round" {
	hillock bench syscalls --runs 2 --ms 1 --peers '' --only null,getpid --csv \
		--kernel um-base --kernel um-smp >out
	grep -q '^table,line,unit,native,native_spread_percent,hillock:um-base,.*,hillock:um-smp,' out
	[ "$(grep -c '^figures,' out)" -eq 2 ]
	for contender in native hillock:um-base hillock:um-smp; do
		[ "$(grep -c "^rounds,[12],$contender,null,us," out)" -eq 2 ]
	done
	[ "$(grep -c '^ratios,null,hillock:um-' out)" -eq 2 ]
	is_clean
}

@test "bench programs: programs of Debian, native and in hillock" {
	"$HILLOCK" image ls -q | grep -q '^debian-programs:'
	hillock bench programs --runs 1 --warmup 0 --peers '' --json -o result.json
	for line in redis-set redis-get-16 gcc python sqlite nginx shell tar; do
		figures $line
	done
	is_clean
}

@test "bench programs: a round finds nothing that the one before it left" {
	hillock bench programs --runs 2 --warmup 0 --peers '' --only python --csv >out
	for contender in native hillock; do
		[ "$(grep -c "^rounds,[12],$contender,python,s," out)" -eq 2 ]
	done
	is_clean
}

@test "a contender whose kernel is missing is left out, and said to be" {
	run --separate-stderr hillock bench syscalls --runs 1 --ms 1 --peers '' --only null \
		--kernel no-such-kernel
	[ "$status" -eq 1 ]
	[[ $output == *"hillock:no-such-kernel is left out: "*no-such-kernel* ]]
	[[ $output == *native* ]]
	[[ $stderr == *"hillock did not give every figure"* ]]
	is_clean
}

@test "an interrupted bench syscalls leaves no container and no directory" {
	"$HILLOCK" bench syscalls --runs 1 --ms 4000 --only null --peers '' >out 2>&1 3>&- &
	pid=$!
	until ps -eo args | grep -q "run --rm --name hillock-bench-$pid .*--lines [n]ull"; do
		sleep 0.05
	done
	kill -INT $pid
	status=0
	wait $pid || status=$?
	[ "$status" -eq 130 ]
	grep interrupted out
	is_clean
}

@test "bench refuses what it does not know" {
	run -1 hillock bench start --peers docker
	[[ $output == *"docker"* ]]
	run -1 hillock bench start --peers crun,crun
	run -1 hillock bench start --runs 0
	run -1 hillock bench idle --memory much
	run -1 hillock bench start --json --csv
	run -1 hillock bench start --image no-such-image
	run -1 hillock bench syscalls --only null,nothing
	[[ $output == *'"nothing" for --only'*fork-exec* ]]
	run -1 hillock bench syscalls --ms 0
	run -1 hillock bench syscalls --cpus 1000
	run -1 hillock bench programs --only redis,emacs
	[[ $output == *'"emacs" for --only'*nginx* ]]
}

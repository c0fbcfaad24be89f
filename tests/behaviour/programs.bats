#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Programs as they come from Debian, in an image that scripts/debian-programs made of its packages.
# Each test looks at what its program really did.

load container

setup_file() {
	image=$("$HILLOCK" image ls -q | grep '^debian-programs:' | head -n 1)
	[ -n "$image" ] || { echo 'no image debian-programs: see scripts/debian-programs' >&2; return 1; }
	export image
}

# inside [OPTION...] SCRIPT: runs it with bash in a container of Debian's programs.
inside() {
	local script=${*: -1}
	hillock run --rm "${@:1:$#-1}" "$image" bash -euc "$script"
}

@test "python3: sqlite3, threads, subprocesses, processes, sockets" {
	cat >work.py <<-'END'
	import multiprocessing, socket, sqlite3, subprocess, threading
	db = sqlite3.connect('/tmp/t.db')
	db.execute('create table t (n integer)')
	with db:
	    db.executemany('insert into t values (?)', ((i,) for i in range(10000)))
	print('sum', db.execute('select sum(n) from t').fetchone()[0])
	total, lock = [0], threading.Lock()
	def add():
	    for _ in range(1000):
	        with lock:
	            total[0] += 1
	threads = [threading.Thread(target=add) for _ in range(8)]
	for t in threads: t.start()
	for t in threads: t.join()
	print('threads', total[0])
	print('subprocess', subprocess.run(['tr', 'a-z', 'A-Z'], input='word', text=True,
	                                   capture_output=True).stdout)
	with multiprocessing.Pool(3) as pool:
	    print('pool', sum(pool.map(abs, range(-100, 0))))
	server = socket.create_server(('127.0.0.1', 0))
	client = socket.create_connection(server.getsockname())
	peer, _ = server.accept()
	client.sendall(b'over loopback')
	print('socket', peer.recv(100).decode())
	END
	run inside -v "$PWD/work.py:/work.py:ro" 'python3 /work.py'
	[ "$status" -eq 0 ]
	[ "$output" = "sum 49995000
threads 8000
subprocess WORD
pool 5050
socket over loopback" ]
}

@test "perl: processes and pipes" {
	run inside 'perl -e '"'"'
		$| = 1;
		for my $n (1 .. 5) {
			pipe my $r, my $w;
			if (!fork) { close $r; print $w $n * $n, "\n"; exit $n }
			close $w; my $line = <$r>; wait; print $? >> 8, " ", $line;
		}'"'"
	[ "$status" -eq 0 ]
	[ "$output" = "1 1
2 4
3 9
4 16
5 25" ]
}

@test "git: commits, branches, a clone, gc, and a repository that is whole" {
	run inside '
		export HOME=/tmp GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a \
			GIT_COMMITTER_EMAIL=a@b
		git init -q -b main /tmp/r; cd /tmp/r
		for i in $(seq 20); do echo $i >f$i; git add .; git commit -qm "c$i"; done
		git checkout -q -b side HEAD~5; echo x >x; git add x; git commit -qm x
		git checkout -q main; git merge -q side -m merged
		git gc -q; git fsck --strict 2>/dev/null
		git clone -q /tmp/r /tmp/c; cd /tmp/c
		git rev-list --count HEAD; ls | wc -l'
	[ "$status" -eq 0 ]
	[ "$output" = "22
21" ]
}

@test "gcc and g++ compile programs that run" {
	run inside -m 1g '
		cd /tmp
		cat >t.c <<-END
		#include <pthread.h>
		#include <stdio.h>
		static void *f(void *p) { *(int *)p *= 2; return p; }
		int main(void)
		{
			pthread_t t[4]; int n[4] = { 1, 2, 3, 4 }, sum = 0;
			for (int i = 0; i < 4; i++) pthread_create(&t[i], 0, f, &n[i]);
			for (int i = 0; i < 4; i++) { pthread_join(t[i], 0); sum += n[i]; }
			printf("%d\n", sum);
			return sum != 20;
		}
		END
		printf "#include <iostream>\n#include <map>\nint main() { std::map<int, int> m; m[3] = 4; std::cout << m[3] << std::endl; }\n" >u.cc
		gcc -O2 -Wall -pthread t.c -o t && ./t
		g++ -O1 u.cc -o u && ./u'
	[ "$status" -eq 0 ]
	[ "$output" = "20
4" ]
}

@test "sqlite3: transactions, a rollback, and an integrity check" {
	run inside 'sqlite3 /root/t.db "
		create table t (n integer primary key, s text);
		begin; with recursive c(i) as (select 1 union all select i + 1 from c where i < 5000)
			insert into t select i, hex(randomblob(20)) from c; commit;
		begin; delete from t; rollback;
		select count(*) from t; pragma integrity_check;"'
	[ "$status" -eq 0 ]
	[ "$output" = "5000
ok" ]
}

# wait_port PORT: until somebody listens there; some thousand tries, then it gives up.
wait_port='wait_port() { for i in $(seq 2000); do (: </dev/tcp/127.0.0.1/$1) 2>/dev/null && return; done; return 1; }'

@test "redis-server under redis-benchmark, and its data after a restart" {
	run inside "$wait_port"'
		cd /root
		redis-server --daemonize yes --dir /root --logfile /root/log >/dev/null; wait_port 6379
		redis-benchmark -q -t set,get,lpush -n 2000 -c 10 | tr "\r" "\n" | grep -c "requests per second"
		redis-cli set key value; redis-cli save; redis-cli shutdown nosave || :
		redis-server --daemonize yes --dir /root --logfile /root/log >/dev/null; wait_port 6379
		until redis-cli get key | grep -v LOADING; do :; done'
	[ "$status" -eq 0 ]
	[ "$output" = "3
OK
OK
value" ]
}

@test "nginx serves files to clients in parallel" {
	run inside "$wait_port"'
		head -c 300000 /dev/urandom >/var/www/html/blob
		nginx; wait_port 80
		for i in $(seq 8); do curl -s http://127.0.0.1/blob | sha256sum & done | sort -u >sums; wait
		[ "$(cat sums)" = "$(sha256sum </var/www/html/blob)" ] && echo same
		curl -s -o /dev/null -w "%{http_code}\n" http://127.0.0.1/none'
	[ "$status" -eq 0 ]
	[ "$output" = "same
404" ]
}

@test "a large tree goes out through standard output as it is" {
	inside 'tar -C /usr -cf - share/perl share/zoneinfo | tee /tmp/t | sha256sum >&2; cat /tmp/t' \
		>out.tar 2>sum
	[ "$(sha256sum <out.tar)" = "$(cat sum)" ]
	tar -tf out.tar | grep -q zoneinfo/UTC
}

@test "ps, top, free, strace and gdb find what they need" {
	run inside '
		ps aux | grep -c "[b]ash"
		top -bn1 | grep -c "load average"
		free -m | grep -c Mem:
		strace -f -e trace=write sh -c "echo traced" 2>&1 | grep -c "write(1, .traced"
		gdb -batch -ex "print 6 * 7"'
	[ "$status" -eq 0 ]
	[[ $output == *$'\n1\n1\n1\n$1 = 42' ]]
}

@test "make -j2 on two CPUs builds everything once" {
	run inside --cpus 2 -m 1g '
		cd /tmp; for i in $(seq 12); do echo "int f$i(void) { return $i; }" >f$i.c; done
		printf "all: \$(patsubst %%.c,%%.o,\$(wildcard *.c))\n" >Makefile
		make -s -j2 && ls *.o | wc -l'
	[ "$status" -eq 0 ]
	[[ $output == *12 ]]
}

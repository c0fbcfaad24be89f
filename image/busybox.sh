#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes the archive of the default image, `busybox`, from Debian's own package busybox-static.
#
#	image/busybox.sh OUT-DIR		writes OUT-DIR/busybox.tar
#	image/busybox.sh OUT-DIR PROGRAM...	and then runs PROGRAM... OUT-DIR/busybox.tar sh, such as
#						`hillock image import busybox`: sh becomes what its
#						containers run when they are not told what to run
#
# No root is needed and nothing outside of OUT-DIR is written. The package comes from the archive
# that the apt at hand is set up for, and apt checks its signature; where that apt has no package
# lists yet, or this user cannot use it, scripts/debian does the same beside it, in OUT-DIR.
# The archive depends on nothing but the package and this script: made twice, it is the same.
set -eu
umask 022
export LC_ALL=C

fail() {
	echo "busybox.sh: $1" >&2
	exit 1
}

[ $# -ge 1 ] || fail "usage: busybox.sh OUT-DIR [PROGRAM...]"
top=$(cd "$(dirname "$0")/.." && pwd)
script=$top/image/busybox.sh
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
archive=$out/busybox.tar
work=$out/busybox.work

# Leaves exactly one busybox-static_*.deb in the current directory.
download() {
	if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
		fail "no apt-get and dpkg-deb here; any archive of a root file tree serves as well:
	hillock image import busybox FILE.tar"
	fi
	if ! apt-get -q -o APT::Get::AllowUnauthenticated=false \
		-o Acquire::AllowInsecureRepositories=false -o APT::Sandbox::User= \
		download busybox-static >apt.log 2>&1
	then
		# shellcheck disable=SC1091
		suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
		HILLOCK_HOME=$out "$top/scripts/debian" "$suite" update
		HILLOCK_HOME=$out "$top/scripts/debian" "$suite" download busybox-static
	fi
	set -- busybox-static_*.deb
	if [ $# != 1 ] || [ ! -f "$1" ]; then
		fail "apt did not leave one package"
	fi
}

# The tree, in the current directory. $1: the unpacked package, $2: its version.
make_tree() {
	mkdir -p bin dev/pts dev/shm etc home mnt opt proc root run sbin srv sys tmp \
		usr/bin usr/lib usr/sbin usr/share/doc/busybox-static var/cache var/lib var/log \
		var/spool var/tmp
	chmod 0700 root
	chmod 1777 tmp var/tmp
	ln -s ../run var/run
	cp "$1/bin/busybox" bin/busybox
	cp "$1/usr/share/doc/busybox-static/copyright" usr/share/doc/busybox-static/
	bin/busybox --list-full | while read -r applet; do
		mkdir -p "$(dirname "$applet")"
		[ -e "$applet" ] || ln bin/busybox "$applet"
	done

	cat >etc/passwd <<-END
		root:x:0:0:root:/root:/bin/sh
		daemon:x:1:1:daemon:/usr/sbin:/bin/false
		bin:x:2:2:bin:/bin:/bin/false
		www-data:x:33:33:www-data:/var/www:/bin/false
		nobody:x:65534:65534:nobody:/nonexistent:/bin/false
	END
	cat >etc/group <<-END
		root:x:0:
		daemon:x:1:
		bin:x:2:
		tty:x:5:
		www-data:x:33:
		users:x:100:
		nogroup:x:65534:
	END
	printf 'root:*:::::::\nnobody:*:::::::\n' >etc/shadow
	chmod 0600 etc/shadow
	printf '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n' >etc/hosts
	echo hillock >etc/hostname
	: >etc/resolv.conf
	printf '/bin/sh\n/bin/ash\n' >etc/shells
	cat >etc/profile <<-'END'
		export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
		export PAGER=less
		PS1='\u@\h:\w\$ '
	END
	cat >etc/os-release <<-END
		NAME="BusyBox"
		ID=busybox
		ID_LIKE=debian
		VERSION_ID="$2"
		PRETTY_NAME="BusyBox (Debian's busybox-static $2), made by Hillock"
	END
}

build() {
	rm -rf "$work"
	mkdir -p "$work/package" "$work/tree"
	trap 'rm -rf "$work"' EXIT
	cd "$work"
	download
	dpkg-deb --extract busybox-static_*.deb package
	version=$(dpkg-deb --field busybox-static_*.deb Version)
	made=$(stat -c %Y package/bin/busybox)
	cd tree
	make_tree "$work/package" "$version"
	tar --create --file "$work/busybox.tar" --format=gnu --sort=name --numeric-owner \
		--owner=0 --group=0 --mtime="@$made" .
	cd "$out"
	mv "$work/busybox.tar" "$archive"
	rm -rf "$work"
	trap - EXIT
}

# A script newer than the archive might put something else into it.
[ -n "$(find "$archive" -newer "$script" 2>/dev/null)" ] || build
[ $# = 0 ] || exec "$@" "$archive" sh

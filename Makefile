# SPDX-License-Identifier: GPL-2.0-or-later
#
# The front for people: meson and scripts/ do the work. `make help` says what there is.

BUILD ?= build
PREFIX ?= /usr/local
prefix ?= $(PREFIX)
DESTDIR ?=

# What is missing is installed first, after asking once (YES=1: without asking).
YES ?=
export YES

.DEFAULT_GOAL := build
.PHONY: build run kernel image test bench install deb clean help need-build need-run need-test need-bench need-deb

build: need-build ## build Hillock; ./hillock runs it
	@scripts/build $(BUILD)

run: need-run ## build all, then run a container that shows what it is
	@scripts/build $(BUILD)
	@kernel/build
	@scripts/default-image ./hillock
	@scripts/demo ./hillock

kernel: need-run ## build the private kernel from Debian's newest source (SOURCE=DIR|TARBALL: from that)
	@kernel/build --update $(if $(SOURCE),--source '$(SOURCE)')
	@kernel/build --name um-smp $(if $(SOURCE),--source '$(SOURCE)')

image: need-run ## make the default image, busybox
	@scripts/build $(BUILD)
	@scripts/default-image ./hillock

test: need-test ## run all tests
	@scripts/test

bench: need-bench ## measure starts, idle memory, system calls and programs beside other runtimes
	@scripts/build $(BUILD)
	@kernel/build
	@scripts/default-image ./hillock
	@bench/peers
	@./hillock bench start
	@./hillock bench idle
	@./hillock bench syscalls
	@scripts/debian-programs ./hillock
	@./hillock bench programs

install: need-build ## install below DESTDIR and PREFIX
	@scripts/build $(BUILD) -Dprefix='$(prefix)'
	@meson install --no-rebuild -C $(BUILD) --quiet $(if $(DESTDIR),--destdir '$(abspath $(DESTDIR))')

deb: need-deb ## make a Debian package, without root
	@scripts/deb

clean: ## remove what was built here; kernels and images stay
	rm -rf build build-* hillock

help: ## say this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

need-build:
	@scripts/need build
need-run:
	@scripts/need build kernel image
need-test:
	@scripts/need build kernel image test
need-deb:
	@scripts/need build kernel deb
need-bench:
	@scripts/need build kernel image bench

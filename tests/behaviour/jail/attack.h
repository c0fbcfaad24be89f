/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program that has taken over a jailed process tries. hostile.c runs these in the jail's
 * place; jail_test.c lays out the bait, starts it in every kind of jail and outside of any, and
 * compares.
 */
#ifndef HILLOCK_TESTS_JAIL_ATTACK_H
#define HILLOCK_TESTS_JAIL_ATTACK_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

/* Descriptors that the hostile program is handed. */
enum {
	BAIT_FD = 3,	/* a memory file with a struct bait */
	FILE_FD,	/* bait.path, opened read-only, as a disk image would be */
	SOCKET_FD,	/* one end of a stream socket pair; the test holds the other */
	PROGRAM_FD,	/* an executable file */
	NAMESPACE_FD,	/* the test's network namespace */
	DIRECTORY_FD,	/* bait.dir */
	HANDED_FDS = DIRECTORY_FD - BAIT_FD + 1,
};

/* What stands on the host, all of it open to everybody as far as permissions go. */
struct bait {
	char dir[128];	      /* a directory */
	char path[192];	      /* a file in it */
	char listener[192];   /* a Unix stream socket in it */
	char program[192];    /* an executable file in it */
	char abstract[64];    /* name of an abstract stream socket, without the NUL in front */
	char datagram[64];    /* name of an abstract datagram socket */
	char queue[64];	      /* POSIX message queue */
	char volume[128];     /* a directory that um-volumes gets, as the attacker sees it */
	char volume_ro[128];  /* another, read-only */
	uint16_t port;	      /* TCP, 127.0.0.1 */
	int pid;	      /* the test itself */
	int victim;	      /* a process in a jail of its own, the same user on the host */
	uint64_t secret;      /* address of 16 bytes in the test */
	int shm, msg, sem;    /* System V, open to all */
	int key;	      /* a key in the test's session keyring */
};

enum where {
	UM = 1,	     /* guard_spawn(GUARD_UM) */
	VOLUMES = 2, /* guard_spawn(GUARD_UM_VOLUMES) */
	MONITOR = 4, /* guard_enter(GUARD_MONITOR) */
	WALLS = 8,   /* the same without a filter: namespaces, capabilities, Landlock alone */
	ALONE = 16,  /* Landlock with nothing beside it */
	LANDLOCK = 32, /* not a place: in VOLUMES and WALLS nothing but Landlock refuses it */
	FILTERS = UM | VOLUMES | MONITOR,
	EVERYWHERE = FILTERS | WALLS,
	LANDLOCKED = EVERYWHERE | ALONE | LANDLOCK,
	DENIED = EVERYWHERE | ALONE,
};

/* The proof that an attempt is a real one: what it does outside of any jail. */
enum control {
	UNKNOWN, /* cannot be told: the host may refuse it to everybody, or it would do harm */
	DIFFERS, /* fails in another way, or works */
	WORKS,
};

struct attack {
	const char *name;
	int (*try)(const struct bait *b); /* 0: it got what it wanted; else -errno */
	enum where refused_in;
	enum control as_root, as_user;
};

/* The result of a system call as an attack's. */
static inline int outcome(long rc)
{
	return rc < 0 ? -errno : 0;
}

extern const struct attack attacks_on_files[], attacks_on_processes[], attacks_on_the_kernel[],
	attacks_over_sockets[], attacks_through_volumes[];

/* What must work in a jail with volumes, lest its refusals mean nothing. */
extern const struct attack rights_in_volumes[];

#endif

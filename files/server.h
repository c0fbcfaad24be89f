/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file server as a process: what it is given, and its loop. Private to hillock-files. */
#ifndef HILLOCK_FILES_SERVER_H
#define HILLOCK_FILES_SERVER_H

#include "files/files.h"
#include "translators/dir.h"

#define SERVER_KEY_CONNECTION 200
#define SERVER_KEY_HANDLES 1024

struct server_options {
	int listen_fd, socket_fd; /* where guests connect, or one that has; -1: none */
	int root_fd;
	int state_fd, keep_fd; /* -1: none; then a death loses everything */
	const char *tag;
	unsigned int queues;
	struct files_options files;
	int owners; /* enum dir_owners, or -1: what is possible */
	int once;   /* ends with the first session */
};

/* Serves until the last session has ended. Returns 0 or -errno. */
int server_run(const struct server_options *options, struct err *err);

#endif

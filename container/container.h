/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Containers: their life from `run` to `rm`, with no daemon.
 *
 * Theory of operation
 * -------------------
 * A container is a directory of the store, `containers/ID/`:
 *
 *	lock		held (flock) while its keeper or monitor lives; the exit code at the end
 *	config.json	what was asked for; never changes
 *	state.json	what became of it; replaced as a whole
 *	control		socket of the monitor: frames of wire/wire.h, see session.c
 *	log.0, log.1	what the workload wrote (log.c)
 *	kernel.0, .1	what its kernel wrote
 *	layer.img	the private writable layer, if it is on disk
 *
 * and `names/NAME`, a symbolic link whose text is the ID: made in one step, so that of two runs
 * with one name exactly one wins.
 *
 * Three processes make one live:
 *   - the client (`hillock run`) opens everything, makes the directory, forks the keeper and then
 *     only passes bytes and signals on; it may go at any time;
 *   - the keeper (keeper.c) is the kernel's parent: it starts the machine, waits for its end,
 *     writes state.json, and cleans up. It is not jailed, and reads no byte that a guest wrote;
 *   - the monitor (monitor.c) is jailed and holds nothing but open descriptors. It speaks with
 *     the guest on one side and with clients on the other, and writes the logs.
 * If the keeper dies, its kernel dies with it (guard_spawn), the monitor sees that and ends, the
 * lock is free, and whoever looks next sees that nobody wrote an end: status `dead`.
 *
 * Locks: a flock on the directory `containers` is held shared while a container is being made
 * (from mkdir to the point where its own lock is held and its name stands), and exclusively
 * while anything is removed from it or from `names`. So who holds it exclusively knows that a
 * container whose own lock is free has no owner.
 */
#ifndef HILLOCK_CONTAINER_CONTAINER_H
#define HILLOCK_CONTAINER_CONTAINER_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "machine/machine.h"
#include "wire/wire.h"

#define CONTAINER_ID_LENGTH 64
#define CONTAINER_ID_SHORT 12
#define CONTAINER_NAME_MAX 128
#define CONTAINER_VOLUMES_MAX GUARD_BINDS_MAX
#define CONTAINER_CPUS_MAX 8

/* As root a container's processes are CONTAINER_UID_BASE plus 28 random bits of its id. */
#define CONTAINER_UID_BASE 0x40000000u
#define CONTAINER_UID_MASK 0x0fffffffu

/* --- the store ------------------------------------------------------------------------------- */

struct container_store {
	int fd, containers_fd, names_fd;
	char *path; /* for messages */
};

/*
 * Opens the store, making it where it is missing: `root` if not NULL, else $HILLOCK_HOME, else
 * $XDG_DATA_HOME/hillock, else $HOME/.local/share/hillock, else /tmp/hillock-UID (which must be
 * ours, and no link).
 */
int container_store_open(struct container_store *store, const char *root, struct err *err);
void container_store_close(struct container_store *store);

/* Opens kernel `name` (a name, or a path), or the default one if NULL; `resolved` gets the name
 * that people know it by. Returns a descriptor. */
int container_kernel_open(const struct container_store *store, const char *name,
			  char resolved[CONTAINER_NAME_MAX], struct err *err);

struct container_kernel {
	char name[CONTAINER_NAME_MAX], version[64];
	uint64_t size;
	int is_default, installed; /* installed: not the store's own, but the program's */
};

/* All of them by name; *list is one block that the caller frees. */
int container_kernel_list(const struct container_store *store, struct container_kernel **list,
			  size_t *count, struct err *err);

/* Finds a file that came with the program, installed or in a build tree: `path` has PATH_MAX
 * bytes. The other one opens it. */
int container_libexec_path(const char *name, char *path, struct err *err);
int container_libexec_open(const char *name, struct err *err);

/* --- what was asked for ---------------------------------------------------------------------- */

enum container_layer { CONTAINER_LAYER_DISK, CONTAINER_LAYER_MEMORY, CONTAINER_LAYERS };

struct container_mount {
	char *kind;   /* "volume" or "tmpfs" */
	char *source; /* volume: host path */
	char *target;
	char *options; /* tmpfs */
	int read_only, is_file;
};

struct container_config {
	char id[CONTAINER_ID_LENGTH + 1];
	char name[CONTAINER_NAME_MAX + 1];
	char *image, *kernel, *machine, *mode, *hostname, *cwd, *user;
	char **argv, **env; /* NULL-terminated */
	int64_t created;    /* CLOCK_REALTIME in ns */
	uint64_t memory;    /* bytes */
	double cpus;        /* share in CPUs; 0: not limited */
	unsigned vcpus;
	uint64_t pids;
	uint64_t layer_size; /* bytes; disk layers */
	enum container_layer layer;
	int terminal, stdin_open, read_only, auto_remove, no_log;
	uid_t host_uid;
	gid_t host_gid;
	struct container_mount *mounts;
	unsigned mount_count;
};

/* Frees what container_load() allocated. */
void container_config_free(struct container_config *config);

/* --- what became of it ----------------------------------------------------------------------- */

enum container_status {
	CONTAINER_CREATED, /* its kernel boots */
	CONTAINER_RUNNING,
	CONTAINER_EXITED,
	CONTAINER_DEAD, /* its keeper was killed: nobody saw the end */
	CONTAINER_STATUSES
};
extern const char *const container_status_names[CONTAINER_STATUSES];

enum container_phase {
	PHASE_CLIENT,  /* hillock's main() began */
	PHASE_KEEPER,  /* the keeper was forked */
	PHASE_JAIL,    /* the cgroup is there, the kernel's jail begins */
	PHASE_KERNEL,  /* the kernel was executed in its jail */
	PHASE_MONITOR, /* the monitor is jailed */
	PHASE_CLOCK,   /* the guest's clock began to run: as HELLO says, in hindsight */
	PHASE_HELLO,   /* the guest's PID 1 said hello */
	PHASE_READY,   /* its root is in place */
	PHASE_STARTED, /* the workload runs */
	PHASE_EXIT,    /* the workload is over */
	PHASE_DOWN,    /* layer and volumes are written back, where that is needed */
	PHASE_KILLED,  /* the kernel is gone */
	PHASE_REMOVED, /* and its cgroup, and with --rm its files */
	CONTAINER_PHASES
};
extern const char *const container_phase_names[CONTAINER_PHASES];

struct container_state {
	enum container_status status;
	pid_t keeper, monitor, machine; /* on the host */
	uint32_t guest_pid;
	int exit_code, signal, out_of_memory;
	int64_t started, finished;         /* CLOCK_REALTIME in ns; 0: not yet */
	uint64_t phases[CONTAINER_PHASES]; /* CLOCK_MONOTONIC in ns; 0: never reached */
	uint64_t log_lost;                 /* bytes that the log could not take */
	int landlock;                      /* ABI version, 0: none */
	char reason[512];                  /* why it ended, if not by itself */
	char unlimited[256];               /* what no cgroup limits, and why */
};

struct container {
	char id[CONTAINER_ID_LENGTH + 1];
	int dir_fd, lock_fd;
	int alive; /* somebody holds the lock */
	struct container_config config;
	struct container_state state;
};

/* A name, an ID or an unambiguous start of an ID. -ENOENT: "No such container: X". */
int container_find(const struct container_store *store, const char *reference,
		   char id[CONTAINER_ID_LENGTH + 1], struct err *err);
/* Reads one; -ENOENT also when it is only half made or on its way out. */
int container_load(const struct container_store *store, const char *id, struct container *c,
		   struct err *err);
/* container_find() and container_load() in one. */
int container_get(const struct container_store *store, const char *reference, struct container *c,
		  struct err *err);
void container_close(struct container *c);

/* All that can be read, newest first; the caller closes each and frees the array. */
int container_list(const struct container_store *store, struct container **list, size_t *count,
		   struct err *err);

/* Removes what dead keepers left behind: half-made containers, --rm ones, names of nobody. */
void container_sweep(const struct container_store *store);

/* --- making one run -------------------------------------------------------------------------- */

/* What the monitor holds, by descriptor. */
enum container_right {
	RIGHT_WIRE = 3,
	RIGHT_KERNEL_LOG,
	RIGHT_CONTROL,
	RIGHT_KEEPER,
	RIGHT_LOG_0,
	RIGHT_LOG_1,
	RIGHT_KERNEL_0,
	RIGHT_KERNEL_1,
	RIGHT_LOCK,
	RIGHT_EPOLL,
	RIGHT_SESSION, /* or a later client's, when nobody was attached at the start */
	CONTAINER_RIGHTS
};
extern const char *const container_right_names[CONTAINER_RIGHTS];

struct container_launch {
	struct container_config *config; /* id, name (if empty), created, host ids are filled in */
	const struct machine_ops *machine;
	int kernel_fd, initrd_fd, root_fd;
	const char *root_type;
	int volume_fds[CONTAINER_VOLUMES_MAX]; /* O_PATH, in the order of config->mounts' volumes */
	int attach;                            /* the caller will be the workload's session */
	uint16_t rows, columns;
	uint64_t client_ns;    /* PHASE_CLIENT */
	unsigned boot_seconds; /* how long the kernel may take; 0: default */
};

/* What the keeper tells the client, as whole datagrams. */
enum container_news_kind { CONTAINER_NEWS_STARTED = 1, CONTAINER_NEWS_OVER };

struct container_news {
	uint32_t kind;
	int32_t exit_code;
	uint32_t failed; /* it did not end by itself: `err` says why */
	struct err err;
	uint64_t phases[CONTAINER_PHASES];
};

struct container_client {
	int session_fd; /* wire frames of the workload, -1 if not attached; the caller's */
	int news_fd; /* struct container_news; end of file: the keeper was killed; the caller's */
};

/*
 * Makes the container and forks its keeper; returns as soon as that is done. All descriptors in
 * `launch` stay the caller's. Signals should be blocked by the caller if it wants to pass them on.
 */
int container_launch(const struct container_store *store, const struct container_launch *launch,
		     struct container_client *client, struct err *err);

/* Waits for the next news. -ECONNRESET: the keeper is gone without a word. */
int container_news_read(int news_fd, struct container_news *news, struct err *err);

/* --- talking to one that runs ---------------------------------------------------------------- */

/* Connects to the monitor. -ESRCH: it is not running. */
int container_connect(const struct container *c, struct err *err);

int container_session_start(int fd, const struct wire_start *start, char *const argv[],
			    char *const envp[], struct err *err);
int container_session_attach(int fd, struct err *err);
/* Sends a signal to the workload. */
int container_signal(const struct container *c, int signal, struct err *err);

struct container_session {
	int fd;        /* frames to and from the monitor */
	int news_fd;   /* of the keeper, or -1: an exec */
	int stdin_fd;  /* to be passed on, or -1 */
	int terminal;  /* there is a pty on the other side: raw mode, window size, detach keys */
	int sig_proxy; /* pass signals on */
	int attached;  /* the workload runs already: wait for the monitor's grant of stdin */
	int detach;    /* leave as soon as the process has started */
	const sigset_t *signals; /* what the caller has blocked, to be read here; or NULL */
};

enum container_session_end {
	SESSION_EXITED,   /* exit_code is the workload's */
	SESSION_FAILED,   /* err says why; exit_code fits it */
	SESSION_DETACHED, /* by the detach keys, or as asked */
	SESSION_PIPE,     /* nobody reads our output any more */
};

struct container_session_result {
	enum container_session_end end;
	int exit_code;
	uint64_t phases[CONTAINER_PHASES];
};

/* Passes everything on until the end. Leaves the terminal as it was. */
void container_session_run(const struct container_session *session,
			   struct container_session_result *result, struct err *err);

/* Size of the terminal behind `fd`; 0, 0 if there is none. */
void container_terminal_size(int fd, uint16_t *rows, uint16_t *columns);

/* --- the end --------------------------------------------------------------------------------- */

/* Waits until it is over (at once if it is). *exit_code as docker's wait prints it. */
int container_wait(struct container *c, int *exit_code, struct err *err);
/* SIGTERM, after `seconds` SIGKILL, after that the whole machine; waits for the end. */
int container_stop(struct container *c, unsigned seconds, struct err *err);
/* Removes a stopped one; with `force` it is killed first. */
int container_remove(const struct container_store *store, struct container *c, int force,
		     struct err *err);

/* Removes one that container_load() cannot read (-EBADMSG) and that does not run. */
int container_remove_damaged(const struct container_store *store, const char *reference,
			     struct err *err);

/* --- logs ------------------------------------------------------------------------------------ */

enum container_log_stream { LOG_STDOUT = 1, LOG_STDERR = 2, LOG_KERNEL = 3, LOG_LOST = 4 };

struct container_log_record {
	enum container_log_stream stream;
	int64_t time; /* CLOCK_REALTIME in ns */
	const uint8_t *data;
	size_t size;
};

struct container_log_reader;

/* `kernel`: the kernel's log instead of the workload's. */
struct container_log_reader *container_log_open(const struct container *c, int kernel,
						struct err *err);
/* 1: *record is the next one (valid until the next call); 0: no more for now; -errno. */
int container_log_next(struct container_log_reader *reader, struct container_log_record *record,
		       struct err *err);
/* Starts again with the oldest record. */
void container_log_rewind(struct container_log_reader *reader);
/* Waits until there is more; 0: the container is over and all was read. */
int container_log_wait(struct container_log_reader *reader, struct container *c, struct err *err);
void container_log_close(struct container_log_reader *reader);

#endif

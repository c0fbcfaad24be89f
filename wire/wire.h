/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wire: what the monitor and the guest's PID 1 say to each other.
 *
 * Theory of operation
 * -------------------
 * One reliable, ordered byte stream carries frames in both directions. It can be anything: the
 * um machine's port device, a virtio-serial port, a socket. The same frames run between a
 * `hillock` client and the monitor over the container's control socket, so that the monitor only
 * renumbers and passes them on.
 *
 * A frame is a header of 8 bytes, little-endian, and `length` bytes of payload:
 *
 *	0  u8   type      enum wire_type
 *	1  u8   channel   WIRE_STDIN, WIRE_STDOUT, WIRE_STDERR; 0 where it means nothing
 *	2  u16  proc      whose frame it is; 0: the guest as a whole, 1: the workload, others: exec
 *	4  u32  length    at most WIRE_PAYLOAD_MAX
 *
 * Payloads are built from fixed-size little-endian integers and counted byte strings (u32 length,
 * then the bytes, no NUL inside or at the end). A list is a u32 count and its items.
 *
 * Flow control: each data channel of each proc has a window. A sender may have at most
 * WIRE_WINDOW bytes under way; the receiver grants more with WIRE_CREDIT after it has passed
 * bytes on. Control frames need no credit. So a reader that stops holds up its own channel and
 * nothing else, and neither side ever has to buffer more than a window a channel. A host always
 * reads the wire; a guest may leave frames unread while the wire does not take its own. EXIT or
 * FAILED is the last frame of a proc in either direction: what crosses it on the way is ignored,
 * and the number may be used again once no more is sent for the old one. A terminal has no
 * WIRE_STDERR, so no WIRE_EOF there.
 *
 * Both sides treat the other as hostile: a frame that breaks these rules ends the session
 * (-EPROTO), and nothing else happens. Everything here is a pure function over buffers.
 */
#ifndef HILLOCK_WIRE_WIRE_H
#define HILLOCK_WIRE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION	 1
#define WIRE_HEADER_SIZE 8
#define WIRE_PAYLOAD_MAX (64 * 1024)
#define WIRE_WINDOW	 (64 * 1024)
#define WIRE_DATA_MAX	 (16 * 1024) /* most bytes that one WIRE_DATA carries */
#define WIRE_PROCS_MAX	 64	     /* processes that a guest runs for its host at once */

enum wire_channel { WIRE_STDIN, WIRE_STDOUT, WIRE_STDERR };

enum wire_type {
	/* guest to host */
	WIRE_HELLO = 1, /* u32 version, u64 CLOCK_MONOTONIC in ns; the first frame of a guest */
	WIRE_READY,	/* u64 ns; SETUP is done, the root is in place */
	WIRE_STARTED,	/* proc: u32 pid within the guest, u64 ns */
	WIRE_FAILED,	/* proc: u32 exit code (125, 126, 127), string reason; proc 0: SETUP failed */
	WIRE_EXIT,	/* proc: u32 code 0..255 (128+n: killed by signal n), u32 signal or 0, u64 ns;
			   comes after all of the proc's output */
	WIRE_DOWN,	/* answer to SHUTDOWN: everything is on disk, the machine may be cut off */

	/* host to guest */
	WIRE_SETUP = 32, /* struct wire_setup */
	WIRE_START,	 /* proc: struct wire_start */
	WIRE_SIGNAL,	 /* proc: u32 signal number */
	WIRE_WINSIZE,	 /* proc: u16 rows, u16 columns */
	WIRE_SHUTDOWN,	 /* kill what runs, sync, answer DOWN, power off */

	/* a client to the monitor, never to a guest */
	WIRE_ATTACH = 48, /* proc 1, no payload: pass the workload's streams to this client */

	/* both ways */
	WIRE_DATA = 64, /* proc, channel: bytes, 1 to WIRE_DATA_MAX */
	WIRE_EOF,	/* proc, channel: no more bytes will come */
	WIRE_CREDIT,	/* proc, channel: u32, bytes by which the window grows */
};

struct wire_header {
	uint8_t type, channel;
	uint16_t proc;
	uint32_t length;
};

/* A counted string; `data` points into the frame it was read from, or at the caller's bytes. */
struct wire_string {
	const char *data;
	uint32_t length;
};

/* A file system that the guest mounts below its root. */
struct wire_mount {
	struct wire_string kind;    /* "tmpfs" or "volume" */
	struct wire_string target;  /* absolute path in the container */
	struct wire_string source;  /* volume: what the machine calls it (um: a host path) */
	struct wire_string options; /* tmpfs: mount options as docker's --tmpfs takes them */
	uint8_t read_only;
	uint8_t is_file; /* volume: the source is one file, mounted over a file */
};

#define WIRE_MOUNTS_MAX 64

/* WIRE_SETUP */
struct wire_setup {
	struct wire_string hostname;
	struct wire_string root_device;	 /* read-only root image: "/dev/ubda" */
	struct wire_string root_type;	 /* "ext4" or "erofs" */
	struct wire_string layer_device; /* the writable layer's disk (ext4), or empty: memory */
	uint8_t read_only;		 /* no writable layer at all */
	uint8_t sync;			 /* layer or volumes outlive the machine: sync before DOWN */
	uint8_t init_only;		 /* for tests and rescue: no root device, stay in initramfs */
	uint32_t mount_count;
	struct wire_mount mounts[WIRE_MOUNTS_MAX];
};

#define WIRE_STRINGS_MAX 4096

/* WIRE_START. `argv` and `envp` point at the packed items (count of them, each a counted
 * string); walk them with wire_list_next(). */
struct wire_list {
	const uint8_t *data;
	uint32_t size, count;
};

struct wire_start {
	struct wire_list argv;	  /* at least one item */
	struct wire_list envp;	  /* "K=V" */
	struct wire_string cwd;	  /* empty: "/"; made if missing, as docker does */
	struct wire_string user;  /* USER[:GROUP], names or numbers; empty: 0:0 */
	uint8_t terminal;	  /* a pty; all output comes on WIRE_STDOUT */
	uint8_t stdin_open;	  /* 0: standard input is /dev/null */
	uint16_t rows, columns;	  /* of the terminal; 0: unknown */
};

/* --- frames ------------------------------------------------------------------------------ */

void wire_header_put(uint8_t out[WIRE_HEADER_SIZE], const struct wire_header *h);

/*
 * Reads the frame at the start of `buf`. Returns its whole size (header and payload) when all of
 * it is there, 0 when more bytes are needed, -EPROTO when it can never become a valid frame.
 */
long wire_frame_get(const uint8_t *buf, size_t size, struct wire_header *h,
		    const uint8_t **payload);

/* --- writing a payload: into a fixed buffer, failing by a flag, checked once at the end ---- */

struct wire_out {
	uint8_t *data;
	size_t room, used;
	int overflow;
};

void wire_put_u8(struct wire_out *out, uint8_t v);
void wire_put_u16(struct wire_out *out, uint16_t v);
void wire_put_u32(struct wire_out *out, uint32_t v);
void wire_put_u64(struct wire_out *out, uint64_t v);
void wire_put_string(struct wire_out *out, const char *data, size_t length);

/*
 * Begins a frame in `out` (which may already hold others); wire_end() fills in its length.
 * wire_end() returns 0, or -EMSGSIZE when it did not fit or is over WIRE_PAYLOAD_MAX; the frame
 * is then taken back.
 */
size_t wire_begin(struct wire_out *out, enum wire_type type, uint16_t proc, uint8_t channel);
int wire_end(struct wire_out *out, size_t begun);

void wire_put_setup(struct wire_out *out, const struct wire_setup *setup);
/* argv and envp are NULL-terminated here; `s->argv` and `s->envp` are ignored. */
void wire_put_start(struct wire_out *out, const struct wire_start *s, char *const argv[],
		    char *const envp[]);

/* --- reading a payload: -EPROTO by a flag, checked once at the end -------------------------- */

struct wire_in {
	const uint8_t *data;
	size_t size, at;
	int bad;
};

uint8_t wire_get_u8(struct wire_in *in);
uint16_t wire_get_u16(struct wire_in *in);
uint32_t wire_get_u32(struct wire_in *in);
uint64_t wire_get_u64(struct wire_in *in);
struct wire_string wire_get_string(struct wire_in *in); /* refuses a NUL inside */

/* 0 when everything was there and nothing is left over, else -EPROTO. */
int wire_get_end(const struct wire_in *in);

/* Both check the whole payload (counts, lists, that argv is not empty, paths absolute). */
int wire_get_setup(const uint8_t *payload, size_t size, struct wire_setup *setup);
int wire_get_start(const uint8_t *payload, size_t size, struct wire_start *start);

/* The next item of a checked list; 0 when there are no more. Start with *at = 0. */
int wire_list_next(const struct wire_list *list, size_t *at, struct wire_string *item);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The wire's encoder and decoder.
 *
 * Theory of operation
 * -------------------
 * One table says for every type which proc and channel numbers and which payload lengths can be
 * right, so a header that can lead nowhere is refused before a byte of its payload has arrived.
 * Writers and readers carry a sticky flag instead of returning an error at each step; a reader
 * that ran off its payload yields zeros and empty strings from then on. A payload has exactly one
 * encoding: flags are 0 or 1, and nothing may be left over.
 */
#include "wire/wire.h"

#include <errno.h>
#include <string.h>

enum proc_rule { PROC_NONE, PROC_SOME, PROC_ANY };

struct type_rule {
	enum proc_rule proc;
	uint8_t channels; /* how many channel numbers are right, from 0 */
	uint32_t min, max;
};

#define PLAIN 1
#define STREAM (WIRE_STDERR + 1)

/* Smallest: every string empty, every list without items; START has at least one argument. */
#define SETUP_MIN (4 * 4 + 3 + 4)
#define START_MIN (4 + 4 + 4 + 4 + 4 + 2 + 4)

static const struct type_rule *rule_of(uint8_t type)
{
	static const struct type_rule from_guest[] = {
		[WIRE_HELLO] = { PROC_NONE, PLAIN, 12, 12 },
		[WIRE_READY] = { PROC_NONE, PLAIN, 8, 8 },
		[WIRE_STARTED] = { PROC_SOME, PLAIN, 12, 12 },
		[WIRE_FAILED] = { PROC_ANY, PLAIN, 8, WIRE_PAYLOAD_MAX },
		[WIRE_EXIT] = { PROC_SOME, PLAIN, 16, 16 },
		[WIRE_DOWN] = { PROC_NONE, PLAIN, 0, 0 },
	};
	static const struct type_rule from_host[] = {
		[WIRE_SETUP - WIRE_SETUP] = { PROC_NONE, PLAIN, SETUP_MIN, WIRE_PAYLOAD_MAX },
		[WIRE_START - WIRE_SETUP] = { PROC_SOME, PLAIN, START_MIN, WIRE_PAYLOAD_MAX },
		[WIRE_SIGNAL - WIRE_SETUP] = { PROC_SOME, PLAIN, 4, 4 },
		[WIRE_WINSIZE - WIRE_SETUP] = { PROC_SOME, PLAIN, 4, 4 },
		[WIRE_SHUTDOWN - WIRE_SETUP] = { PROC_NONE, PLAIN, 0, 0 },
	};
	static const struct type_rule both[] = {
		[WIRE_DATA - WIRE_DATA] = { PROC_SOME, STREAM, 1, WIRE_DATA_MAX },
		[WIRE_EOF - WIRE_DATA] = { PROC_SOME, STREAM, 0, 0 },
		[WIRE_CREDIT - WIRE_DATA] = { PROC_SOME, STREAM, 4, 4 },
	};

	static const struct type_rule attach = { PROC_SOME, PLAIN, 0, 0 };

	if (type >= WIRE_HELLO && type <= WIRE_DOWN)
		return &from_guest[type];
	if (type >= WIRE_SETUP && type <= WIRE_SHUTDOWN)
		return &from_host[type - WIRE_SETUP];
	if (type == WIRE_ATTACH)
		return &attach;
	if (type >= WIRE_DATA && type <= WIRE_CREDIT)
		return &both[type - WIRE_DATA];
	return NULL;
}

static void store(uint8_t *out, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		out[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t load(const uint8_t *in, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)in[i] << (8 * i);
	return v;
}

/* --- frames ------------------------------------------------------------------------------ */

void wire_header_put(uint8_t out[WIRE_HEADER_SIZE], const struct wire_header *h)
{
	out[0] = h->type;
	out[1] = h->channel;
	store(out + 2, h->proc, 2);
	store(out + 4, h->length, 4);
}

long wire_frame_get(const uint8_t *buf, size_t size, struct wire_header *h, const uint8_t **payload)
{
	const struct type_rule *rule;

	if (size < WIRE_HEADER_SIZE)
		return 0;
	h->type = buf[0];
	h->channel = buf[1];
	h->proc = (uint16_t)load(buf + 2, 2);
	h->length = (uint32_t)load(buf + 4, 4);
	rule = rule_of(h->type);
	if (!rule || h->channel >= rule->channels || h->length < rule->min ||
	    h->length > rule->max || (rule->proc == PROC_NONE && h->proc != 0) ||
	    (rule->proc == PROC_SOME && h->proc == 0))
		return -EPROTO;
	if (size - WIRE_HEADER_SIZE < h->length)
		return 0;
	*payload = buf + WIRE_HEADER_SIZE;
	return (long)WIRE_HEADER_SIZE + (long)h->length;
}

/* --- writing ----------------------------------------------------------------------------- */

static uint8_t *reserve(struct wire_out *out, size_t size)
{
	uint8_t *at;

	if (out->overflow || size > out->room - out->used) {
		out->overflow = 1;
		return NULL;
	}
	at = out->data + out->used;
	out->used += size;
	return at;
}

static void put(struct wire_out *out, uint64_t v, unsigned bytes)
{
	uint8_t *at = reserve(out, bytes);

	if (at)
		store(at, v, bytes);
}

void wire_put_u8(struct wire_out *out, uint8_t v)
{
	put(out, v, 1);
}

void wire_put_u16(struct wire_out *out, uint16_t v)
{
	put(out, v, 2);
}

void wire_put_u32(struct wire_out *out, uint32_t v)
{
	put(out, v, 4);
}

void wire_put_u64(struct wire_out *out, uint64_t v)
{
	put(out, v, 8);
}

void wire_put_string(struct wire_out *out, const char *data, size_t length)
{
	uint8_t *at;

	if (length > WIRE_PAYLOAD_MAX) {
		out->overflow = 1;
		return;
	}
	put(out, length, 4);
	at = reserve(out, length);
	if (at && length)
		memcpy(at, data, length);
}

size_t wire_begin(struct wire_out *out, enum wire_type type, uint16_t proc, uint8_t channel)
{
	struct wire_header h = { .type = (uint8_t)type, .channel = channel, .proc = proc };
	size_t begun = out->used;
	uint8_t *at = reserve(out, WIRE_HEADER_SIZE);

	if (at)
		wire_header_put(at, &h);
	return begun;
}

int wire_end(struct wire_out *out, size_t begun)
{
	size_t length = out->used - begun;

	if (out->overflow || length < WIRE_HEADER_SIZE ||
	    length - WIRE_HEADER_SIZE > WIRE_PAYLOAD_MAX) {
		out->used = begun;
		out->overflow = 0;
		return -EMSGSIZE;
	}
	store(out->data + begun + 4, length - WIRE_HEADER_SIZE, 4);
	return 0;
}

static void put_view(struct wire_out *out, const struct wire_string *s)
{
	wire_put_string(out, s->data, s->length);
}

void wire_put_setup(struct wire_out *out, const struct wire_setup *setup)
{
	put_view(out, &setup->hostname);
	put_view(out, &setup->root_device);
	put_view(out, &setup->root_type);
	put_view(out, &setup->layer_device);
	wire_put_u8(out, setup->read_only);
	wire_put_u8(out, setup->sync);
	wire_put_u8(out, setup->init_only);
	if (setup->mount_count > WIRE_MOUNTS_MAX) {
		out->overflow = 1;
		return;
	}
	wire_put_u32(out, setup->mount_count);
	for (uint32_t i = 0; i < setup->mount_count; i++) {
		const struct wire_mount *m = &setup->mounts[i];

		put_view(out, &m->kind);
		put_view(out, &m->target);
		put_view(out, &m->source);
		put_view(out, &m->options);
		wire_put_u8(out, m->read_only);
		wire_put_u8(out, m->is_file);
	}
}

static void put_array(struct wire_out *out, char *const items[])
{
	uint32_t count = 0;

	while (count <= WIRE_STRINGS_MAX && items[count])
		count++;
	if (count > WIRE_STRINGS_MAX) {
		out->overflow = 1;
		return;
	}
	wire_put_u32(out, count);
	for (uint32_t i = 0; i < count; i++)
		wire_put_string(out, items[i], strlen(items[i]));
}

void wire_put_start(struct wire_out *out, const struct wire_start *s, char *const argv[],
		    char *const envp[])
{
	put_array(out, argv);
	put_array(out, envp);
	put_view(out, &s->cwd);
	put_view(out, &s->user);
	wire_put_u8(out, s->terminal);
	wire_put_u8(out, s->stdin_open);
	wire_put_u16(out, s->rows);
	wire_put_u16(out, s->columns);
}

/* --- reading ----------------------------------------------------------------------------- */

static const uint8_t *take(struct wire_in *in, size_t size)
{
	const uint8_t *at = in->data + in->at;

	if (in->bad || size > in->size - in->at) {
		in->bad = 1;
		return NULL;
	}
	in->at += size;
	return at;
}

static uint64_t get(struct wire_in *in, unsigned bytes)
{
	const uint8_t *at = take(in, bytes);

	return at ? load(at, bytes) : 0;
}

uint8_t wire_get_u8(struct wire_in *in)
{
	return (uint8_t)get(in, 1);
}

uint16_t wire_get_u16(struct wire_in *in)
{
	return (uint16_t)get(in, 2);
}

uint32_t wire_get_u32(struct wire_in *in)
{
	return (uint32_t)get(in, 4);
}

uint64_t wire_get_u64(struct wire_in *in)
{
	return get(in, 8);
}

struct wire_string wire_get_string(struct wire_in *in)
{
	uint32_t length = wire_get_u32(in);
	const uint8_t *at = take(in, length);

	if (at && memchr(at, '\0', length))
		in->bad = 1;
	if (in->bad)
		return (struct wire_string){ "", 0 };
	return (struct wire_string){ (const char *)at, length };
}

int wire_get_end(const struct wire_in *in)
{
	return in->bad || in->at != in->size ? -EPROTO : 0;
}

static uint8_t get_flag(struct wire_in *in)
{
	uint8_t v = wire_get_u8(in);

	if (v > 1)
		in->bad = 1;
	return v;
}

/* An absolute path. */
static struct wire_string get_path(struct wire_in *in)
{
	struct wire_string s = wire_get_string(in);

	if (s.length == 0 || s.data[0] != '/')
		in->bad = 1;
	return s;
}

/* An absolute path, or nothing. */
static struct wire_string get_path_or_none(struct wire_in *in)
{
	struct wire_string s = wire_get_string(in);

	if (s.length > 0 && s.data[0] != '/')
		in->bad = 1;
	return s;
}

int wire_get_setup(const uint8_t *payload, size_t size, struct wire_setup *setup)
{
	struct wire_in in = { .data = payload, .size = size };

	setup->hostname = wire_get_string(&in);
	setup->root_device = get_path_or_none(&in);
	setup->root_type = wire_get_string(&in);
	setup->layer_device = get_path_or_none(&in);
	setup->read_only = get_flag(&in);
	setup->sync = get_flag(&in);
	setup->init_only = get_flag(&in);
	setup->mount_count = wire_get_u32(&in);
	if (setup->mount_count > WIRE_MOUNTS_MAX)
		return -EPROTO;
	if (!setup->init_only && setup->root_device.length == 0)
		return -EPROTO;
	for (uint32_t i = 0; i < setup->mount_count; i++) {
		struct wire_mount *m = &setup->mounts[i];

		m->kind = wire_get_string(&in);
		m->target = get_path(&in);
		m->source = wire_get_string(&in);
		m->options = wire_get_string(&in);
		m->read_only = get_flag(&in);
		m->is_file = get_flag(&in);
	}
	return wire_get_end(&in);
}

static struct wire_list get_list(struct wire_in *in)
{
	struct wire_list list = { .count = wire_get_u32(in) };
	size_t begun = in->at;

	list.data = in->data + begun;
	if (list.count > WIRE_STRINGS_MAX)
		in->bad = 1;
	for (uint32_t i = 0; i < list.count && !in->bad; i++)
		wire_get_string(in);
	list.size = (uint32_t)(in->at - begun);
	return list;
}

int wire_get_start(const uint8_t *payload, size_t size, struct wire_start *start)
{
	struct wire_in in = { .data = payload, .size = size };

	start->argv = get_list(&in);
	start->envp = get_list(&in);
	start->cwd = get_path_or_none(&in);
	start->user = wire_get_string(&in);
	start->terminal = get_flag(&in);
	start->stdin_open = get_flag(&in);
	start->rows = wire_get_u16(&in);
	start->columns = wire_get_u16(&in);
	if (start->argv.count == 0)
		return -EPROTO;
	return wire_get_end(&in);
}

int wire_list_next(const struct wire_list *list, size_t *at, struct wire_string *item)
{
	struct wire_in in = { .data = list->data, .size = list->size, .at = *at };

	if (*at >= list->size)
		return 0;
	*item = wire_get_string(&in);
	*at = in.at;
	return !in.bad;
}

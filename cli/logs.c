// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hillock logs: what a container's command wrote, or its kernel.
 *
 * Theory of operation
 * -------------------
 * The log keeps pieces of output as they came, byte for byte. Without options they go out as they
 * are: standard output to ours, standard error to ours. --tail counts lines, so it reads the log
 * once to count them and once more to print. --timestamps puts the time of a line's first piece
 * in front of it.
 */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"

static struct {
	int follow, timestamps, kernel, json;
	const char *tail, *since;
} opt;

static const struct cli_option options[] = {
	{ 'f', "follow", CLI_FLAG, &opt.follow, NULL, "Go on until the container ends" },
	{ 0, "json", CLI_FLAG, &opt.json, NULL, "Print one JSON object for each piece" },
	{ 'k', "kernel", CLI_FLAG, &opt.kernel, NULL, "The log of its kernel" },
	{ 0, "since", CLI_VALUE, &opt.since, "TIME", "From then on: 10m, or 2026-01-31T12:00:00" },
	{ 'n', "tail", CLI_VALUE, &opt.tail, "N", "Only the last N lines" },
	{ 't', "timestamps", CLI_FLAG, &opt.timestamps, NULL, "Show when each line was written" },
	{ 0 },
};

struct output {
	uint64_t skip;  /* lines */
	int in_line[4]; /* by stream: its last byte was no newline */
	int64_t since;
};

/* --- --since --------------------------------------------------------------------------------- */

/* "1h30m": 0 if it is no such thing. */
static int64_t parse_ago(const char *text)
{
	int64_t seconds = 0;

	while (*text) {
		char *end;
		long n = isdigit((unsigned char)*text) ? strtol(text, &end, 10) : -1;

		if (n < 0 || n > 100000000)
			return 0;
		switch (*end) {
		case 's':
			break;
		case 'm':
			n *= 60;
			break;
		case 'h':
			n *= 3600;
			break;
		default:
			return 0;
		}
		seconds += n;
		text = end + 1;
	}
	return seconds;
}

static int parse_since(const char *text, int64_t *since, struct err *err)
{
	static const char *const formats[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d" };
	int64_t ago = parse_ago(text);
	char *end;

	if (ago > 0) {
		*since = ((int64_t)time(NULL) - ago) * 1000000000;
		return 0;
	}
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = { .tm_isdst = -1 };

		end = strptime(text, formats[i], &tm);
		if (!end)
			continue;
		if (*end == '.') /* parts of a second do not matter here */
			end += 1 + strspn(end + 1, "0123456789");
		if (*end && strcmp(end, "Z") != 0)
			continue;
		*since = (int64_t)(*end ? timegm(&tm) : mktime(&tm)) * 1000000000;
		return 0;
	}
	errno = 0;
	*since = strtoll(text, &end, 10);
	if (end != text && !*end && !errno && *since >= 0 && *since < INT64_MAX / 1000000000) {
		*since *= 1000000000;
		return 0;
	}
	return err_set(err, EINVAL,
		       "invalid --since '%s': write 10m, 2026-01-31T12:00:00, or "
		       "seconds since 1970",
		       text);
}

/* --- printing -------------------------------------------------------------------------------- */

static uint64_t count_lines(const struct container_log_record *r)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < r->size; i++)
		lines += r->data[i] == '\n';
	return lines;
}

/* Drops the lines that --tail leaves out. */
static void skip_lines(struct output *o, struct container_log_record *r)
{
	while (o->skip > 0 && r->size > 0) {
		const uint8_t *end = memchr(r->data, '\n', r->size);
		size_t n = end ? (size_t)(end - r->data) + 1 : r->size;

		o->skip -= end != NULL;
		r->data += n;
		r->size -= n;
	}
}

static void print_json(const struct container_log_record *r)
{
	static const char *const streams[] = { "", "stdout", "stderr", "kernel", "lost" };
	static const char digits[] = "0123456789abcdef";
	struct json_object *o = json_object_new_object();
	const char *data = (const char *)r->data;
	char when[64];

	cli_time(r->time, when, sizeof(when));
	json_object_object_add(o, "time", json_object_new_string(when));
	json_object_object_add(o, "stream", json_object_new_string(streams[r->stream]));
	if (utf8_valid(data, r->size)) {
		json_object_object_add(o, "log", json_object_new_string_len(data, (int)r->size));
	} else {
		char *hex = calloc(r->size * 2 + 1, 1);

		for (size_t i = 0; hex && i < r->size; i++) {
			hex[2 * i] = digits[r->data[i] >> 4];
			hex[2 * i + 1] = digits[r->data[i] & 15];
		}
		json_object_object_add(o, "hex", json_object_new_string(hex ? hex : ""));
		free(hex);
	}
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static void print_lines(struct output *o, const struct container_log_record *r, FILE *out)
{
	const uint8_t *at = r->data, *end = r->data + r->size;
	char when[64];

	cli_time(r->time, when, sizeof(when));
	while (at < end) {
		const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((newline ? newline + 1 : end) - at);

		if (!o->in_line[r->stream])
			fprintf(out, "%s ", when);
		fwrite(at, 1, n, out);
		o->in_line[r->stream] = !newline;
		at += n;
	}
}

static void print_record(struct output *o, struct container_log_record *r)
{
	FILE *out = r->stream == LOG_STDERR ? stderr : stdout;

	if (r->time < o->since)
		return;
	if (opt.json) {
		print_json(r);
		return;
	}
	if (r->stream == LOG_LOST) {
		cli_warn("%.*s bytes could not be kept here, for lack of room on the disk",
			 (int)r->size, (const char *)r->data);
		return;
	}
	skip_lines(o, r);
	if (opt.timestamps)
		print_lines(o, r, out);
	else
		fwrite(r->data, 1, r->size, out);
}

/* --- reading --------------------------------------------------------------------------------- */

static int count_all(struct container_log_reader *reader, uint64_t *lines, struct err *err)
{
	struct container_log_record r;
	int rc, open_end = 0;

	*lines = 0;
	while ((rc = container_log_next(reader, &r, err)) > 0) {
		if (r.stream == LOG_LOST || r.size == 0)
			continue;
		*lines += count_lines(&r);
		open_end = r.data[r.size - 1] != '\n';
	}
	*lines += (uint64_t)open_end;
	container_log_rewind(reader);
	return rc;
}

static int print_all(struct container *c, struct container_log_reader *reader, struct output *o,
		     struct err *err)
{
	struct container_log_record r;
	int rc;

	do {
		while ((rc = container_log_next(reader, &r, err)) > 0)
			print_record(o, &r);
		if (rc < 0 || !opt.follow)
			return rc;
		fflush(stdout);
		fflush(stderr);
		if (ferror(stdout))
			return 0;
		rc = container_log_wait(reader, c, err);
	} while (rc > 0);
	return rc;
}

static int print_log(struct container *c, struct err *err)
{
	struct container_log_reader *reader;
	struct output o = { 0 };
	uint64_t tail = 0, lines = 0;
	int rc = 0, all = !opt.tail || !strcmp(opt.tail, "all") || !strcmp(opt.tail, "-1");

	if (opt.since)
		rc = parse_since(opt.since, &o.since, err);
	if (rc == 0 && !all)
		rc = cli_number(opt.tail, "--tail", 0, UINT32_MAX, &tail, err);
	if (rc < 0)
		return rc;
	reader = container_log_open(c, opt.kernel, err);
	if (!reader)
		return -err->code;
	if (!all)
		rc = count_all(reader, &lines, err);
	if (!all && lines > tail)
		o.skip = lines - tail;
	if (rc == 0)
		rc = print_all(c, reader, &o, err);
	container_log_close(reader);
	return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct container_store store;
	struct err err = ERR_INIT;
	struct container c;

	if (cli_container(cli, argv[0], &store, &c) < 0)
		return EXIT_ERROR;
	if (print_log(&c, &err) < 0) {
		cli_error(&err);
		return EXIT_ERROR;
	}
	container_close(&c);
	container_store_close(&store);
	return cli_flush();
}

const struct cli_verb cli_logs = {
	.name = "logs",
	.usage = "[OPTIONS] CONTAINER",
	.summary = "Print what a container's command wrote, or its kernel",
	.example = "  hillock logs -f --tail 10 web\n  hillock logs --kernel web",
	.options = options,
	.least = 1,
	.most = 1,
	.run = run,
};

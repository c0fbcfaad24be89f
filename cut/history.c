// SPDX-License-Identifier: GPL-2.0-or-later
/* Theory of operation: history.h. */
#include "cut/history.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUSY_MS = 10000, VERSION = 1 };

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS cuts (id INTEGER PRIMARY KEY, key TEXT, name TEXT, image TEXT,"
	" check_command TEXT, machine TEXT, base TEXT, source TEXT, goal TEXT, state TEXT,"
	" message TEXT, best TEXT, started INTEGER, finished INTEGER);"
	"CREATE TABLE IF NOT EXISTS probes (cut INTEGER REFERENCES cuts, number INTEGER,"
	" digest TEXT, config TEXT, why TEXT, verdict INTEGER, cause TEXT, options INTEGER,"
	" text INTEGER, data INTEGER, bss INTEGER, file_size INTEGER, build_ms INTEGER,"
	" boot_us INTEGER, check_ms INTEGER, memory_kb INTEGER, PRIMARY KEY (cut, digest));"
	"CREATE TABLE IF NOT EXISTS evidence (cut INTEGER REFERENCES cuts, kind INTEGER,"
	" option TEXT, reason TEXT, source TEXT, denial TEXT,"
	" PRIMARY KEY (cut, kind, option, reason));"
	"PRAGMA user_version = 1;";

static int fail(struct history *h, struct err *err, const char *what)
{
	int code = sqlite3_extended_errcode(h->db), number = EIO;

	if ((code & 0xff) == SQLITE_FULL)
		number = ENOSPC;
	else if ((code & 0xff) == SQLITE_BUSY)
		number = EBUSY;
	else if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
		number = EBADMSG;
	err_set(err, number, "the history of cuts: %s: %s", what, sqlite3_errmsg(h->db));
	if (number == EBADMSG)
		err_hint(err, "move the file away: kernels are not in it, and a new one is made");
	return -number;
}

int history_open(struct history *h, const char *path, struct err *err)
{
	int rc = sqlite3_open_v2(path, &h->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	sqlite3_stmt *s = NULL;
	int version = 0;

	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(h->db, BUSY_MS);
		rc = sqlite3_prepare_v2(h->db, "PRAGMA user_version", -1, &s, NULL);
	}
	if (rc == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		version = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	if (rc == SQLITE_OK && version > VERSION) {
		history_close(h);
		return err_set(err, ENOTSUP, "%s was written by a newer hillock (version %d)", path,
			       version);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(h->db, schema, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		return 0;
	rc = fail(h, err, path);
	history_close(h);
	return rc;
}

void history_close(struct history *h)
{
	sqlite3_close(h->db);
	h->db = NULL;
}

/* --- statements ---------------------------------------------------------------------------------- */

static sqlite3_stmt *prepare(struct history *h, const char *sql)
{
	sqlite3_stmt *s = NULL;

	return sqlite3_prepare_v2(h->db, sql, -1, &s, NULL) == SQLITE_OK ? s : NULL;
}

static void bind_text(sqlite3_stmt *s, int at, const char *text)
{
	sqlite3_bind_text(s, at, text ? text : "", -1, SQLITE_TRANSIENT);
}

static void bind_number(sqlite3_stmt *s, int at, uint64_t number)
{
	sqlite3_bind_int64(s, at, (sqlite3_int64)number);
}

/* Runs a statement that gives no rows, and ends it. */
static int finish(struct history *h, sqlite3_stmt *s, const char *what, struct err *err)
{
	int rc = s ? sqlite3_step(s) : SQLITE_ERROR;

	if (rc != SQLITE_DONE) {
		rc = fail(h, err, what);
		sqlite3_finalize(s);
		return rc;
	}
	sqlite3_finalize(s);
	return 0;
}

static void column(sqlite3_stmt *s, int at, char *out, size_t room)
{
	const unsigned char *text = sqlite3_column_text(s, at);

	snprintf(out, room, "%s", text ? (const char *)text : "");
}

/* --- cuts ------------------------------------------------------------------------------------------ */

int history_begin(struct history *h, struct history_cut *cut, int *resumed, struct err *err)
{
	sqlite3_stmt *s = prepare(h, "SELECT id FROM cuts WHERE key = ? AND state <> 'done'"
				     " ORDER BY id DESC LIMIT 1");
	int rc;

	*resumed = 0;
	if (!s)
		return fail(h, err, "looking for the cut");
	bind_text(s, 1, cut->key);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		cut->id = sqlite3_column_int64(s, 0);
		*resumed = 1;
	}
	sqlite3_finalize(s);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return fail(h, err, "looking for the cut");
	if (*resumed) {
		s = prepare(h, "UPDATE cuts SET state = 'running', name = ? WHERE id = ?");
		if (s) {
			bind_text(s, 1, cut->name);
			bind_number(s, 2, (uint64_t)cut->id);
		}
		return finish(h, s, "resuming the cut", err);
	}
	s = prepare(h, "INSERT INTO cuts (key, name, image, check_command, machine, base, source,"
		       " goal, state, message, best, started, finished)"
		       " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'running', '', '', ?, 0)");
	if (s) {
		const char *const texts[] = { cut->key,  cut->name,   cut->image, cut->check,
					      cut->machine, cut->base, cut->source, cut->goal };

		for (int i = 0; i < 8; i++)
			bind_text(s, i + 1, texts[i]);
		bind_number(s, 9, (uint64_t)time(NULL));
	}
	rc = finish(h, s, "beginning the cut", err);
	cut->id = sqlite3_last_insert_rowid(h->db);
	return rc;
}

int history_end(struct history *h, int64_t cut, const char *state, const char *message,
		const char *best, struct err *err)
{
	sqlite3_stmt *s = prepare(h, "UPDATE cuts SET state = ?, message = ?, best = ?,"
				     " finished = ? WHERE id = ?");

	if (s) {
		bind_text(s, 1, state);
		bind_text(s, 2, message);
		bind_text(s, 3, best);
		bind_number(s, 4, (uint64_t)time(NULL));
		bind_number(s, 5, (uint64_t)cut);
	}
	return finish(h, s, "ending the cut", err);
}

int history_cuts(struct history *h, int (*each)(void *context, const struct history_cut *cut),
		 void *context, struct err *err)
{
	sqlite3_stmt *s = prepare(h, "SELECT id, key, name, image, check_command, machine, base,"
				     " source, goal, state, message, best, started, finished"
				     " FROM cuts ORDER BY id");
	int rc = SQLITE_ERROR, stop = 0;

	while (s && !stop && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct history_cut c = { .id = sqlite3_column_int64(s, 0),
					 .started = sqlite3_column_int64(s, 12),
					 .finished = sqlite3_column_int64(s, 13) };

		column(s, 1, c.key, sizeof(c.key));
		column(s, 2, c.name, sizeof(c.name));
		column(s, 3, c.image, sizeof(c.image));
		column(s, 4, c.check, sizeof(c.check));
		column(s, 5, c.machine, sizeof(c.machine));
		column(s, 6, c.base, sizeof(c.base));
		column(s, 7, c.source, sizeof(c.source));
		column(s, 8, c.goal, sizeof(c.goal));
		column(s, 9, c.state, sizeof(c.state));
		column(s, 10, c.message, sizeof(c.message));
		column(s, 11, c.best, sizeof(c.best));
		stop = each(context, &c);
	}
	if (!stop && rc != SQLITE_DONE)
		stop = fail(h, err, "reading the cuts");
	sqlite3_finalize(s);
	return stop;
}

/* --- probes ---------------------------------------------------------------------------------------- */

#define PROBE_COLUMNS                                                                            \
	"number, digest, config, why, verdict, cause, options, text, data, bss, file_size,"      \
	" build_ms, boot_us, check_ms, memory_kb"

/* config points into the row. */
static void read_probe(sqlite3_stmt *s, struct cut_probe *p)
{
	int verdict = sqlite3_column_int(s, 4);

	*p = (struct cut_probe){
		.number = sqlite3_column_int(s, 0),
		.config = (char *)sqlite3_column_text(s, 2),
		.verdict = verdict >= 0 && verdict < CUT_VERDICTS ? (enum cut_verdict)verdict :
								    CUT_UNSTABLE,
		.options = (unsigned)sqlite3_column_int(s, 6),
		.text = (uint64_t)sqlite3_column_int64(s, 7),
		.data = (uint64_t)sqlite3_column_int64(s, 8),
		.bss = (uint64_t)sqlite3_column_int64(s, 9),
		.file_size = (uint64_t)sqlite3_column_int64(s, 10),
		.build_ms = (uint64_t)sqlite3_column_int64(s, 11),
		.boot_us = (uint64_t)sqlite3_column_int64(s, 12),
		.check_ms = (uint64_t)sqlite3_column_int64(s, 13),
		.memory_kb = (uint64_t)sqlite3_column_int64(s, 14),
		.remembered = 1,
	};
	column(s, 1, p->digest, sizeof(p->digest));
	column(s, 3, p->why, sizeof(p->why));
	column(s, 5, p->cause, sizeof(p->cause));
}

int history_find(struct history *h, int64_t cut, const char *digest, struct cut_probe *probe,
		 struct err *err)
{
	sqlite3_stmt *s = prepare(h, "SELECT " PROBE_COLUMNS " FROM probes"
				     " WHERE cut = ? AND digest = ?");
	int rc;

	if (!s)
		return fail(h, err, "looking for a probe");
	bind_number(s, 1, (uint64_t)cut);
	bind_text(s, 2, digest);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		read_probe(s, probe);
		probe->config = probe->config ? strdup(probe->config) : NULL;
	}
	sqlite3_finalize(s);
	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : fail(h, err, "looking for a probe");
}

int history_add(struct history *h, int64_t cut, const struct cut_probe *p, struct err *err)
{
	sqlite3_stmt *s = prepare(h, "INSERT OR REPLACE INTO probes (cut, " PROBE_COLUMNS ")"
				     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

	if (s) {
		bind_number(s, 1, (uint64_t)cut);
		bind_number(s, 2, (uint64_t)p->number);
		bind_text(s, 3, p->digest);
		bind_text(s, 4, p->config);
		bind_text(s, 5, p->why);
		bind_number(s, 6, p->verdict);
		bind_text(s, 7, p->cause);
		bind_number(s, 8, p->options);
		bind_number(s, 9, p->text);
		bind_number(s, 10, p->data);
		bind_number(s, 11, p->bss);
		bind_number(s, 12, p->file_size);
		bind_number(s, 13, p->build_ms);
		bind_number(s, 14, p->boot_us);
		bind_number(s, 15, p->check_ms);
		bind_number(s, 16, p->memory_kb);
	}
	return finish(h, s, "adding a probe", err);
}

int history_probes(struct history *h, int64_t cut,
		   int (*each)(void *context, const struct cut_probe *probe), void *context,
		   struct err *err)
{
	sqlite3_stmt *s = prepare(h, "SELECT " PROBE_COLUMNS " FROM probes WHERE cut = ?"
				     " ORDER BY number");
	int rc = SQLITE_ERROR, stop = 0;

	if (s)
		bind_number(s, 1, (uint64_t)cut);
	while (s && !stop && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct cut_probe p;

		read_probe(s, &p);
		stop = each(context, &p);
	}
	if (!stop && rc != SQLITE_DONE)
		stop = fail(h, err, "reading the probes");
	sqlite3_finalize(s);
	return stop;
}

/* --- evidence -------------------------------------------------------------------------------------- */

int history_add_evidence(struct history *h, int64_t cut, const struct evidence_set *set,
			 struct err *err)
{
	int rc = 0;

	if (sqlite3_exec(h->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		return fail(h, err, "adding evidence");
	for (size_t i = 0; i < set->count && rc == 0; i++) {
		const struct evidence *e = &set->list[i];
		sqlite3_stmt *s = prepare(h, "INSERT OR REPLACE INTO evidence (cut, kind, option,"
					     " reason, source, denial) VALUES (?, ?, ?, ?, ?, ?)");

		if (s) {
			bind_number(s, 1, (uint64_t)cut);
			bind_number(s, 2, e->kind);
			bind_text(s, 3, e->option);
			bind_text(s, 4, e->reason);
			bind_text(s, 5, e->source);
			bind_text(s, 6, e->denial);
		}
		rc = finish(h, s, "adding evidence", err);
	}
	if (sqlite3_exec(h->db, rc == 0 ? "COMMIT" : "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK &&
	    rc == 0) {
		rc = fail(h, err, "adding evidence");
		sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
	}
	return rc;
}

int history_evidence(struct history *h, int64_t cut, struct evidence_set *set, struct err *err)
{
	sqlite3_stmt *s = prepare(h, "SELECT kind, option, reason, source, denial FROM evidence"
				     " WHERE cut = ? ORDER BY option, kind DESC, reason");
	int rc = SQLITE_ERROR, failed = 0;

	if (s)
		bind_number(s, 1, (uint64_t)cut);
	while (s && !failed && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		int kind = sqlite3_column_int(s, 0);

		if (kind >= 0 && kind < EVIDENCE_KINDS)
			failed = evidence_add(set, (enum evidence_kind)kind,
					      (const char *)sqlite3_column_text(s, 1),
					      (const char *)sqlite3_column_text(s, 2),
					      (const char *)sqlite3_column_text(s, 3),
					      (const char *)sqlite3_column_text(s, 4));
	}
	sqlite3_finalize(s);
	if (failed)
		return err_set(err, ENOMEM, "reading the evidence: out of memory");
	return rc == SQLITE_DONE ? 0 : fail(h, err, "reading the evidence");
}

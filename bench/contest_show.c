// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The results of a contest.
 *
 * Figures are medians over the rounds; their spread is the width of the middle half of the
 * rounds, in percent of the median. Of a single round it is what the job said of itself. Ratios
 * are taken within each round and only then summed up, and always such that more is slower, so
 * that lines of which the higher figure is the better one read like the others.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "bench/contest.h"
#include "bench/stats.h"

/* A summary of rounds: the median, and the ends of the middle half. */
struct summary {
	double median, low, high;
};

const struct contest_sample *contest_samples(const struct contest *c,
					     const struct contest_contender *contender, size_t line)
{
	return contender->samples + line * c->options->runs;
}

/* What counts of a run. */
static double value_of(const struct contest *c, const struct contest_sample *sample)
{
	return c->options->best && !isnan(sample->min) ? sample->min : sample->value;
}

/* Of `count` values, some of which may be NAN; they are sorted. */
static struct summary summarise(double *values, size_t count)
{
	size_t good = 0;

	for (size_t i = 0; i < count; i++)
		if (!isnan(values[i]))
			values[good++] = values[i];
	stats_sort(values, good);
	return (struct summary){ stats_quantile(values, good, 0.5),
				 stats_quantile(values, good, 0.25),
				 stats_quantile(values, good, 0.75) };
}

static struct summary figure(struct contest *c, const struct contest_contender *contender,
			     size_t line)
{
	const struct contest_sample *samples = contest_samples(c, contender, line);
	cleanup_free double *values = calloc(c->rounds + 1, sizeof(*values));

	if (!values) {
		c->sheet->out_of_memory = 1;
		return (struct summary){ NAN, NAN, NAN };
	}
	for (size_t i = 0; i < c->rounds; i++)
		values[i] = value_of(c, &samples[i]);
	return summarise(values, c->rounds);
}

/* How many times slower `of` is than `to`. */
static struct summary ratio(struct contest *c, const struct contest_contender *of,
			    const struct contest_contender *to, size_t line)
{
	const struct contest_sample *ours = contest_samples(c, of, line);
	const struct contest_sample *theirs = contest_samples(c, to, line);
	cleanup_free double *values = calloc(c->rounds + 1, sizeof(*values));

	if (!values) {
		c->sheet->out_of_memory = 1;
		return (struct summary){ NAN, NAN, NAN };
	}
	for (size_t i = 0; i < c->rounds; i++) {
		double our = value_of(c, &ours[i]), their = value_of(c, &theirs[i]);

		values[i] = c->lines[line].higher ? their / our : our / their;
	}
	return summarise(values, c->rounds);
}

static struct contest_contender *find(const struct contest *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (!strcmp(c->contenders[i].name, name) && !c->contenders[i].out)
			return &c->contenders[i];
	return NULL;
}

/* --- what was run ---------------------------------------------------------------------------- */

static void show_one(const struct contest *c, struct table *table,
		     const struct contest_contender *contender)
{
	struct utsname host = { 0 };

	table_text(table, "%s", contender->name);
	switch (contender->kind) {
	case CONTENDER_NATIVE:
		uname(&host);
		table_text(table, "Linux %s", host.release);
		table_text(table, "%s",
			   c->native_rooted ? "the same tree as its root" : "straight on the host");
		break;
	case CONTENDER_HILLOCK:
		table_text(table, "this one");
		table_text(table, "%s, --cpus %u%s%s%s%s%s%s", geteuid() ? "rootless" : "as root",
			   c->options->cpus, contender->kernel ? " --kernel " : "",
			   contender->kernel ? contender->kernel : "",
			   contender->mode ? " --um-mode " : "",
			   contender->mode ? contender->mode : "",
			   c->options->memory ? " --memory " : "",
			   c->options->memory ? c->options->memory : "");
		break;
	case CONTENDER_PEER:
		table_text(table, "%s", contender->peer.version);
		table_text(table, "%s", peer_words(&contender->peer));
		break;
	}
}

static void show_contenders(struct contest *c)
{
	static const struct table_column columns[] = {
		{ "name", "", TABLE_TEXT },
		{ "version", "version", TABLE_TEXT },
		{ "how", "how it was run", TABLE_TEXT },
	};
	struct table *table = sheet_table(c->sheet, "contenders", "What was run", columns, 3, 0);

	for (size_t i = 0; i < c->count; i++)
		if (!c->contenders[i].out)
			show_one(c, table, &c->contenders[i]);
}

static void show_lines(struct contest *c)
{
	static const struct table_column columns[] = {
		{ "line", "line", TABLE_TEXT },
		{ "unit", "unit", TABLE_TEXT },
		{ "what", "what", TABLE_TEXT },
	};
	struct table *table = sheet_table(c->sheet, "lines", "What was measured", columns, 3, 1);

	for (size_t i = 0; i < c->line_count; i++) {
		table_text(table, "%s", c->lines[i].name);
		table_text(table, "%s", c->lines[i].unit);
		table_text(table, "%s", c->lines[i].what);
	}
}

static void show_rounds(struct contest *c)
{
	static const struct table_column columns[] = {
		{ "round", "round", TABLE_NUMBER },   { "name", "", TABLE_TEXT },
		{ "line", "line", TABLE_TEXT },       { "unit", "", TABLE_TEXT },
		{ "value", "value", TABLE_NUMBER },   { "min", "min", TABLE_NUMBER },
		{ "spread", "spread", TABLE_NUMBER },
	};
	struct table *table = sheet_table(c->sheet, "rounds", "Samples", columns, 7, 1);

	for (size_t round = 0; round < c->rounds; round++) {
		for (size_t i = 0; i < c->count * c->line_count; i++) {
			const struct contest_contender *of = &c->contenders[i / c->line_count];
			size_t line = i % c->line_count;
			const struct contest_sample *s = contest_samples(c, of, line) + round;

			if (of->out || isnan(s->value))
				continue;
			table_number(table, (double)round + 1);
			table_text(table, "%s", of->name);
			table_text(table, "%s", c->lines[line].name);
			table_text(table, "%s", c->lines[line].unit);
			table_number(table, s->value);
			table_number(table, s->min);
			table_number(table, s->spread);
		}
	}
}

/* --- figures --------------------------------------------------------------------------------- */

/* Columns whose number depends on who takes part; they live as long as the sheet. */
struct columns {
	struct sheet *sheet;
	struct table_column *list;
	size_t used;
};

static int columns_begin(struct columns *columns, struct sheet *sheet, size_t most)
{
	*columns =
		(struct columns){ sheet, sheet_allocate(sheet, most, sizeof(*columns->list)), 0 };
	if (!columns->list)
		return -1;
	columns->list[columns->used++] = (struct table_column){ "line", "", TABLE_TEXT };
	return 0;
}

/* `key` and `title` are put together of two parts. */
static void column(struct columns *columns, const char *key, const char *key_end, const char *title,
		   const char *title_end, int decimals)
{
	size_t key_room = strlen(key) + strlen(key_end) + 1;
	size_t title_room = strlen(title) + strlen(title_end) + 1;
	char *text = sheet_allocate(columns->sheet, key_room + title_room, 1);

	if (!text)
		return;
	snprintf(text, key_room, "%s%s", key, key_end);
	snprintf(text + key_room, title_room, "%s%s", title, title_end);
	columns->list[columns->used++] =
		(struct table_column){ text, text + key_room, TABLE_NUMBER, decimals };
}

/* In percent of the figure. */
static double spread_of(struct contest *c, const struct contest_contender *contender, size_t line,
			const struct summary *s)
{
	double width =
		c->rounds > 1 ? s->high - s->low : contest_samples(c, contender, line)->spread;

	return 100 * width / s->median;
}

/* Who is best among those that run a kernel of their own: hillock's and runsc. */
static const struct contest_contender *best_of(struct contest *c, size_t line)
{
	const struct contest_contender *best = NULL;
	double value = NAN;

	for (size_t i = 0; i < c->count; i++) {
		const struct contest_contender *of = &c->contenders[i];
		double median;

		if (of->out || (of->kind != CONTENDER_HILLOCK && strcmp(of->name, "runsc") != 0))
			continue;
		median = figure(c, of, line).median;
		if (isnan(median) ||
		    (best && (c->lines[line].higher ? median <= value : median >= value)))
			continue;
		best = of;
		value = median;
	}
	return best;
}

static void show_figures(struct contest *c)
{
	struct columns columns;
	struct table *table;

	if (columns_begin(&columns, c->sheet, 2 * c->count + 2))
		return;
	columns.list[columns.used++] = (struct table_column){ "unit", "", TABLE_TEXT };
	for (size_t i = 0; i < c->count; i++) {
		const char *name = c->contenders[i].name;

		if (c->contenders[i].out)
			continue;
		column(&columns, name, "", name, "", TABLE_DIGITS);
		column(&columns, name, "_spread_percent", "+-%", "", 0);
	}
	table = sheet_table(c->sheet, "figures",
			    c->options->best ? "Medians over each round's best batches (+-%: width "
					       "of the middle half)"
					     : "Medians over the rounds (+-%: width of the middle "
					       "half)",
			    columns.list, columns.used, 0);
	for (size_t line = 0; line < c->line_count; line++) {
		const struct contest_contender *best = best_of(c, line);

		table_text(table, "%s", c->lines[line].name);
		table_text(table, "%s", c->lines[line].unit);
		for (size_t i = 0; i < c->count; i++) {
			const struct contest_contender *of = &c->contenders[i];
			struct summary s;

			if (of->out)
				continue;
			s = figure(c, of, line);
			table_number(table, s.median);
			if (of == best)
				table_mark(table);
			table_number(table, spread_of(c, of, line, &s));
		}
	}
}

/* --- ratios ---------------------------------------------------------------------------------- */

/* What hillock is held against. */
static const char *const references[] = { "native", "runsc", NULL };

static int ratio_columns(struct contest *c, struct columns *columns)
{
	if (columns_begin(columns, c->sheet, 8))
		return -1;
	columns->list[columns->used++] = (struct table_column){ "of", "", TABLE_TEXT };
	for (size_t i = 0; references[i]; i++) {
		if (!find(c, references[i]))
			continue;
		column(columns, references[i], "", "than ", references[i], TABLE_DIGITS);
		column(columns, references[i], "_from", "from", "", TABLE_DIGITS);
		column(columns, references[i], "_to", "to", "", TABLE_DIGITS);
	}
	return 0;
}

static void ratio_row(struct contest *c, struct table *table, const struct contest_contender *of,
		      size_t line)
{
	table_text(table, "%s", c->lines[line].name);
	table_text(table, "%s", of->name);
	for (size_t i = 0; references[i]; i++) {
		const struct contest_contender *to = find(c, references[i]);
		struct summary s;

		if (!to)
			continue;
		s = ratio(c, of, to, line);
		table_number(table, s.median);
		table_number(table, s.low);
		table_number(table, s.high);
	}
}

static void show_ratios(struct contest *c)
{
	struct columns columns;
	struct table *table;

	if (ratio_columns(c, &columns))
		return;
	table = sheet_table(c->sheet, "ratios",
			    "How many times slower, within each round (from, to: middle half)",
			    columns.list, columns.used, 0);
	for (size_t line = 0; line < c->line_count; line++)
		for (size_t i = 0; i < c->count; i++)
			if (c->contenders[i].kind == CONTENDER_HILLOCK && !c->contenders[i].out)
				ratio_row(c, table, &c->contenders[i], line);
}

/* --- targets --------------------------------------------------------------------------------- */

/* Names of lines, for a sentence; with a ratio, if there is one. */
static void list_add(char *list, size_t room, const char *name, double value)
{
	size_t used = strlen(list);
	char ratio_text[32] = "";

	if (!isnan(value))
		snprintf(ratio_text, sizeof(ratio_text), " (%.2f)", value);
	snprintf(list + used, room - used, "%s%s%s", used ? ", " : "", name, ratio_text);
}

/* Where the limit lies inside the middle half, the rounds do not decide. */
static void judge(struct contest *c, const struct contest_contender *of, const char *reference,
		  const char *claim)
{
	const struct contest_contender *to = find(c, reference);
	char missed[2048] = "", open[2048] = "", unknown[2048] = "";

	for (size_t line = 0; to && line < c->line_count; line++) {
		double limit = strcmp(reference, "native") ? 1 : c->lines[line].target;
		struct summary s;

		if (!(limit > 0))
			continue;
		s = ratio(c, of, to, line);
		if (isnan(s.median))
			list_add(unknown, sizeof(unknown), c->lines[line].name, NAN);
		else if (s.low > limit)
			list_add(missed, sizeof(missed), c->lines[line].name, s.median);
		else if (s.high > limit)
			list_add(open, sizeof(open), c->lines[line].name, s.median);
	}
	if (to)
		sheet_say(c->sheet, "target", "%s, target '%s': %s%s%s%s%s%s.", of->name, claim,
			  *missed             ? "is missed by "
			  : *open || *unknown ? "is missed by none"
					      : "holds",
			  missed, *open ? "; more rounds are needed to be sure of " : "", open,
			  *unknown ? "; cannot be told for " : "", unknown);
}

static void judge_all(struct contest *c)
{
	int has_limits = 0;

	for (size_t line = 0; line < c->line_count; line++)
		has_limits |= c->lines[line].target > 0;
	for (size_t i = 0; i < c->count; i++) {
		const struct contest_contender *of = &c->contenders[i];

		if (of->kind != CONTENDER_HILLOCK || of->out)
			continue;
		judge(c, of, "runsc", "at least as fast as runsc");
		if (has_limits)
			judge(c, of, "native", "near native, where that is a target");
	}
}

void contest_show(struct contest *c)
{
	show_contenders(c);
	show_lines(c);
	show_rounds(c);
	show_figures(c);
	show_ratios(c);
	judge_all(c);
}

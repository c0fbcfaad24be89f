// SPDX-License-Identifier: GPL-2.0-or-later
/* What a cut leaves for people and programs: see report.h. */
#include "cut/report.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

enum { NAME = 128, CHANGES = 60 };

/* --- reading ------------------------------------------------------------------------------------- */

static int collect(void *context, const struct cut_probe *p)
{
	struct report_probes *all = context;
	struct cut_probe *grown = realloc(all->list, (all->count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	all->list = grown;
	grown[all->count] = *p;
	grown[all->count].config = p->config ? strdup(p->config) : NULL;
	all->count++;
	return 0;
}

int report_read(struct history *h, int64_t cut, struct report_probes *probes, struct err *err)
{
	*probes = (struct report_probes){ .count = 0 };
	return history_probes(h, cut, collect, probes, err);
}

void report_probes_free(struct report_probes *probes)
{
	for (size_t i = 0; i < probes->count; i++)
		free(probes->list[i].config);
	free(probes->list);
}

/* --- differences ----------------------------------------------------------------------------------- */

/* The line of an option in a .config: its value's start and length; NULL when it is not set. */
static const char *value_of(const char *config, const char *name, size_t length, size_t *size)
{
	const char *at = config;

	while ((at = strstr(at, "CONFIG_"))) {
		const char *start = at;

		at += 7;
		if ((start == config || start[-1] == '\n') && !strncmp(at, name, length) &&
		    at[length] == '=') {
			*size = strcspn(at + length + 1, "\n");
			return at + length + 1;
		}
	}
	return NULL;
}

struct difference {
	const char *name;
	size_t length;
	const char *before, *after;
	size_t before_size, after_size;
};

/* Tells every option of `one` that `other` has differently; those that only `one` has, too. */
static size_t compare(const char *one, const char *other, bool turned,
		      void (*each)(void *context, const struct difference *d), void *context)
{
	size_t count = 0;

	for (const char *line = one; line && *line;) {
		const char *end = strchr(line, '\n');
		struct difference d = { .name = line + 7 };

		if (!strncmp(line, "CONFIG_", 7)) {
			d.length = strcspn(d.name, "=\n");
			d.before = d.name + d.length + 1;
			d.before_size = strcspn(d.before, "\n");
			d.after = value_of(other, d.name, d.length, &d.after_size);
			/* A value that changed is told once. */
			if (!d.after || (!turned && (d.after_size != d.before_size ||
						     strncmp(d.after, d.before, d.after_size)))) {
				count++;
				if (each)
					each(context, &d);
			}
		}
		line = end ? end + 1 : NULL;
	}
	return count;
}

struct printer {
	FILE *out;
	const char *separator;
	bool turned;
	size_t printed;
};

static void print_difference(void *context, const struct difference *d)
{
	struct printer *p = context;

	fprintf(p->out, "%s%s%.*s", p->printed++ ? p->separator : "",
		d->after ? "" : p->turned ? "+" : "-", (int)d->length, d->name);
	if (d->after)
		fprintf(p->out, "=%.*s→%.*s", (int)d->before_size, d->before, (int)d->after_size,
			d->after);
	else if (d->before_size != 1 || *d->before != 'y')
		fprintf(p->out, "=%.*s", (int)d->before_size, d->before);
}

void report_diff(FILE *out, const char *before, const char *after, const char *separator)
{
	struct printer p = { .out = out, .separator = separator };

	compare(before, after, false, print_difference, &p);
	p.turned = true;
	compare(after, before, true, print_difference, &p);
}

size_t report_diff_count(const char *before, const char *after)
{
	return compare(before, after, false, NULL, NULL) + compare(after, before, true, NULL, NULL);
}

/* --- the table --------------------------------------------------------------------------------------- */

/* What a probe changes against the last one before it that passed, as text; the caller frees. */
static char *change_of(const struct report_probes *probes, size_t at, size_t *count)
{
	const char *before = NULL;
	char *text = NULL;
	size_t size;
	FILE *out;

	*count = 0;
	for (size_t i = 0; i < at; i++)
		if (probes->list[i].verdict == CUT_PASSED && probes->list[i].config)
			before = probes->list[i].config;
	if (!before || !probes->list[at].config)
		return strdup("");
	*count = report_diff_count(before, probes->list[at].config);
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	report_diff(out, before, probes->list[at].config, " ");
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* RFC 4180: quotes around, quotes doubled. */
static void print_csv_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text == '\n' ? ' ' : *text, out);
	}
	fputc('"', out);
}

static void print_text_row(FILE *out, const struct cut_probe *p, const char *change, size_t changes)
{
	fprintf(out, "%4d  %-12s %6u %9.3f %9.3f %7.1f %7" PRIu64 " %8" PRIu64 "  %s", p->number,
		cut_verdict_names[p->verdict], p->options, (double)(p->text + p->data) / 1e6,
		(double)p->file_size / 1e6, (double)p->boot_us / 1e3, p->memory_kb,
		p->build_ms / 1000, p->why);
	if (changes)
		fprintf(out, " (%zu: %.*s%s)", changes, CHANGES, change,
			strlen(change) > CHANGES ? "…" : "");
	fputc('\n', out);
}

static void print_csv_row(FILE *out, const struct cut_probe *p, const char *change)
{
	fprintf(out,
		"%d,%s,%u,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
		",%" PRIu64 ",%" PRIu64 ",",
		p->number, cut_verdict_names[p->verdict], p->options, p->text, p->data, p->bss,
		p->file_size, p->boot_us, p->memory_kb, p->build_ms, p->check_ms);
	print_csv_text(out, p->why);
	fputc(',', out);
	print_csv_text(out, change);
	fputc(',', out);
	print_csv_text(out, p->cause);
	fputc('\n', out);
}

static struct json_object *probe_json(const struct cut_probe *p, const char *change)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "number", json_object_new_int(p->number));
	json_object_object_add(o, "verdict",
			       json_object_new_string(cut_verdict_names[p->verdict]));
	json_object_object_add(o, "why", json_object_new_string(p->why));
	json_object_object_add(o, "cause", json_object_new_string(p->cause));
	json_object_object_add(o, "change", json_object_new_string(change));
	json_object_object_add(o, "options", json_object_new_int((int)p->options));
	json_object_object_add(o, "text", json_object_new_uint64(p->text));
	json_object_object_add(o, "data", json_object_new_uint64(p->data));
	json_object_object_add(o, "bss", json_object_new_uint64(p->bss));
	json_object_object_add(o, "file_size", json_object_new_uint64(p->file_size));
	json_object_object_add(o, "boot_us", json_object_new_uint64(p->boot_us));
	json_object_object_add(o, "memory_kb", json_object_new_uint64(p->memory_kb));
	json_object_object_add(o, "build_ms", json_object_new_uint64(p->build_ms));
	json_object_object_add(o, "check_ms", json_object_new_uint64(p->check_ms));
	return o;
}

void report_table(FILE *out, enum report_form form, const struct report_probes *probes)
{
	struct json_object *array = form == REPORT_JSON ? json_object_new_array() : NULL;

	if (form == REPORT_TEXT)
		fprintf(out, "   N  OUTCOME      OPTIONS  TEXT+DATA   FILE MB BOOT ms  USED KB"
			     "  BUILD s  WHY (CHANGE)\n");
	if (form == REPORT_CSV)
		fprintf(out, "iteration,outcome,options,text,data,bss,file_size,boot_us,memory_kb,"
			     "build_ms,check_ms,why,change,cause\n");
	for (size_t i = 0; i < probes->count; i++) {
		size_t changes;
		cleanup_free char *change = change_of(probes, i, &changes);
		const struct cut_probe *p = &probes->list[i];

		if (!change)
			continue;
		if (form == REPORT_TEXT)
			print_text_row(out, p, change, changes);
		else if (form == REPORT_CSV)
			print_csv_row(out, p, change);
		else if (array)
			json_object_array_add(array, probe_json(p, change));
	}
	if (array)
		fprintf(out, "%s\n", json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY));
	json_object_put(array);
}

/* --- the figure ---------------------------------------------------------------------------------------- */

static uint64_t largest(const struct report_probes *probes)
{
	uint64_t most = 1;

	for (size_t i = 0; i < probes->count; i++)
		if (probes->list[i].text + probes->list[i].data > most)
			most = probes->list[i].text + probes->list[i].data;
	return most;
}

static void plot_text(FILE *out, const struct report_probes *probes)
{
	uint64_t most = largest(probes);

	for (size_t i = 0; i < probes->count; i++) {
		const struct cut_probe *p = &probes->list[i];
		unsigned width = (unsigned)((p->text + p->data) * 50 / most);

		fprintf(out, "%4d %7.3f MB ", p->number, (double)(p->text + p->data) / 1e6);
		for (unsigned j = 0; j < width; j++)
			fputc(p->verdict == CUT_PASSED ? '#' : '.', out);
		fprintf(out, "%s%s\n", p->verdict == CUT_PASSED ? "" : " ",
			p->verdict == CUT_PASSED ? "" : cut_verdict_names[p->verdict]);
	}
}

static void print_xml(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else
			fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
	}
}

/* The largest round number (1, 2 or 5 times a power of ten) that gives at least four lines. */
static double grid(double most)
{
	double step = 1;

	while (most / step < 4)
		step /= 10;
	while (most / step > 40)
		step *= 10;
	if (most / step > 20)
		step *= 5;
	else if (most / step > 8)
		step *= 2;
	return step;
}

enum { WIDTH = 720, HEIGHT = 400, LEFT = 64, RIGHT = 16, TOP = 64, BOTTOM = 48 };

static double y_of(double mb, double most)
{
	return HEIGHT - BOTTOM - mb / most * (HEIGHT - TOP - BOTTOM);
}

static void plot_frame(FILE *out, const struct history_cut *cut, double most)
{
	double step = grid(most);

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\""
		" font-size=\"12\">\n<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n"
		"<text x=\"%d\" y=\"20\" font-size=\"14\">",
		WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT);
	print_xml(out, cut->image);
	fprintf(out, " on %s: kernel size by iteration</text>\n<text x=\"%d\" y=\"38\" fill=\"#555\">",
		cut->machine, LEFT);
	fprintf(out, "MB of text and data; outlined: it failed</text>\n");
	for (double mb = 0; mb <= most; mb += step)
		fprintf(out,
			"<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>"
			"<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n",
			LEFT, WIDTH - RIGHT, y_of(mb, most), y_of(mb, most), LEFT - 8,
			y_of(mb, most) + 4, mb);
}

static void plot_svg(FILE *out, const struct history_cut *cut, const struct report_probes *probes)
{
	double most = (double)largest(probes) / 1e6,
	       slot = (double)(WIDTH - LEFT - RIGHT) / (double)(probes->count ? probes->count : 1),
	       width = slot * 0.7 < 64 ? slot * 0.7 : 64;

	plot_frame(out, cut, most);
	for (size_t i = 0; i < probes->count; i++) {
		const struct cut_probe *p = &probes->list[i];
		double mb = (double)(p->text + p->data) / 1e6,
		       x = LEFT + slot * ((double)i + 0.5);
		bool passed = p->verdict == CUT_PASSED;

		fprintf(out,
			"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\""
			" stroke=\"%s\"><title>%d: %s, %.3f MB: ",
			x - width / 2, y_of(mb, most), width, HEIGHT - BOTTOM - y_of(mb, most),
			passed ? "#4878a8" : "none", passed ? "#4878a8" : "#b04030", p->number,
			cut_verdict_names[p->verdict], mb);
		print_xml(out, p->why);
		fprintf(out, "</title></rect>\n<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d"
			     "</text>\n",
			x, HEIGHT - BOTTOM + 18, p->number);
		if (mb > 0 && probes->count <= 24)
			fprintf(out,
				"<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"10\">"
				"%.2f</text>\n",
				x, y_of(mb, most) - 4, mb);
	}
	fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">iteration</text>\n</svg>\n",
		(WIDTH + LEFT - RIGHT) / 2, HEIGHT - 10);
}

void report_plot(FILE *out, enum report_form form, const struct history_cut *cut,
		 const struct report_probes *probes)
{
	if (form == REPORT_SVG)
		plot_svg(out, cut, probes);
	else
		plot_text(out, probes);
}

/* --- the configuration ------------------------------------------------------------------------------------ */

/* The strongest reasons for an option, as comments. */
static size_t print_evidence(FILE *out, const char *option, size_t length,
			     const struct evidence_set *set)
{
	size_t printed = 0;

	for (int kind = EVIDENCE_KINDS - 1; kind >= 0 && printed < 3; kind--) {
		for (size_t i = 0; i < set->count && printed < 3; i++) {
			const struct evidence *e = &set->list[i];

			if ((int)e->kind != kind || strlen(e->option) != length ||
			    strncmp(e->option, option, length) != 0)
				continue;
			fprintf(out, "# %s: %s%s%s%s\n", evidence_kind_names[kind], e->reason,
				*e->source ? " (" : "", e->source, *e->source ? ")" : "");
			printed++;
		}
	}
	return printed;
}

void report_defconfig(FILE *out, const struct history_cut *cut, const char *fragment,
		      const char *config, const struct evidence_set *set)
{
	size_t on = 0, size;

	for (const char *at = config; (at = strstr(at, "=y\n")); at++)
		on++;
	fprintf(out,
		"# A kernel cut for: %s\n# which has to pass: ", cut->image);
	for (const char *c = cut->check; *c; c++)
		fputc(*c == '\n' ? ' ' : *c, out);
	fprintf(out,
		"\n# %s, %s machine, goal %s, by hillock cut %lld: %zu options are on.\n"
		"# Resolved with allnoconfig: kernel/build --name NAME --config THIS\n",
		cut->source, cut->machine, cut->goal, (long long)cut->id, on);
	for (const char *line = fragment; line && *line;) {
		const char *end = strchr(line, '\n'),
			   *name = !strncmp(line, "CONFIG_", 7) ? line + 7 : NULL;

		fputc('\n', out);
		if (name && !print_evidence(out, name, strcspn(name, "="), set))
			fprintf(out, "# what stands here needs it, or selects it\n");
		if (name && !value_of(config, name, strcspn(name, "="), &size))
			fprintf(out, "# (Kconfig does not take it)\n");
		size = end ? (size_t)(end - line) : strlen(line);
		fprintf(out, "%.*s\n", (int)size, line);
		line = end ? end + 1 : NULL;
	}
}

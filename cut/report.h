/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a cut leaves for people and programs: tables, a figure, a commented configuration. */
#ifndef HILLOCK_CUT_REPORT_H
#define HILLOCK_CUT_REPORT_H

#include <stdio.h>

#include "cut/evidence.h"
#include "cut/history.h"

enum report_form { REPORT_TEXT, REPORT_CSV, REPORT_JSON, REPORT_SVG, REPORT_FORMS };

struct report_probes {
	struct cut_probe *list; /* config is owned */
	size_t count;
};

int report_read(struct history *h, int64_t cut, struct report_probes *probes, struct err *err);
void report_probes_free(struct report_probes *probes);

/* One row a probe: what was changed against the best before it, outcome, sizes, times. */
void report_table(FILE *out, enum report_form form, const struct report_probes *probes);
/* Size by iteration, as a figure: REPORT_SVG, or REPORT_TEXT for a terminal. */
void report_plot(FILE *out, enum report_form form, const struct history_cut *cut,
		 const struct report_probes *probes);
/* Options that differ between two .configs: "-X +Y Z=1→2", at most `most` characters a line. */
void report_diff(FILE *out, const char *before, const char *after, const char *separator);
/* How many options differ. */
size_t report_diff_count(const char *before, const char *after);

/*
 * The configuration as a fragment for kernel/build, every option with its evidence above it.
 * `fragment` is what was asked for; `config` the .config that it gave.
 */
void report_defconfig(FILE *out, const struct history_cut *cut, const char *fragment,
		      const char *config, const struct evidence_set *set);

#endif

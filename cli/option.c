// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Options, as docker's command line has them: -it, -eK=V, -e K=V, --flag=value, --flag value,
 * --flag=false, and `--` for the end. Bad ones are named in docker's words, since scripts and
 * people know them.
 */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
	const struct cli_option *options;
	int argc, at;
	char **argv;
	struct err *err;
};

void cli_list_add(struct cli_list *list, char *item)
{
	char **grown = realloc(list->items, (list->count + 2) * sizeof(*grown));

	if (!grown) {
		cli_error(&(struct err){ .text = "out of memory" });
		exit(EXIT_ERROR);
	}
	list->items = grown;
	grown[list->count++] = item;
	grown[list->count] = NULL;
}

static int set_flag(const struct cli_option *o, const char *text, struct err *err)
{
	static const char *const yes[] = { "true", "1", "t", "TRUE", "True", "T" };
	static const char *const no[] = { "false", "0", "f", "FALSE", "False", "F" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (!text || !strcmp(text, yes[i])) {
			*(int *)o->target = 1;
			return 0;
		}
		if (!strcmp(text, no[i])) {
			*(int *)o->target = 0;
			return 0;
		}
	}
	return err_set(err, EINVAL, "invalid argument \"%s\" for --%s: it is true or false", text,
		       o->name);
}

static void set_value(const struct cli_option *o, char *text)
{
	if (o->kind == CLI_LIST)
		cli_list_add(o->target, text);
	else
		*(const char **)o->target = text;
}

static int parse_long(struct parser *p, char *word)
{
	char *value = strchr(word, '=');
	size_t length = value ? (size_t)(value - word) : strlen(word);

	if (length == 4 && !strncmp(word, "help", 4))
		return -ECANCELED;
	for (const struct cli_option *o = p->options; o->name; o++) {
		if (strlen(o->name) != length || strncmp(o->name, word, length) != 0)
			continue;
		if (o->kind == CLI_FLAG)
			return set_flag(o, value ? value + 1 : NULL, p->err);
		if (value)
			value++;
		else if (p->at < p->argc)
			value = p->argv[p->at++];
		else
			return err_set(p->err, EINVAL, "flag needs an argument: --%s", o->name);
		set_value(o, value);
		return 0;
	}
	return err_set(p->err, EINVAL, "unknown flag: --%.*s", (int)length, word);
}

static int parse_letters(struct parser *p, char *letters)
{
	for (char *at = letters; *at; at++) {
		const struct cli_option *o = p->options;
		int rc;

		while (o->name && o->letter != *at)
			o++;
		if (!o->name && *at == 'h')
			return -ECANCELED;
		if (!o->name)
			return err_set(p->err, EINVAL, "unknown shorthand flag: '%c' in -%s", *at,
				       letters);
		if (o->kind != CLI_FLAG) {
			if (at[1] == '=')
				set_value(o, at + 2);
			else if (at[1])
				set_value(o, at + 1);
			else if (p->at < p->argc)
				set_value(o, p->argv[p->at++]);
			else
				return err_set(p->err, EINVAL,
					       "flag needs an argument: '%c' in -%s", *at, letters);
			return 0;
		}
		rc = set_flag(o, at[1] == '=' ? at + 2 : NULL, p->err);
		if (rc < 0 || at[1] == '=')
			return rc;
	}
	return 0;
}

int cli_parse(const struct cli_option *options, int stop, int argc, char **argv, struct err *err)
{
	static const struct cli_option none[] = { { 0 } };
	struct parser p = {
		.options = options ? options : none, .argc = argc, .argv = argv, .err = err
	};
	int operands = 0, over = 0;

	while (p.at < argc) {
		char *word = argv[p.at++];
		int rc = 0;

		if (over || word[0] != '-' || !word[1]) {
			argv[operands++] = word;
			over |= stop;
		} else if (!strcmp(word, "--")) {
			over = 1;
		} else if (word[1] == '-') {
			rc = parse_long(&p, word + 2);
		} else {
			rc = parse_letters(&p, word + 1);
		}
		if (rc < 0)
			return rc;
	}
	return operands;
}

void cli_help(const struct cli_verb *verb)
{
	printf("Usage:  hillock %s %s\n\n%s\n", verb->name, verb->usage, verb->summary);
	if (verb->options && verb->options[0].name)
		printf("\nOptions:\n");
	for (const struct cli_option *o = verb->options; o && o->name; o++) {
		char left[64];

		snprintf(left, sizeof(left), "%c%c%c --%s%s%s", o->letter ? '-' : ' ',
			 o->letter ? o->letter : ' ', o->letter ? ',' : ' ', o->name,
			 o->value ? " " : "", o->value ? o->value : "");
		printf("  %-30s %s\n", left, o->help);
	}
	printf("\nExample:\n%s\n", verb->example);
}

/* --- values ---------------------------------------------------------------------------------- */

int cli_number(const char *text, const char *what, uint64_t low, uint64_t high, uint64_t *number,
	       struct err *err)
{
	char *end = NULL;

	errno = 0;
	*number = isdigit((unsigned char)*text) ? strtoull(text, &end, 10) : 0;
	if (!end || *end || errno || *number < low || *number > high)
		return err_set(err, EINVAL,
			       "invalid %s \"%s\": it is a whole number from %llu to %llu", what,
			       text, (unsigned long long)low, (unsigned long long)high);
	return 0;
}

int cli_bytes(const char *text, uint64_t *bytes, struct err *err)
{
	static const char units[] = "bkmgt";
	char *end = NULL;
	const char *unit;
	double number;
	int shift = 0;

	errno = 0;
	number = isdigit((unsigned char)*text) ? strtod(text, &end) : -1;
	/* strtod() knows more kinds of numbers than people write here. */
	if (end && strspn(text, "0123456789.") < (size_t)(end - text))
		end = NULL;
	if (end && *end) {
		unit = strchr(units, tolower((unsigned char)*end));
		shift = unit ? 10 * (int)(unit - units) : -1;
		end++;
		/* MB and MiB are the same to docker here. */
		if (shift > 0 && tolower((unsigned char)*end) == 'i')
			end++;
		if (shift > 0 && tolower((unsigned char)*end) == 'b')
			end++;
	}
	if (!end || *end || errno || shift < 0 || !(number >= 0) ||
	    number * (double)(1ull << shift) > 9e15)
		return err_set(err, EINVAL, "invalid size: '%s' (a number and b, k, m or g)", text);
	*bytes = (uint64_t)(number * (double)(1ull << shift));
	return 0;
}

static const struct {
	const char *name;
	int number;
} signals[] = {
	{ "HUP", SIGHUP },   { "INT", SIGINT },       { "QUIT", SIGQUIT }, { "ILL", SIGILL },
	{ "TRAP", SIGTRAP }, { "ABRT", SIGABRT },     { "BUS", SIGBUS },   { "FPE", SIGFPE },
	{ "KILL", SIGKILL }, { "USR1", SIGUSR1 },     { "SEGV", SIGSEGV }, { "USR2", SIGUSR2 },
	{ "PIPE", SIGPIPE }, { "ALRM", SIGALRM },     { "TERM", SIGTERM }, { "STKFLT", SIGSTKFLT },
	{ "CHLD", SIGCHLD }, { "CONT", SIGCONT },     { "STOP", SIGSTOP }, { "TSTP", SIGTSTP },
	{ "TTIN", SIGTTIN }, { "TTOU", SIGTTOU },     { "URG", SIGURG },   { "XCPU", SIGXCPU },
	{ "XFSZ", SIGXFSZ }, { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF }, { "WINCH", SIGWINCH },
	{ "IO", SIGIO },     { "PWR", SIGPWR },       { "SYS", SIGSYS },
};

int cli_signal(const char *text, int *number, struct err *err)
{
	const char *name = !strncasecmp(text, "SIG", 3) ? text + 3 : text;
	uint64_t n;

	if (isdigit((unsigned char)*text)) {
		int rc = cli_number(text, "signal", 1, 64, &n, err);

		*number = (int)n;
		return rc;
	}
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (!strcasecmp(name, signals[i].name)) {
			*number = signals[i].number;
			return 0;
		}
	}
	return err_set(err, EINVAL, "invalid signal: %s", text);
}

const char *cli_signal_name(int number)
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (signals[i].number == number)
			return signals[i].name;
	}
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs a fuzzer on its corpus, as a test.
 *
 * Theory of operation
 * -------------------
 * A fuzzer is a file NAME_fuzz.c with LLVMFuzzerTestOneInput(), which feeds one input to a parser
 * and aborts when the parser breaks a promise; its corpus is the directory corpus/NAME. Linked
 * with this main() it takes files and directories and prints a line of TAP for each file; every
 * input is also tried cut off at each length (up to CUT_MAX), which finds most reads past an end.
 * Inputs are handed over in memory of exactly their size, so that ASan sees one byte too far.
 * Linked with libFuzzer instead (meson -Dfuzzing=true) the same file searches for new inputs.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CUT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned count;

static void run_input(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static uint8_t *read_whole(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	long end;

	if (!file)
		return NULL;
	if (fseek(file, 0, SEEK_END) == 0 && (end = ftell(file)) >= 0 &&
	    fseek(file, 0, SEEK_SET) == 0 && (data = malloc((size_t)end + 1))) {
		*size = fread(data, 1, (size_t)end, file);
		if (ferror(file) || *size != (size_t)end) {
			free(data);
			data = NULL;
		}
	}
	fclose(file);
	return data;
}

static int run_file(const char *path)
{
	size_t size = 0, cut;
	uint8_t *data = read_whole(path, &size);

	if (!data) {
		printf("not ok %u - %s: %s\n", ++count, path, strerror(errno));
		return 1;
	}
	for (cut = 0; cut < size && cut < CUT_MAX; cut++)
		run_input(data, cut);
	run_input(data, size);
	free(data);
	printf("ok %u - %s\n", ++count, strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	return 0;
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int run_directory(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_input, alphasort), i, failed = 0;
	char *name;

	if (n <= 0) {
		printf("not ok %u - %s: no inputs in it\n", ++count, path);
		return 1;
	}
	for (i = 0; i < n; i++) {
		if (asprintf(&name, "%s/%s", path, entries[i]->d_name) < 0)
			abort();
		failed |= run_file(name);
		free(name);
		free(entries[i]);
	}
	free(entries);
	return failed;
}

int main(int argc, char **argv)
{
	struct stat st;
	int i, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 1; i < argc; i++) {
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			failed |= run_directory(argv[i]);
		else
			failed |= run_file(argv[i]);
	}
	printf("1..%u\n", count);
	return failed;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hillock run: an image, a kernel, a command.
 *
 * Theory of operation
 * -------------------
 * Everything is checked and opened here first, in the order in which a user would want to hear
 * of it; then container_launch() makes the container and this process is only its session.
 * Whatever fails before the command runs is 125, as docker has it; 126 and 127 come from the
 * guest, which is the one to know.
 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/mounts.h"
#include "image/image.h"

#define MEMORY_DEFAULT (512ull << 20)
#define MEMORY_LEAST (8ull << 20)
#define MEMORY_MOST (1ull << 40)
#define LAYER_SIZE_DEFAULT (16ull << 30)
#define LAYER_SIZE_LEAST (16ull << 20)
#define LAYER_SIZE_MOST (4ull << 40)

static struct {
	int remove, detach, interactive, terminal, read_only, sig_proxy;
	const char *name, *cwd, *user, *hostname, *memory, *cpus, *pids, *entrypoint, *kernel,
		*machine, *mode, *log_driver, *timing, *boot;
	struct cli_list env, env_files, volumes, tmpfs, storage;
} opt = { .sig_proxy = 1, .machine = "um" };

static const struct cli_option options[] = {
	{ 0, "boot-timeout", CLI_VALUE, &opt.boot, "SECONDS",
	  "How long the kernel may take to come up (30)" },
	{ 0, "cpus", CLI_VALUE, &opt.cpus, "N", "Share in CPUs, and as many virtual ones (1)" },
	{ 'd', "detach", CLI_FLAG, &opt.detach, NULL, "Run in the background, print the ID" },
	{ 0, "entrypoint", CLI_VALUE, &opt.entrypoint, "E", "Instead of the image's entrypoint" },
	{ 'e', "env", CLI_LIST, &opt.env, "K[=V]", "Set an environment variable" },
	{ 0, "env-file", CLI_LIST, &opt.env_files, "FILE", "Read environment variables from it" },
	{ 'h', "hostname", CLI_VALUE, &opt.hostname, "NAME", "The container's host name" },
	{ 'i', "interactive", CLI_FLAG, &opt.interactive, NULL, "Pass standard input on" },
	{ 0, "kernel", CLI_VALUE, &opt.kernel, "K",
	  "Kernel: a name ('hillock kernel ls'), a path" },
	{ 0, "log-driver", CLI_VALUE, &opt.log_driver, "D", "\"none\": keep no log of the output" },
	{ 0, "machine", CLI_VALUE, &opt.machine, "M", "Where the kernel runs (um)" },
	{ 'm', "memory", CLI_VALUE, &opt.memory, "BYTES", "Memory (512m)" },
	{ 0, "name", CLI_VALUE, &opt.name, "NAME", "A name for the container" },
	{ 0, "pids-limit", CLI_VALUE, &opt.pids, "N", "Most processes on the host" },
	{ 0, "read-only", CLI_FLAG, &opt.read_only, NULL, "No writable layer" },
	{ 0, "rm", CLI_FLAG, &opt.remove, NULL, "Remove the container when it ends" },
	{ 0, "sig-proxy", CLI_FLAG, &opt.sig_proxy, NULL, "Pass signals on (true)" },
	{ 0, "storage-opt", CLI_LIST, &opt.storage, "K=V",
	  "layer=disk, layer=memory, or size=BYTES of a disk layer (16g)" },
	{ 0, "timing", CLI_VALUE, &opt.timing, "FILE", "Write when each phase was reached (JSON)" },
	{ 0, "tmpfs", CLI_LIST, &opt.tmpfs, "DIR[:OPTS]", "Mount a file system in memory" },
	{ 't', "tty", CLI_FLAG, &opt.terminal, NULL, "Give it a terminal" },
	{ 0, "um-mode", CLI_VALUE, &opt.mode, "MODE",
	  "How um runs user code: one, seccomp or ptrace (one on one CPU)" },
	{ 'u', "user", CLI_VALUE, &opt.user, "USER[:GROUP]", "Names or numbers" },
	{ 'v', "volume", CLI_LIST, &opt.volumes, "HOST:GUEST[:ro]", "Mount a file or directory" },
	{ 'w', "workdir", CLI_VALUE, &opt.cwd, "DIR", "Working directory" },
	{ 0 },
};

/* --- the configuration ----------------------------------------------------------------------- */

static int read_memory(struct container_config *config, struct err *err)
{
	int rc;

	config->memory = MEMORY_DEFAULT;
	if (!opt.memory)
		return 0;
	rc = cli_bytes(opt.memory, &config->memory, err);
	if (rc < 0)
		return err_context(err, "--memory");
	if (config->memory < MEMORY_LEAST || config->memory > MEMORY_MOST)
		return err_set(err, EINVAL, "--memory %s: it must be from 8m to 1024g", opt.memory);
	config->memory &= ~4095ull;
	return 0;
}

static unsigned host_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static int read_cpus(struct container_config *config, struct err *err)
{
	unsigned most = host_cpus();
	char *end;

	config->vcpus = 1;
	if (!opt.cpus)
		return 0;
	errno = 0;
	config->cpus = strtod(opt.cpus, &end);
	if (errno || end == opt.cpus || *end || !(config->cpus >= 0.01) || config->cpus > most)
		return err_set(err, EINVAL,
			       "--cpus %s: it must be from 0.01 to %u, as many as are available",
			       opt.cpus, most);
	if (most > CONTAINER_CPUS_MAX)
		most = CONTAINER_CPUS_MAX;
	config->vcpus = (unsigned)ceil(config->cpus);
	if (config->vcpus > most)
		config->vcpus = most;
	return 0;
}

static int read_storage(struct container_config *config, struct err *err)
{
	config->layer_size = LAYER_SIZE_DEFAULT;
	for (size_t i = 0; i < opt.storage.count; i++) {
		const char *item = opt.storage.items[i];
		int rc = 0;

		if (!strcmp(item, "layer=memory"))
			config->layer = CONTAINER_LAYER_MEMORY;
		else if (!strcmp(item, "layer=disk"))
			config->layer = CONTAINER_LAYER_DISK;
		else if (!strncmp(item, "size=", 5))
			rc = cli_bytes(item + 5, &config->layer_size, err);
		else
			return err_set(
				err, EINVAL,
				"--storage-opt %s: it is layer=disk, layer=memory or size=BYTES",
				item);
		if (rc < 0)
			return err_context(err, "--storage-opt %s", item);
	}
	config->layer_size &= ~4095ull;
	if (config->layer_size < LAYER_SIZE_LEAST || config->layer_size > LAYER_SIZE_MOST)
		return err_set(err, EINVAL, "--storage-opt size: it must be from 16m to 4096g");
	return 0;
}

static int read_limits(struct container_config *config, struct err *err)
{
	int rc = read_memory(config, err);

	if (rc == 0)
		rc = read_cpus(config, err);
	if (rc == 0)
		rc = read_storage(config, err);
	if (rc == 0 && opt.pids && strcmp(opt.pids, "-1") != 0)
		rc = cli_number(opt.pids, "--pids-limit", 16, 1u << 22, &config->pids, err);
	if (rc == 0 && opt.log_driver && strcmp(opt.log_driver, "none") != 0)
		rc = err_set(err, EINVAL, "--log-driver %s: the only other one is none",
			     opt.log_driver);
	if (rc == 0 && opt.name && strlen(opt.name) > CONTAINER_NAME_MAX)
		rc = err_set(err, EINVAL, "--name: longer than %d characters", CONTAINER_NAME_MAX);
	return rc;
}

/* docker's rules: --entrypoint replaces the image's and its command; words replace the command. */
static int read_command(const struct image *image, int argc, char **argv, char ***command,
			struct err *err)
{
	static struct cli_list list;
	char **tail = argc > 0 ? argv : opt.entrypoint ? NULL : image->command;

	if (opt.entrypoint && *opt.entrypoint)
		cli_list_add(&list, (char *)opt.entrypoint);
	for (char **e = opt.entrypoint ? NULL : image->entrypoint; e && *e; e++)
		cli_list_add(&list, *e);
	for (; tail && *tail; tail++)
		cli_list_add(&list, *tail);
	*command = list.items;
	if (list.count > 0)
		return 0;
	err_set(err, EINVAL, "no command specified, and the image has none");
	err_hint(err, "hillock run %s COMMAND", image->name);
	return -EINVAL;
}

static int fill_config(struct container_config *config, const struct image *image,
		       struct cli_mounts *mounts, int argc, char **argv, struct err *err)
{
	int rc;

	snprintf(config->name, sizeof(config->name), "%s", opt.name ? opt.name : "");
	config->machine = (char *)opt.machine;
	config->hostname = (char *)opt.hostname;
	config->cwd = (char *)(opt.cwd ? opt.cwd : image->cwd);
	config->user = (char *)(opt.user ? opt.user : image->user);
	config->terminal = opt.terminal;
	config->stdin_open = opt.interactive;
	config->read_only = opt.read_only;
	config->auto_remove = opt.remove;
	config->no_log = opt.log_driver != NULL;
	config->mounts = mounts->mounts;
	config->mount_count = mounts->count;
	if (opt.cwd && opt.cwd[0] != '/')
		return err_set(err, EINVAL, "--workdir %s: it must be an absolute path", opt.cwd);
	rc = read_command(image, argc - 1, argv + 1, &config->argv, err);
	if (rc == 0)
		rc = cli_env(image->env, &opt.env_files, &opt.env, &config->env, err);
	return rc;
}

/* --- running --------------------------------------------------------------------------------- */

static int write_timing(const uint64_t phases[CONTAINER_PHASES], struct err *err)
{
	const char *path = opt.timing ? opt.timing : getenv("HILLOCK_TIMING");
	struct json_object *o, *list;
	const char *text;
	int rc;

	if (!path || !*path)
		return 0;
	o = json_object_new_object();
	list = json_object_new_object();
	for (int i = 0; i < CONTAINER_PHASES; i++)
		json_object_object_add(list, container_phase_names[i],
				       json_object_new_int64((int64_t)phases[i]));
	json_object_object_add(o, "phases", list);
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_SPACED);
	{
		cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

		rc = fd < 0 ? -errno : fd_write_full(fd, text, strlen(text));
	}
	json_object_put(o);
	return rc < 0 ? err_sys(err, -rc, "writing the timing to %s", path) : 0;
}

/* -d: waits until the command runs, or says why it does not. */
static int wait_started(int news_fd, const char *id, struct err *err)
{
	static struct container_news news;

	if (container_news_read(news_fd, &news, err) < 0) {
		cli_error(err);
		return EXIT_RUN;
	}
	if (news.failed) {
		cli_error(&news.err);
		return news.exit_code;
	}
	printf("%s\n", id);
	if (write_timing(news.phases, err) < 0)
		cli_error(err);
	return cli_flush();
}

static int run_session(const struct container_client *client, const sigset_t *signals,
		       struct err *err)
{
	const struct container_session session = {
		.fd = client->session_fd,
		.news_fd = client->news_fd,
		.stdin_fd = opt.interactive ? STDIN_FILENO : -1,
		.terminal = opt.terminal,
		.sig_proxy = opt.sig_proxy,
		.signals = signals,
	};
	uint64_t phases[CONTAINER_PHASES];
	int status = cli_session(&session, phases);

	if (write_timing(phases, err) < 0)
		cli_error(err);
	return status;
}

/* Several CPUs want a kernel that is built for them; with the other there is one, and a note. */
static int open_kernel(const struct container_store *store, const struct machine_ops *machine,
		       struct container_config *config, char kernel[CONTAINER_NAME_MAX],
		       struct err *err)
{
	int fd;

	if (opt.kernel || config->vcpus < 2)
		return container_kernel_open(store, opt.kernel, kernel, err);
	fd = container_kernel_open(store, machine->smp_kernel, kernel, NULL);
	if (fd >= 0)
		return fd;
	cli_warn("no kernel '%s' for several CPUs: the container sees one; build it with "
		 "'hillock kernel build --name %s'",
		 machine->smp_kernel, machine->smp_kernel);
	config->vcpus = 1;
	return container_kernel_open(store, NULL, kernel, err);
}

static int choose_mode(const struct machine_ops *machine, struct container_config *config,
		       struct err *err)
{
	const char *const *mode = machine->modes;

	config->mode = (char *)(machine->modes ? machine->mode_default(config->vcpus) : "");
	if (!opt.mode)
		return 0;
	while (mode && *mode && strcmp(*mode, opt.mode) != 0)
		mode++;
	if (!mode || !*mode) {
		err_set(err, EINVAL, "--um-mode %s: the %s machine has no such mode", opt.mode,
			machine->name);
		err_hint(err, "the modes of the um machine are one, seccomp and ptrace");
		return -EINVAL;
	}
	if (config->vcpus > 1 && strcmp(opt.mode, config->mode) != 0)
		return err_set(err, EINVAL, "--um-mode %s: on several CPUs there is only %s",
			       opt.mode, config->mode);
	config->mode = (char *)opt.mode;
	return 0;
}

static int open_files(const struct container_store *store, const struct machine_ops *machine,
		      struct container_launch *launch, char kernel[CONTAINER_NAME_MAX],
		      struct err *err)
{
	int rc = machine->probe(err);

	if (rc < 0)
		return err_context(err, "the %s machine cannot run here", machine->name);
	launch->kernel_fd = open_kernel(store, machine, launch->config, kernel, err);
	if (launch->kernel_fd < 0)
		return launch->kernel_fd;
	rc = choose_mode(machine, launch->config, err);
	if (rc < 0)
		return rc;
	rc = machine->check_kernel(launch->kernel_fd, err);
	if (rc < 0) {
		err_context(err, "kernel %s", kernel);
		err_hint(err, "build it again with 'hillock kernel build', or name another");
		return rc;
	}
	launch->initrd_fd = container_libexec_open("initrd.cpio", err);
	return launch->initrd_fd < 0 ? launch->initrd_fd : 0;
}

/* Everything up to the container: 0, or an error to be printed. */
static int prepare(struct cli *cli, int argc, char **argv, struct container_store *store,
		   struct container_launch *launch, struct err *err)
{
	static char kernel[CONTAINER_NAME_MAX];
	static struct cli_mounts mounts;
	static struct image image;
	struct container_config *config = launch->config;
	uint64_t boot = 0;
	int rc = read_limits(config, err);

	if (rc == 0 && opt.boot)
		rc = cli_number(opt.boot, "--boot-timeout", 1, 86400, &boot, err);
	if (rc == 0 && !opt.detach)
		rc = cli_check_terminal(opt.interactive, opt.terminal, err);
	if (rc < 0)
		return rc;
	launch->machine = machine_find(opt.machine);
	if (!launch->machine)
		return err_set(err, ENOENT, "no such machine '%s'", opt.machine);
	rc = container_store_open(store, cli->root, err);
	if (rc == 0)
		rc = image_open(store->fd, argv[0], &image, err);
	if (rc == 0)
		rc = open_files(store, launch->machine, launch, kernel, err);
	if (rc == 0)
		rc = cli_mounts(&opt.volumes, &opt.tmpfs, &mounts, err);
	if (rc == 0)
		rc = fill_config(config, &image, &mounts, argc, argv, err);
	if (rc < 0)
		return rc;
	config->image = image.name;
	config->kernel = kernel;
	launch->root_fd = image.root_fd;
	launch->root_type = image.type;
	memcpy(launch->volume_fds, mounts.volume_fds, sizeof(mounts.volume_fds));
	launch->attach = !opt.detach;
	launch->client_ns = cli->begun;
	launch->boot_seconds = (unsigned)boot;
	if (opt.terminal)
		container_terminal_size(isatty(STDIN_FILENO) ? STDIN_FILENO : STDOUT_FILENO,
					&launch->rows, &launch->columns);
	return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static struct container_config config;
	static struct container_launch launch = { .config = &config };
	struct container_store store;
	struct container_client client;
	struct err err = ERR_INIT;
	sigset_t signals;
	int rc = prepare(cli, argc, argv, &store, &launch, &err);

	if (rc == 0) {
		cli_block_signals(&signals);
		rc = container_launch(&store, &launch, &client, &err);
	}
	if (rc < 0) {
		cli_error(&err);
		return rc == -ENOTTY ? EXIT_ERROR : EXIT_RUN;
	}
	if (opt.detach)
		return wait_started(client.news_fd, config.id, &err);
	return run_session(&client, &signals, &err);
}

const struct cli_verb cli_run = {
	.name = "run",
	.usage = "[OPTIONS] IMAGE|DIR|FILE.ext4|FILE.erofs [COMMAND] [ARG...]",
	.summary = "Make a container with a kernel of its own, and run a command in it",
	.example = "  hillock run --rm -it busybox sh\n"
		   "  hillock run -d --name web -v \"$PWD/site:/srv:ro\" my-image httpd -f -h /srv",
	.options = options,
	.stop = 1,
	.least = 1,
	.most = -1,
	.run = run,
};

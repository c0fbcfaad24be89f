// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config.json and state.json of a container, to plain structs and back.
 *
 * Theory of operation
 * -------------------
 * Both files are replaced as a whole, so a reader sees an old or a new one, never a part. They
 * are our own, but they lie where a user may edit them, so every value is checked for its type
 * and its range, and what is missing has a default. Times are integers in ns: making them
 * readable is for cli/.
 */
#include "container/room.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

enum { FILE_MAX = 1024 * 1024, LIST_MAX = 8192 };

const char *const container_status_names[CONTAINER_STATUSES] = {
	[CONTAINER_CREATED] = "created",
	[CONTAINER_RUNNING] = "running",
	[CONTAINER_EXITED] = "exited",
	[CONTAINER_DEAD] = "dead",
};

const char *const container_phase_names[CONTAINER_PHASES] = {
	[PHASE_CLIENT] = "client",   [PHASE_KEEPER] = "keeper",   [PHASE_JAIL] = "jail",
	[PHASE_KERNEL] = "kernel",   [PHASE_MONITOR] = "monitor", [PHASE_CLOCK] = "clock",
	[PHASE_HELLO] = "hello",     [PHASE_READY] = "ready",     [PHASE_STARTED] = "started",
	[PHASE_EXIT] = "exit",       [PHASE_DOWN] = "down",       [PHASE_KILLED] = "killed",
	[PHASE_REMOVED] = "removed",
};

static const char *const layer_names[CONTAINER_LAYERS] = {
	[CONTAINER_LAYER_DISK] = "disk",
	[CONTAINER_LAYER_MEMORY] = "memory",
};

/* --- writing --------------------------------------------------------------------------------- */

static void add_string(struct json_object *o, const char *key, const char *value)
{
	if (value)
		json_object_object_add(o, key, json_object_new_string(value));
}

static void add_int(struct json_object *o, const char *key, int64_t value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
}

static void add_bool(struct json_object *o, const char *key, int value)
{
	json_object_object_add(o, key, json_object_new_boolean(value != 0));
}

static void add_list(struct json_object *o, const char *key, char **list)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; list && list[i]; i++)
		json_object_array_add(array, json_object_new_string(list[i]));
	json_object_object_add(o, key, array);
}

static int write_file(int dir_fd, const char *name, struct json_object *o, struct err *err)
{
	const char *text = json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	int rc = text ? fd_replace_file(dir_fd, name, text, strlen(text), 0600, err)
		      : err_sys(err, ENOMEM, "writing %s", name);

	json_object_put(o);
	return rc;
}

static struct json_object *mount_json(const struct container_mount *m)
{
	struct json_object *o = json_object_new_object();

	add_string(o, "kind", m->kind);
	add_string(o, "source", m->source);
	add_string(o, "target", m->target);
	add_string(o, "options", m->options);
	add_bool(o, "read_only", m->read_only);
	add_bool(o, "is_file", m->is_file);
	return o;
}

int config_write(int dir_fd, const struct container_config *c, struct err *err)
{
	struct json_object *o = json_object_new_object(), *mounts = json_object_new_array();

	add_string(o, "id", c->id);
	add_string(o, "name", c->name);
	add_string(o, "image", c->image);
	add_string(o, "kernel", c->kernel);
	add_string(o, "machine", c->machine);
	add_string(o, "mode", c->mode);
	add_string(o, "hostname", c->hostname);
	add_string(o, "cwd", c->cwd);
	add_string(o, "user", c->user);
	add_list(o, "argv", c->argv);
	add_list(o, "env", c->env);
	add_int(o, "created", c->created);
	add_int(o, "memory", (int64_t)c->memory);
	json_object_object_add(o, "cpus", json_object_new_double(c->cpus));
	add_int(o, "vcpus", c->vcpus);
	add_int(o, "pids", (int64_t)c->pids);
	add_string(o, "layer", layer_names[c->layer]);
	add_int(o, "layer_size", (int64_t)c->layer_size);
	add_bool(o, "terminal", c->terminal);
	add_bool(o, "stdin_open", c->stdin_open);
	add_bool(o, "read_only", c->read_only);
	add_bool(o, "auto_remove", c->auto_remove);
	add_bool(o, "no_log", c->no_log);
	add_int(o, "host_uid", c->host_uid);
	add_int(o, "host_gid", c->host_gid);
	for (unsigned i = 0; i < c->mount_count; i++)
		json_object_array_add(mounts, mount_json(&c->mounts[i]));
	json_object_object_add(o, "mounts", mounts);
	return write_file(dir_fd, "config.json", o, err);
}

int state_write(int dir_fd, const struct container_state *s, struct err *err)
{
	struct json_object *o = json_object_new_object(), *phases = json_object_new_object();

	add_string(o, "status", container_status_names[s->status]);
	add_int(o, "keeper", s->keeper);
	add_int(o, "monitor", s->monitor);
	add_int(o, "machine", s->machine);
	add_int(o, "guest_pid", s->guest_pid);
	add_int(o, "exit_code", s->exit_code);
	add_int(o, "signal", s->signal);
	add_bool(o, "out_of_memory", s->out_of_memory);
	add_int(o, "started", s->started);
	add_int(o, "finished", s->finished);
	add_int(o, "log_lost", (int64_t)s->log_lost);
	add_int(o, "landlock", s->landlock);
	add_string(o, "reason", s->reason);
	add_string(o, "unlimited", s->unlimited);
	for (int i = 0; i < CONTAINER_PHASES; i++) {
		if (s->phases[i])
			add_int(phases, container_phase_names[i], (int64_t)s->phases[i]);
	}
	json_object_object_add(o, "phases", phases);
	return write_file(dir_fd, "state.json", o, err);
}

/* --- reading --------------------------------------------------------------------------------- */

static struct json_object *get(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(o, key, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

static char *get_string(struct json_object *o, const char *key)
{
	struct json_object *value = get(o, key, json_type_string);

	return strdup(value ? json_object_get_string(value) : "");
}

static void get_text(struct json_object *o, const char *key, char *out, size_t room)
{
	struct json_object *value = get(o, key, json_type_string);
	const char *text = value ? json_object_get_string(value) : "";
	size_t length = strnlen(text, room - 1);

	memcpy(out, text, length);
	out[length] = '\0';
}

static int64_t get_int(struct json_object *o, const char *key, int64_t low, int64_t high)
{
	struct json_object *value = get(o, key, json_type_int);
	int64_t n = value ? json_object_get_int64(value) : 0;

	return n < low || n > high ? 0 : n;
}

static int get_bool(struct json_object *o, const char *key)
{
	struct json_object *value = get(o, key, json_type_boolean);

	return value && json_object_get_boolean(value);
}

static char **get_list(struct json_object *o, const char *key)
{
	struct json_object *array = get(o, key, json_type_array);
	size_t count = array ? json_object_array_length(array) : 0;
	char **list;

	if (count > LIST_MAX)
		count = LIST_MAX;
	list = calloc(count + 1, sizeof(*list));
	for (size_t i = 0; list && i < count; i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(array, i));

		list[i] = strdup(text ? text : "");
		if (!list[i])
			break;
	}
	return list;
}

static unsigned get_name(struct json_object *o, const char *key, const char *const *names,
			 unsigned count)
{
	struct json_object *value = get(o, key, json_type_string);

	for (unsigned i = 0; value && i < count; i++) {
		if (!strcmp(json_object_get_string(value), names[i]))
			return i;
	}
	return 0;
}

/* *o is the object in the file, to be put. */
static int read_file(int dir_fd, const char *name, struct json_object **o, struct err *err)
{
	cleanup_free char *text = NULL;
	enum json_tokener_error bad = json_tokener_success;
	int rc = fd_read_file(dir_fd, name, FILE_MAX, &text, NULL, err);

	if (rc < 0)
		return rc;
	*o = json_tokener_parse_verbose(text, &bad);
	if (*o && json_object_is_type(*o, json_type_object))
		return 0;
	json_object_put(*o);
	return err_set(err, EBADMSG, "%s is damaged: %s", name,
		       bad ? json_tokener_error_desc(bad) : "it is no JSON object");
}

static void read_mounts(struct json_object *o, struct container_config *c)
{
	struct json_object *mounts = get(o, "mounts", json_type_array);
	size_t count = mounts ? json_object_array_length(mounts) : 0;

	if (count > WIRE_MOUNTS_MAX)
		count = WIRE_MOUNTS_MAX;
	c->mounts = calloc(count + 1, sizeof(*c->mounts));
	for (size_t i = 0; c->mounts && i < count; i++) {
		struct json_object *m = json_object_array_get_idx(mounts, i);

		if (!json_object_is_type(m, json_type_object))
			continue;
		c->mounts[c->mount_count++] = (struct container_mount){
			.kind = get_string(m, "kind"),
			.source = get_string(m, "source"),
			.target = get_string(m, "target"),
			.options = get_string(m, "options"),
			.read_only = get_bool(m, "read_only"),
			.is_file = get_bool(m, "is_file"),
		};
	}
}

int config_read(int dir_fd, struct container_config *c, struct err *err)
{
	struct json_object *o = NULL, *cpus;
	int rc = read_file(dir_fd, "config.json", &o, err);

	if (rc < 0)
		return rc;
	*c = (struct container_config){
		.image = get_string(o, "image"),
		.kernel = get_string(o, "kernel"),
		.machine = get_string(o, "machine"),
		.mode = get_string(o, "mode"),
		.hostname = get_string(o, "hostname"),
		.cwd = get_string(o, "cwd"),
		.user = get_string(o, "user"),
		.argv = get_list(o, "argv"),
		.env = get_list(o, "env"),
		.created = get_int(o, "created", 0, INT64_MAX),
		.memory = (uint64_t)get_int(o, "memory", 0, INT64_MAX),
		.vcpus = (unsigned)get_int(o, "vcpus", 0, CONTAINER_CPUS_MAX),
		.pids = (uint64_t)get_int(o, "pids", 0, INT64_MAX),
		.layer = (enum container_layer)get_name(o, "layer", layer_names, CONTAINER_LAYERS),
		.layer_size = (uint64_t)get_int(o, "layer_size", 0, INT64_MAX),
		.terminal = get_bool(o, "terminal"),
		.stdin_open = get_bool(o, "stdin_open"),
		.read_only = get_bool(o, "read_only"),
		.auto_remove = get_bool(o, "auto_remove"),
		.no_log = get_bool(o, "no_log"),
		.host_uid = (uid_t)get_int(o, "host_uid", 0, UINT32_MAX),
		.host_gid = (gid_t)get_int(o, "host_gid", 0, UINT32_MAX),
	};
	get_text(o, "id", c->id, sizeof(c->id));
	get_text(o, "name", c->name, sizeof(c->name));
	cpus = get(o, "cpus", json_type_double);
	c->cpus = cpus ? json_object_get_double(cpus) : 0;
	read_mounts(o, c);
	json_object_put(o);
	if (!c->argv || !c->env || !c->mounts) {
		container_config_free(c);
		return err_sys(err, ENOMEM, "reading config.json");
	}
	return 0;
}

static void free_list(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

void container_config_free(struct container_config *c)
{
	for (unsigned i = 0; i < c->mount_count; i++) {
		free(c->mounts[i].kind);
		free(c->mounts[i].source);
		free(c->mounts[i].target);
		free(c->mounts[i].options);
	}
	free(c->mounts);
	free_list(c->argv);
	free_list(c->env);
	free(c->image);
	free(c->kernel);
	free(c->mode);
	free(c->machine);
	free(c->hostname);
	free(c->cwd);
	free(c->user);
	*c = (struct container_config){ 0 };
}

int state_read(int dir_fd, struct container_state *s, struct err *err)
{
	struct json_object *o = NULL, *phases;
	int rc = read_file(dir_fd, "state.json", &o, err);

	if (rc < 0)
		return rc;
	*s = (struct container_state){
		.status = (enum container_status)get_name(o, "status", container_status_names,
							  CONTAINER_STATUSES),
		.keeper = (pid_t)get_int(o, "keeper", 0, INT32_MAX),
		.monitor = (pid_t)get_int(o, "monitor", 0, INT32_MAX),
		.machine = (pid_t)get_int(o, "machine", 0, INT32_MAX),
		.guest_pid = (uint32_t)get_int(o, "guest_pid", 0, INT32_MAX),
		.exit_code = (int)get_int(o, "exit_code", 0, 255),
		.signal = (int)get_int(o, "signal", 0, 64),
		.out_of_memory = get_bool(o, "out_of_memory"),
		.started = get_int(o, "started", 0, INT64_MAX),
		.finished = get_int(o, "finished", 0, INT64_MAX),
		.log_lost = (uint64_t)get_int(o, "log_lost", 0, INT64_MAX),
		.landlock = (int)get_int(o, "landlock", 0, INT32_MAX),
	};
	get_text(o, "reason", s->reason, sizeof(s->reason));
	get_text(o, "unlimited", s->unlimited, sizeof(s->unlimited));
	phases = get(o, "phases", json_type_object);
	for (int i = 0; phases && i < CONTAINER_PHASES; i++)
		s->phases[i] = (uint64_t)get_int(phases, container_phase_names[i], 0, INT64_MAX);
	json_object_put(o);
	return 0;
}

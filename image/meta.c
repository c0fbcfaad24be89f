// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * image.json: what the store notes about an image.
 *
 * Theory of operation
 * -------------------
 *	{ "name", "type", "created" (RFC 3339), "source", "files", "content",
 *	  "config": { "Entrypoint", "Cmd", "Env", "WorkingDir", "User" } }
 * The names in "config" are those of an OCI image's. Unknown members are left alone; a member of
 * another type than expected makes the file unusable, with an error that names it.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "image/room.h"

#define FILE_NAME "image.json"
#define FILE_MAX (1u << 20)
#define DEPTH_MAX 16
#define STRINGS_MAX 4096

/* --- writing -------------------------------------------------------------------------------- */

static void add_text(struct json_object *object, const char *key, const char *text)
{
	if (text)
		json_object_object_add(object, key, json_object_new_string(text));
}

static void add_list(struct json_object *object, const char *key, char *const *list)
{
	struct json_object *array;

	if (!list)
		return;
	array = json_object_new_array();
	for (; *list; list++)
		json_object_array_add(array, json_object_new_string(*list));
	json_object_object_add(object, key, array);
}

int image_meta_write(int dirfd, const struct image_meta *meta, struct err *err)
{
	struct json_object *top = json_object_new_object(), *config = json_object_new_object();
	time_t created = meta->created;
	char when[32] = "";
	const char *text;
	struct tm tm;
	int rc;

	if (gmtime_r(&created, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	add_text(top, "name", meta->name);
	add_text(top, "type", meta->type);
	add_text(top, "created", when);
	add_text(top, "source", meta->source);
	json_object_object_add(top, "files", json_object_new_int64(meta->files));
	json_object_object_add(top, "content", json_object_new_int64((int64_t)meta->content));
	add_list(config, "Entrypoint", meta->entrypoint);
	add_list(config, "Cmd", meta->command);
	add_list(config, "Env", meta->env);
	add_text(config, "WorkingDir", meta->cwd);
	add_text(config, "User", meta->user);
	json_object_object_add(top, "config", config);
	text = json_object_to_json_string_ext(top, JSON_C_TO_STRING_PRETTY |
							   JSON_C_TO_STRING_NOSLASHESCAPE);
	rc = text ? fd_replace_file(dirfd, FILE_NAME, text, strlen(text), 0600, err)
		  : err_sys(err, ENOMEM, "writing %s", FILE_NAME);
	json_object_put(top);
	return rc;
}

/* --- reading -------------------------------------------------------------------------------- */

static struct json_object *member(struct json_object *object, const char *key, json_type type,
				  struct err *err)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) || !value)
		return NULL;
	if (json_object_get_type(value) == type)
		return value;
	err_set(err, EBADMSG, "'%s' is no %s", key, json_type_to_name(type));
	return NULL;
}

static void get_text(struct json_object *object, const char *key, char **text, struct err *err)
{
	struct json_object *value = member(object, key, json_type_string, err);

	if (!value)
		return;
	*text = strdup(json_object_get_string(value));
	if (!*text)
		err_sys(err, ENOMEM, "'%s'", key);
}

static void get_fixed(struct json_object *object, const char *key, char *text, size_t room,
		      struct err *err)
{
	struct json_object *value = member(object, key, json_type_string, err);

	if (value && (size_t)snprintf(text, room, "%s", json_object_get_string(value)) >= room)
		err_set(err, EBADMSG, "'%s' is too long", key);
}

static uint64_t get_number(struct json_object *object, const char *key, struct err *err)
{
	struct json_object *value = member(object, key, json_type_int, err);
	int64_t number = value ? json_object_get_int64(value) : 0;

	if (number < 0)
		err_set(err, EBADMSG, "'%s' is negative", key);
	return (uint64_t)number;
}

static void get_list(struct json_object *object, const char *key, char ***list, struct err *err)
{
	struct json_object *array = member(object, key, json_type_array, err);
	size_t count = array ? json_object_array_length(array) : 0;

	if (!array)
		return;
	if (count > STRINGS_MAX || !(*list = calloc(count + 1, sizeof(char *)))) {
		err_set(err, ENOMEM, "'%s' is too long", key);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct json_object *value = json_object_array_get_idx(array, i);

		if (json_object_get_type(value) != json_type_string ||
		    !((*list)[i] = strdup(json_object_get_string(value)))) {
			err_set(err, EBADMSG, "'%s' holds something else than strings", key);
			return;
		}
	}
}

int image_meta_parse(const char *text, size_t size, struct image_meta *meta, struct err *err)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *top = NULL, *config;
	struct err inner = ERR_INIT;
	char when[32] = "";
	struct tm tm = { 0 };

	memset(meta, 0, sizeof(*meta));
	if (!tokener)
		return err_sys(err, ENOMEM, FILE_NAME);
	if (size <= FILE_MAX)
		top = json_tokener_parse_ex(tokener, text, (int)size);
	json_tokener_free(tokener);
	if (!top || json_object_get_type(top) != json_type_object) {
		json_object_put(top);
		return err_set(err, EBADMSG, FILE_NAME ": not a JSON object");
	}
	get_fixed(top, "name", meta->name, sizeof(meta->name), &inner);
	get_fixed(top, "type", meta->type, sizeof(meta->type), &inner);
	get_fixed(top, "created", when, sizeof(when), &inner);
	get_text(top, "source", &meta->source, &inner);
	meta->files = (uint32_t)get_number(top, "files", &inner);
	meta->content = get_number(top, "content", &inner);
	if (strptime(when, "%Y-%m-%dT%H:%M:%SZ", &tm))
		meta->created = timegm(&tm);
	config = member(top, "config", json_type_object, &inner);
	if (config) {
		get_list(config, "Entrypoint", &meta->entrypoint, &inner);
		get_list(config, "Cmd", &meta->command, &inner);
		get_list(config, "Env", &meta->env, &inner);
		get_text(config, "WorkingDir", &meta->cwd, &inner);
		get_text(config, "User", &meta->user, &inner);
	}
	json_object_put(top);
	return inner.code ? err_set(err, inner.code, FILE_NAME ": %s", inner.text) : 0;
}

int image_meta_read(int dirfd, struct image_meta *meta, struct err *err)
{
	cleanup_free char *text = NULL;
	size_t size;
	int rc = fd_read_file(dirfd, FILE_NAME, FILE_MAX, &text, &size, err);

	memset(meta, 0, sizeof(*meta));
	return rc < 0 ? rc : image_meta_parse(text, size, meta, err);
}

static void list_free(char **list)
{
	for (char **at = list; at && *at; at++)
		free(*at);
	free(list);
}

void image_meta_free(struct image_meta *meta)
{
	list_free(meta->entrypoint);
	list_free(meta->command);
	list_free(meta->env);
	free(meta->cwd);
	free(meta->user);
	free(meta->source);
	memset(meta, 0, sizeof(*meta));
}

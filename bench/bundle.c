// SPDX-License-Identifier: GPL-2.0-or-later
/* Theory of operation: bundle.h. */
#include "bench/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"

static const char base[] =
	"{ 'ociVersion': '1.0.2',"
	"  'process': {"
	"    'terminal': false, 'user': { 'uid': 0, 'gid': 0 }, 'cwd': '/',"
	"    'env': [ 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' ],"
	"    'rlimits': [ { 'type': 'RLIMIT_NOFILE', 'hard': 1024, 'soft': 1024 } ],"
	"    'noNewPrivileges': true },"
	"  'hostname': 'peer',"
	"  'mounts': ["
	"    { 'destination': '/proc', 'type': 'proc', 'source': 'proc' },"
	"    { 'destination': '/dev', 'type': 'tmpfs', 'source': 'tmpfs',"
	"      'options': [ 'nosuid', 'strictatime', 'mode=755', 'size=65536k' ] },"
	"    { 'destination': '/dev/pts', 'type': 'devpts', 'source': 'devpts',"
	"      'options': [ 'nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620' ] },"
	"    { 'destination': '/dev/shm', 'type': 'tmpfs', 'source': 'shm',"
	"      'options': [ 'nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k' ] },"
	"    { 'destination': '/dev/mqueue', 'type': 'mqueue', 'source': 'mqueue',"
	"      'options': [ 'nosuid', 'noexec', 'nodev' ] },"
	"    { 'destination': '/sys', 'type': 'sysfs', 'source': 'sysfs',"
	"      'options': [ 'nosuid', 'noexec', 'nodev', 'ro' ] },"
	"    { 'destination': '/sys/fs/cgroup', 'type': 'cgroup', 'source': 'cgroup',"
	"      'options': [ 'nosuid', 'noexec', 'nodev', 'relatime', 'ro' ] } ],"
	"  'linux': {"
	"    'resources': { 'devices': [ { 'allow': false, 'access': 'rwm' } ] },"
	"    'maskedPaths': [ '/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/latency_stats',"
	"      '/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug', '/proc/scsi',"
	"      '/sys/firmware' ],"
	"    'readonlyPaths': [ '/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys',"
	"      '/proc/sysrq-trigger' ] } }";

static const char *const capabilities[] = { "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE",
					    NULL };
static const char *const capability_sets[] = { "bounding", "effective", "permitted", NULL };

static struct json_object *string_array(const char *const *strings)
{
	struct json_object *array = json_object_new_array();

	for (; *strings; strings++)
		json_object_array_add(array, json_object_new_string(*strings));
	return array;
}

static void namespace_add(struct json_object *list, const char *type)
{
	struct json_object *entry = json_object_new_object();

	json_object_object_add(entry, "type", json_object_new_string(type));
	json_object_array_add(list, entry);
}

static struct json_object *mapping(unsigned host_id)
{
	struct json_object *list = json_object_new_array(), *entry = json_object_new_object();

	json_object_object_add(entry, "containerID", json_object_new_int64(0));
	json_object_object_add(entry, "hostID", json_object_new_int64(host_id));
	json_object_object_add(entry, "size", json_object_new_int64(1));
	json_object_array_add(list, entry);
	return list;
}

/* A cgroup namespace only where there is the one hierarchy of version 2, as is the custom. */
static int cgroups_unified(void)
{
	struct statfs fs;

	return !statfs("/sys/fs/cgroup", &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static void fill_linux(struct json_object *section, const struct bundle *bundle)
{
	static const char *const always[] = { "pid", "network", "ipc", "uts", "mount", NULL };
	struct json_object *namespaces = json_object_new_array();

	for (size_t i = 0; always[i]; i++)
		namespace_add(namespaces, always[i]);
	if (cgroups_unified())
		namespace_add(namespaces, "cgroup");
	if (bundle->user_namespace) {
		namespace_add(namespaces, "user");
		json_object_object_add(section, "uidMappings", mapping(bundle->uid));
		json_object_object_add(section, "gidMappings", mapping(bundle->gid));
	}
	json_object_object_add(section, "namespaces", namespaces);
}

static void fill_process(struct json_object *section, const struct bundle *bundle)
{
	struct json_object *sets = json_object_new_object();

	for (size_t i = 0; capability_sets[i]; i++)
		json_object_object_add(sets, capability_sets[i], string_array(capabilities));
	json_object_object_add(section, "capabilities", sets);
	json_object_object_add(section, "args", string_array(bundle->argv));
}

static void fill_mounts(struct json_object *list, const char *const *tmpfs)
{
	static const char *const flags[] = { "nosuid", "nodev", "mode=1777", NULL };

	for (; tmpfs && *tmpfs; tmpfs++) {
		struct json_object *entry = json_object_new_object();

		json_object_object_add(entry, "destination", json_object_new_string(*tmpfs));
		json_object_object_add(entry, "type", json_object_new_string("tmpfs"));
		json_object_object_add(entry, "source", json_object_new_string("tmpfs"));
		json_object_object_add(entry, "options", string_array(flags));
		json_object_array_add(list, entry);
	}
}

/* The table above is written with single quotes, which its strings do not contain. */
static struct json_object *parse_base(void)
{
	char text[sizeof(base)];

	for (size_t i = 0; i < sizeof(base); i++)
		text[i] = base[i] == '\'' ? '"' : base[i];
	return json_tokener_parse(text);
}

int bundle_write(const char *directory, const struct bundle *bundle, struct err *err)
{
	cleanup_close int dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct json_object *config, *root, *section;
	const char *text;
	int ret;

	if (dir_fd < 0)
		return err_sys(err, errno, "cannot open %s", directory);
	config = parse_base();
	if (!config)
		return err_sys(err, ENOMEM, "cannot make a bundle");
	root = json_object_new_object();
	json_object_object_add(root, "path", json_object_new_string(bundle->tree));
	json_object_object_add(root, "readonly", json_object_new_boolean(1));
	json_object_object_add(config, "root", root);
	if (json_object_object_get_ex(config, "process", &section))
		fill_process(section, bundle);
	if (json_object_object_get_ex(config, "mounts", &section))
		fill_mounts(section, bundle->tmpfs);
	if (json_object_object_get_ex(config, "linux", &section))
		fill_linux(section, bundle);
	text = json_object_to_json_string(config);
	ret = fd_replace_file(dir_fd, "config.json", text, strlen(text), 0600, err);
	json_object_put(config);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The um machine: a private kernel as an unprivileged process.
 *
 * Theory of operation
 * -------------------
 * User-Mode Linux is Linux built as a program of its own host. The kernel is one process; each
 * guest address space is a small process beside it, a stub, whose system calls a filter turns
 * into signals that hand them to the kernel (seccomp mode, Linux 6.16 and later). No KVM, no
 * root.
 *
 * Everything that the kernel may touch is handed over as a descriptor with a fixed number, and
 * its command line names them `@N` (kernel/um/10-rights); so its jail needs no files and its
 * filter no open(). Guest memory is a memfd that the kernel makes itself.
 *
 *	0 nothing   1, 2 kernel log   3 initrd   4 root image   5 wire   6 layer or nothing
 *	7 the filter that it puts on itself before user code runs (kernel/um/60-one-space) or nothing
 *
 * The kernel is the first process of its pid namespace: whoever kills it kills all its stubs.
 */
#include "machine/um.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <asm/hwcap2.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

enum um_fd {
	UM_FD_NONE,
	UM_FD_OUT,
	UM_FD_LOG,
	UM_FD_INITRD,
	UM_FD_ROOT,
	UM_FD_WIRE,
	UM_FD_LAYER,
	UM_FD_FILTER,
	UM_FDS
};

#define UM_LINK_ADDRESS 0x60000000u /* where every um kernel for x86-64 is linked to */
#define UM_CPUS_MAX	8	    /* CONFIG_NR_CPUS of our configurations */

/* Any number does: delays in a um kernel are host time, only calibration would cost (0.1 s). */
#define UM_LOOPS_PER_JIFFY 5000000

static int um_probe(struct err *err)
{
#ifdef __x86_64__
	return 0;
#else
	return err_set(err, ENOTSUP, "the um machine runs on x86-64 only");
#endif
}

static int check_segments(int fd, const Elf64_Ehdr *eh, uint64_t size, struct err *err)
{
	uint64_t lowest = UINT64_MAX;

	if (eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phnum == 0 || eh->e_phnum > 64)
		return err_set(err, ENOEXEC, "its program headers are not an ELF-64 executable's");
	for (unsigned i = 0; i < eh->e_phnum; i++) {
		Elf64_Phdr ph;
		uint64_t at;

		if (__builtin_add_overflow(eh->e_phoff, (uint64_t)i * sizeof(ph), &at) ||
		    at > INT64_MAX || pread(fd, &ph, sizeof(ph), (off_t)at) != (ssize_t)sizeof(ph))
			return err_set(err, ENOEXEC, "it is truncated (in the program headers)");
		if (ph.p_type != PT_LOAD)
			continue;
		if (ph.p_filesz > size || ph.p_offset > size - ph.p_filesz)
			return err_set(err, ENOEXEC,
				       "it is truncated: %" PRIu64 " bytes of at least %" PRIu64, size,
				       ph.p_offset + ph.p_filesz);
		if (ph.p_vaddr < lowest)
			lowest = ph.p_vaddr;
	}
	if (lowest != UM_LINK_ADDRESS)
		return err_set(err, ENOEXEC, "it is a program, but not a um kernel");
	return 0;
}

static int um_check_kernel(int fd, struct err *err)
{
	unsigned char boot[4] = { 0 };
	struct stat st;
	Elf64_Ehdr eh;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "reading it");
	if (!S_ISREG(st.st_mode))
		return err_set(err, ENOEXEC, "it is not a regular file");
	n = pread(fd, &eh, sizeof(eh), 0);
	if (n < 0)
		return err_sys(err, errno, "reading it");
	if (pread(fd, boot, sizeof(boot), 0x202) == (ssize_t)sizeof(boot) &&
	    !memcmp(boot, "HdrS", 4))
		return err_set(err, ENOEXEC, "it is a bzImage: a kernel for hardware, not for um");
	if (n < (ssize_t)sizeof(eh) || memcmp(eh.e_ident, ELFMAG, SELFMAG))
		return err_set(err, ENOEXEC, n < (ssize_t)sizeof(eh) ? "it is truncated or empty" :
								       "it is not an ELF file");
	if (eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_machine != EM_X86_64)
		return err_set(err, ENOEXEC,
			       "it is for another architecture (ELF machine %u, x86-64 is %u)",
			       eh.e_machine, EM_X86_64);
	if (eh.e_type != ET_EXEC && eh.e_type != ET_DYN)
		return err_set(err, ENOEXEC, "it is an ELF file, but not an executable");
	return check_segments(fd, &eh, (uint64_t)st.st_size, err);
}

/*
 * one: the kernel in the address space of each of its processes, if it has that addition and one
 * CPU; seccomp: user code in processes of its own; ptrace: the same, slow, with all of the
 * kernel's memory out of its reach.
 */
static const char *const um_modes[] = { "one", "seccomp", "ptrace", NULL };

/* The host lets programs set their FS base themselves, as the kernel in mode one does at each entry. */
static int has_fsgsbase(void)
{
	return (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) != 0;
}

static const char *um_mode_default(unsigned cpus)
{
	return um_modes[cpus > 1 || !has_fsgsbase()];
}

static int is_mode(const struct machine_spec *spec, const char *mode)
{
	return !strcmp(spec->mode ? spec->mode : um_mode_default(spec->cpus), mode);
}

static enum guard_profile um_profile(const struct machine_spec *spec)
{
	if (is_mode(spec, "ptrace"))
		return spec->volume_count ? GUARD_UM_VOLUMES_PTRACE : GUARD_UM_PTRACE;
	return spec->volume_count ? GUARD_UM_VOLUMES : GUARD_UM;
}

static enum guard_profile um_profile_running(const struct machine_spec *spec)
{
	if (!is_mode(spec, "one"))
		return um_profile(spec);
	return spec->volume_count ? GUARD_UM_VOLUMES_RUNNING : GUARD_UM_RUNNING;
}

/* The kernel's arguments: fixed words, and the few that depend on the container. */
struct um_args {
	char name[80], memory[40], cpus[24];
	char *argv[64];
	size_t count;
};

static void arg(struct um_args *a, char *word)
{
	if (a->count + 1 < sizeof(a->argv) / sizeof(a->argv[0]))
		a->argv[a->count++] = word;
}

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

static void um_args(struct um_args *a, const struct machine_spec *spec, char *extra)
{
	char *save = NULL;

	snprintf(a->name, sizeof(a->name), "hillock-um:%s", spec->name);
	snprintf(a->memory, sizeof(a->memory), "mem=%" PRIu64 "K", spec->memory / 1024);
	arg(a, a->name);
	arg(a, a->memory);
	arg(a, (char *)"lpj=" STRING(UM_LOOPS_PER_JIFFY));
	arg(a, (char *)(is_mode(spec, "ptrace") ? "seccomp=off" : "seccomp=on"));
	if (is_mode(spec, "one")) {
		arg(a, (char *)"one_space=on");
		arg(a, (char *)"one_filter=@7");
	}
	arg(a, (char *)"quiet");
	arg(a, (char *)"loglevel=6");
	arg(a, (char *)"stderr=2");
	arg(a, (char *)"console=stderr");
	arg(a, (char *)"con=null");
	arg(a, (char *)"con0=null");
	arg(a, (char *)"initrd=@3");
	arg(a, (char *)"rdinit=/init");
	arg(a, (char *)"ubd0rdc=@4");
	arg(a, (char *)"hillock_port=5");
	if (spec->layer_fd >= 0)
		arg(a, (char *)"ubd1dc=@6");
	if (spec->cpus > 1) {
		snprintf(a->cpus, sizeof(a->cpus), "ncpus=%u",
			 spec->cpus < UM_CPUS_MAX ? spec->cpus : UM_CPUS_MAX);
		arg(a, a->cpus);
	}
	for (char *w = strtok_r(extra, " ", &save); w; w = strtok_r(NULL, " ", &save))
		arg(a, w);
	a->argv[a->count] = NULL;
}

static int um_start(const struct machine_spec *spec, struct machine *m, struct err *err)
{
	/* um takes the highest environment string for the top of its address space: with none at all
	 * it puts its stubs over their own stacks. */
	char *const envp[] = { (char *)"HOME=/", NULL };
	struct guard_spec jail = {
		.profile = um_profile(spec),
		.exec_fd = spec->kernel_fd,
		.envp = envp,
		.fds = {
			[UM_FD_NONE] = -1,
			[UM_FD_OUT] = spec->log_fd,
			[UM_FD_LOG] = spec->log_fd,
			[UM_FD_INITRD] = spec->initrd_fd,
			[UM_FD_ROOT] = spec->root_fd,
			[UM_FD_WIRE] = spec->wire_fd,
			[UM_FD_LAYER] = spec->layer_fd,
			[UM_FD_FILTER] = -1,
		},
		.fd_count = UM_FDS,
		.host_uid = spec->host_uid,
		.host_gid = spec->host_gid,
		.memory_max = spec->memory,
		.cgroup_fd = spec->cgroup ? spec->cgroup->v2_fd : -1,
		.cgroup_procs = spec->cgroup ? (const char *const *)spec->cgroup->procs : NULL,
	};
	cleanup_close int filter = -1;
	struct um_args args = { .count = 0 };
	char extra[1024];

	if (spec->volume_count > GUARD_BINDS_MAX)
		return err_set(err, E2BIG, "more than %d volumes", GUARD_BINDS_MAX);
	if ((size_t)snprintf(extra, sizeof(extra), "%s", spec->extra ? spec->extra : "") >=
	    sizeof(extra))
		return err_set(err, E2BIG, "the kernel's extra arguments are too long");
	if (is_mode(spec, "one")) {
		if (!has_fsgsbase())
			return err_set(err, ENOTSUP, "--um-mode one needs a CPU and a host kernel "
				       "with FSGSBASE; take seccomp");
		filter = guard_filter_file(um_profile_running(spec), err);
		if (filter < 0)
			return filter;
		jail.fds[UM_FD_FILTER] = filter;
	}
	um_args(&args, spec, extra);
	jail.argv = args.argv;
	for (unsigned i = 0; i < spec->volume_count; i++)
		jail.binds[jail.bind_count++] = (struct guard_bind){
			.source_fd = spec->volumes[i].source_fd,
			.read_only = spec->volumes[i].read_only,
		};
	if (guard_spawn(&jail, &m->pid, &m->pidfd, err) < 0)
		return err_context(err, "starting the um kernel");
	if (spec->cpus == 1)
		place_start(&m->place, m->pid);
	return 0;
}

static const char *const um_rights[] = {
	[UM_FD_NONE] = "nothing",
	[UM_FD_OUT] = "the kernel's log, to be written",
	[UM_FD_LOG] = "the kernel's log, to be written",
	[UM_FD_INITRD] = "the initial file tree, read-only",
	[UM_FD_ROOT] = "the root image, read-only",
	[UM_FD_WIRE] = "the wire to the monitor",
	[UM_FD_LAYER] = "the writable layer's disk, if it has one",
	[UM_FD_FILTER] = "the filter for when user code runs, read-only",
};

const struct machine_ops machine_um_ops = {
	.name = "um",
	.smp_kernel = "um-smp",
	.probe = um_probe,
	.check_kernel = um_check_kernel,
	.start = um_start,
	.modes = um_modes,
	.mode_default = um_mode_default,
	.root_device = "/dev/ubda",
	.layer_device = "/dev/ubdb",
	.volume_source_format = "/v/%u",
	.profile = um_profile,
	.profile_running = um_profile_running,
	.rights = um_rights,
	.right_count = sizeof(um_rights) / sizeof(um_rights[0]),
};

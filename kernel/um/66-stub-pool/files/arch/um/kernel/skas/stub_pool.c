// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stubs that outlive their address space.
 *
 * Theory of operation
 * -------------------
 * Each guest address space has a process of the host, its stub. Making one (clone, execveat, its
 * set-up, its filter) and ending it (kill, wait) is the most of what fork and exec cost. So a
 * stub whose address space has ended is kept, in seccomp mode, and given to the next one: the
 * first thing that it does for it is to unmap everything that was there.
 *
 * While it waits for the kernel a stub is within its signal handler, with all signals blocked,
 * on a stack in its data pages. The program that ran in it could write to these, so what is in
 * them is not trusted: all stubs wait in the same place, hence the data pages of one that has
 * just been started are right for any, and are put in place of what the program left. They are
 * learned from the first stub. The only registers that no signal frame holds, fs and gs bases,
 * are set anew before the next program runs. A stub that waits with another frame than a new
 * one's is not kept.
 *
 * What this cannot see is a stub whose program jumped into the stub's own code and had it change
 * more than memory. Such a program has all of its guest kernel's memory in its hands anyway:
 * seccomp mode protects the host from it (by the jail), not the guest kernel.
 *
 * A stub that dies here is forgotten when SIGCHLD says so, and asked about before it is given
 * away. All go when memory is short, and when nobody has wanted one for some seconds.
 * `stub_pool=0` on the command line switches this off, another number is how many are kept.
 */
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <init.h>
#include <mm_id.h>
#include <os.h>
#include <skas.h>
#include <stub-data.h>
#include <stub_pool.h>

#define POOL_MOST	32
#define IDLE_SECONDS	5

struct pooled {
	int pid, sock;
	unsigned long stack;
};

static struct pooled pool[POOL_MOST];
static unsigned int pool_count, pool_size = 8;
static bool pool_used;
static struct stub_data *clean;
static DEFINE_SPINLOCK(pool_lock);

static void pool_drain(struct work_struct *work);
static DECLARE_DELAYED_WORK(pool_drain_work, pool_drain);

static bool pool_pop(struct pooled *stub)
{
	guard(spinlock_irqsave)(&pool_lock);
	if (!pool_count)
		return false;
	*stub = pool[--pool_count];
	return true;
}

static void stub_free(const struct pooled *stub)
{
	os_close_file(stub->sock);
	free_pages(stub->stack, ilog2(STUB_DATA_PAGES));
}

static void stub_end(const struct pooled *stub)
{
	os_kill_ptraced_process(stub->pid, 1);
	stub_free(stub);
}

bool stub_pool_take(struct mm_id *id)
{
	struct pooled stub;

	if (!pool_pop(&stub))
		return false;
	id->pid = stub.pid;
	id->sock = stub.sock;
	id->stack = stub.stack;
	id->syscall_data_len = 0;
	id->syscall_fd_num = 0;
	WRITE_ONCE(pool_used, true);
	return true;
}

void stub_pool_drop(struct mm_id *id)
{
	stub_free(&(struct pooled){ .sock = id->sock, .stack = id->stack });
}

/* Puts what a new stub has in place of what the last program left. */
static bool stub_clean(struct stub_data *data)
{
	if (!clean || data->mctx_offset != clean->mctx_offset ||
	    data->si_offset != clean->si_offset || data->futex != FUTEX_IN_KERN)
		return false;
	memcpy(data, clean, sizeof(*data));
	return true;
}

bool stub_pool_put(struct mm_id *id)
{
	struct pooled stub = { .pid = id->pid, .sock = id->sock, .stack = id->stack };

	if (!using_seccomp || READ_ONCE(pool_count) >= pool_size || id->syscall_data_len < 0 ||
	    !stub_clean((void *)id->stack))
		return false;
	scoped_guard(spinlock_irqsave, &pool_lock) {
		if (pool_count >= pool_size)
			return false;
		pool[pool_count++] = stub;
	}
	if (!delayed_work_pending(&pool_drain_work))
		schedule_delayed_work(&pool_drain_work, IDLE_SECONDS * HZ);
	return true;
}

void stub_pool_learn(struct mm_id *id)
{
	struct stub_data *data;

	if (!using_seccomp || !pool_size || READ_ONCE(clean))
		return;
	data = (void *)__get_free_pages(GFP_KERNEL, ilog2(STUB_DATA_PAGES));
	if (!data)
		return;
	memcpy(data, (void *)id->stack, sizeof(*data));
	data->arch_data.sync = STUB_SYNC_FS_BASE | STUB_SYNC_GS_BASE;
	if (cmpxchg(&clean, NULL, data))
		free_pages((unsigned long)data, ilog2(STUB_DATA_PAGES));
}

void stub_pool_died(int pid)
{
	struct pooled stub = {};

	scoped_guard(spinlock_irqsave, &pool_lock) {
		for (unsigned int i = 0; i < pool_count; i++)
			if (pool[i].pid == pid) {
				stub = pool[i];
				pool[i] = pool[--pool_count];
				break;
			}
	}
	if (stub.pid)
		stub_free(&stub);
}

static void pool_drain(struct work_struct *work)
{
	struct pooled stub;

	if (xchg(&pool_used, false)) {
		schedule_delayed_work(&pool_drain_work, IDLE_SECONDS * HZ);
		return;
	}
	while (pool_pop(&stub))
		stub_end(&stub);
}

static unsigned long pool_shrink_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	return READ_ONCE(pool_count) * STUB_DATA_PAGES ?: SHRINK_EMPTY;
}

static unsigned long pool_shrink(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct pooled stub;
	unsigned long freed;

	for (freed = 0; freed < sc->nr_to_scan && pool_pop(&stub); freed += STUB_DATA_PAGES)
		stub_end(&stub);
	return freed ?: SHRINK_STOP;
}

static int __init stub_pool_init(void)
{
	struct shrinker *shrinker = shrinker_alloc(0, "stub-pool");

	if (!shrinker)
		return -ENOMEM;
	shrinker->count_objects = pool_shrink_count;
	shrinker->scan_objects = pool_shrink;
	shrinker_register(shrinker);
	return 0;
}
subsys_initcall(stub_pool_init);

static int __init stub_pool_setup(char *line, int *add)
{
	*add = 0;
	if (kstrtouint(line, 10, &pool_size))
		return -1;
	pool_size = min(pool_size, POOL_MOST);
	return 0;
}
__uml_setup("stub_pool=", stub_pool_setup,
"stub_pool=<n>\n"
"    How many processes of address spaces that have ended are kept for new\n"
"    ones (8). 0: none.\n\n"
);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * One address space: a task's way to user code and back (os-Linux/one_space.c has the theory).
 */
#include <linux/mm.h>
#include <linux/pvclock_gtod.h>
#include <linux/sched.h>
#include <linux/time-internal.h>
#include <linux/timekeeper_internal.h>
#include <linux/thread_info.h>
#include <asm/mmu_context.h>
#include <asm/tlbflush.h>
#include <as-layout.h>
#include <kern_util.h>
#include <mem_user.h>
#include <one_clock.h>
#include <one_space.h>
#include <os.h>
#include <skas.h>

extern void (*sig_info[])(int, struct siginfo *, struct uml_pt_regs *, void *mc);

/*
 * The page that user code missed is to be mapped in the carrier, even if it was before as far as
 * the page tables know: a carrier's mappings are a cache.
 */
static void mark_missed(struct mm_struct *mm, unsigned long address)
{
	pte_t *pte = virt_to_pte(mm, address);

	if (!pte || !pte_present(*pte))
		return;
	*pte = pte_mkneedsync(*pte);
	um_tlb_mark_sync(mm, address & PAGE_MASK, (address & PAGE_MASK) + PAGE_SIZE);
}

/* A carrier without any of its mappings needs none taken back, and gets them by faults. */
static void forget_sync(struct mm_struct *mm)
{
	guard(spinlock_irqsave)(&mm->context.sync_tlb_lock);
	mm->context.sync_tlb_range_from = 0;
	mm->context.sync_tlb_range_to = 0;
}

static void bring_mappings(struct mm_struct *mm, unsigned long fault)
{
	int err;

	if (fault)
		mark_missed(mm, fault);
	err = um_tlb_sync(mm) ?: one_space_flush();
	if (err) {
		pr_err("one_space: the host cannot map user memory, error %d\n", err);
		force_fatal_sig(SIGSEGV);
		interrupt_end();
	}
}

static void came_back(struct uml_pt_regs *regs, int sig)
{
	regs->is_user = 1;
	UPT_SYSCALL_NR(regs) = -1;
	switch (sig) {
	case SIGSYS:
		one_patch_trapped(regs);
		handle_syscall(regs);
		break;
	case ONE_CALL:
		handle_syscall(regs);
		break;
	case SIGSEGV:
	case SIGTRAP:
		sig_info[sig](sig, one_space_siginfo(), regs, NULL);
		break;
	case SIGALRM:
		block_signals_trace();
		timer_handler(SIGALRM, NULL, regs);
		unblock_signals_trace();
		break;
	case SIGILL:
		if (one_patch_illegal(regs)) {
			handle_syscall(regs);
			break;
		}
		fallthrough;
	case SIGIO:
	case SIGWINCH:
	case SIGBUS:
	case SIGFPE:
		block_signals_trace();
		sig_info[sig](sig, one_space_siginfo(), regs, NULL);
		unblock_signals_trace();
		break;
	}
}

void one_space_userspace(struct uml_pt_regs *regs)
{
	unsigned long fault = 0, left = UPT_IP(regs);

	for (;;) {
		struct mm_struct *mm;
		int sig;

		interrupt_end();
		/* Avoid -ERESTARTSYS handling in host */
		PT_SYSCALL_NR(regs->gp) = -1;
		if (UPT_IP(regs) != left)
			one_patch_return(regs);

		mm = current->mm;
		if (one_space_attach(&mm->context.id))
			forget_sync(mm);
		bring_mappings(mm, fault);
		fault = 0;

		sig = one_space_run(regs, &current_thread_info()->flags, _TIF_WORK_MASK,
				    test_thread_flag(TIF_SINGLESTEP));
		if (!sig)
			continue;
		if (sig == SIGSEGV && SEGV_IS_FIXABLE(&regs->faultinfo))
			fault = FAULT_ADDRESS(regs->faultinfo);
		left = UPT_IP(regs);
		came_back(regs, sig);
	}
}

int one_space_kernel_fault(unsigned long address)
{
	pte_t *pte = virt_to_pte(&init_mm, address);

	if (!pte || !pte_present(*pte))
		return -EFAULT;
	set_pte(pte, *pte);
	um_tlb_mark_sync(&init_mm, address & PAGE_MASK, (address & PAGE_MASK) + PAGE_SIZE);
	return um_tlb_sync(&init_mm);
}

/* --- what each address space has ------------------------------------------------------------ */

static struct page *clock_page;

static int clock_changed(struct notifier_block *block, unsigned long was_set, void *data)
{
	struct one_clock *c = page_address(clock_page);
	const struct timekeeper *tk = data;

	c->sequence++;
	barrier();
	c->mult = tk->tkr_mono.mult;
	c->shift = tk->tkr_mono.shift;
	c->cycle_last = tk->tkr_mono.cycle_last;
	c->nsec = tk->tkr_mono.xtime_nsec;
	c->base[CLOCK_REALTIME] = tk->tkr_mono.base + tk->offs_real;
	c->base[CLOCK_MONOTONIC] = tk->tkr_mono.base;
	c->boottime = tk->offs_boot;
	/* Another clock than the host's tells no cycles that the host's vDSO could. */
	c->host = strcmp(tk->tkr_mono.clock->name, "timer") ? NULL : one_space_host_clock();
	barrier();
	c->sequence++;
	return 0;
}

static struct notifier_block clock_notifier = { .notifier_call = clock_changed };

static int __init one_space_clock(void)
{
	struct one_clock *c;

	clock_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!clock_page)
		panic("one_space: no memory for the clock");
	c = page_address(clock_page);
	c->divisor = TIMER_MULTIPLIER;
	if (one_space && time_travel_mode == TT_MODE_OFF)
		pvclock_gtod_register_notifier(&clock_notifier);
	return 0;
}
subsys_initcall(one_space_clock);

int one_space_reserve(struct mm_struct *mm, unsigned long clock_address)
{
	static const struct vm_special_mapping kernel = { .name = "[kernel]" };
	static const struct vm_special_mapping clock = { .name = "[vvar]", .pages = &clock_page };
	struct vm_area_struct *vma;
	unsigned long len = PAGE_ALIGN(end_vm) - ONE_SLOTS;

	vma = _install_special_mapping(mm, clock_address, PAGE_SIZE, VM_READ | VM_MAYREAD, &clock);
	if (IS_ERR(vma) || !one_space)
		return PTR_ERR_OR_ZERO(vma);
	vma = _install_special_mapping(mm, ONE_SLOTS, len, VM_MAYREAD | VM_SEALED, &kernel);
	if (IS_ERR(vma))
		return PTR_ERR(vma);
	/* It is no memory of the process's: RLIMIT_AS is not about it. */
	mm->total_vm -= len >> PAGE_SHIFT;
	return 0;
}

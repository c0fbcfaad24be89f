// SPDX-License-Identifier: GPL-2.0-only
/*
 * One address space: system calls without a trap.
 *
 * Theory of operation
 * -------------------
 * A system call instruction of user code is trapped by the host, whose signal costs more than
 * most calls. One that comes again and again is therefore replaced, in a private copy of its
 * page, by a jump to a trampoline that enters the kernel as a function (one_syscall). `syscall`
 * has two bytes and the jump, through a pointer below 2 GB, has seven; so one of two forms must
 * be there, which nearly all of C libraries' and Go's calls have:
 *
 *	mov $N, %eax		b8 N N N N		jmp *SLOT	ff 24 25 S S S S
 *	syscall			0f 05
 *
 *	syscall			0f 05			jmp *SLOT	ff 24 25 S S S S
 *	cmp $N, %rax		48 3d N N N N		(nop)		of which the cmp's end is left
 *
 * The trampoline knows where to go on, in %rcx, which `syscall` overwrites as well, and does
 * what was overwritten with it: mov before, cmp after. It lies in memory that all address spaces
 * of this kernel have; a page of text that is the same in two programs at the same address has
 * the same trampolines.
 *
 * Who gets to a place that is no longer an instruction's first byte:
 * - someone who jumps to the first form's `syscall`, or a call that is restarted, which goes
 *   back by two bytes. There stand the high bytes of SLOT, of which the first is no instruction
 *   (d6): SIGILL, and it is taken for the call that it was. In the second form a restart finds a
 *   real `syscall` in the trampoline.
 * - someone who returns to the second form's cmp: a thread that waits in this very call, for
 *   whom it is not replaced; and a signal's handler that interrupted the call, whose end is
 *   looked at (one_patch_return()).
 *
 * User code that is shared, writable or traced is left alone. one_patch=off leaves all alone.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <as-layout.h>
#include <init.h>
#include <kern_util.h>
#include <one_space.h>
#include <os.h>

/* How often a call traps before it is replaced: less often, and the page's copy costs more. */
#define OFTEN	12

#define SLOTS		((unsigned long *)ONE_SLOTS)
#define TRAMPOLINES	((struct trampoline *)ONE_TRAMPOLINES)
#define COUNT_BITS	13
#define COUNT		(1u << COUNT_BITS)
#define PROBES		8

#define JUMP_SIZE	7
#define FORM_MOV	1
#define FORM_CMP	2

struct trampoline {
	unsigned char code[47];
	unsigned char form;
	unsigned long site;	/* the first byte that was replaced; 0: none */
} __packed __aligned(8);

static_assert(sizeof(struct trampoline) == 56);
static_assert(COUNT * sizeof(struct trampoline) <= ONE_TRAMPOLINES_SIZE);

/* Calls that were trapped lately. */
static struct trapped {
	const struct mm_struct *mm;
	unsigned long ip;
	unsigned int times;
} trapped[256];

extern char one_syscall[];

static bool patch_off __read_mostly;

static int __init one_patch_setup(char *line, int *add)
{
	*add = 0;
	patch_off = !strcmp(line, "off");
	return 0;
}
__uml_setup("one_patch=", one_patch_setup,
"one_patch=<on/off>\n"
"    Whether system calls that user code makes often are replaced by jumps\n"
"    (on); see one_space=.\n\n"
);

static unsigned char *put(unsigned char *at, const void *bytes, size_t size)
{
	memcpy(at, bytes, size);
	return at + size;
}

static unsigned char *put_enter(unsigned char *at, unsigned char *code, unsigned long here,
				unsigned long back)
{
	int distance;

	at = put(at, "\x48\xb9", 2); /* mov $back, %rcx */
	at = put(at, &back, 8);
	at = put(at, "\xe9", 1); /* jmp one_syscall */
	distance = (unsigned long)one_syscall - (here + (at - code) + 4);
	return put(at, &distance, 4);
}

/* Where the second form goes on with its cmp. */
static unsigned long tail_of(unsigned long here)
{
	return here + 17;
}

/* What must stand at `here` for the call before `ip`, given as the bytes from 7 before to 6 behind
 * its end. 0: neither form. */
static int write_trampoline(struct trampoline *t, unsigned long here, unsigned long ip,
			    const unsigned char *text)
{
	unsigned char *at = t->code;
	unsigned long next = ip + 6;

	memset(t, 0, sizeof(*t));
	if (text[0] == 0xb8) {
		t->form = FORM_MOV;
		t->site = ip - 7;
		at = put(at, text, 5);
		put_enter(at, t->code, here, ip);
	} else if (text[7] == 0x48 && text[8] == 0x3d) {
		t->form = FORM_CMP;
		t->site = ip - 2;
		at = put_enter(at, t->code, here, tail_of(here));
		at = put(at, "\x0f\x05", 2); /* for a restart */
		at = put(at, text + 7, 6);
		at = put(at, "\xff\x25\0\0\0\0", 6); /* jmp *next */
		put(at, &next, 8);
	}
	return t->form;
}

static unsigned int first_of(unsigned long site)
{
	return hash_long(site, COUNT_BITS);
}

/* The trampoline's number, or -1: there is none and no room for one, or neither form. */
static int find_trampoline(unsigned long ip, const unsigned char *text, struct trampoline *t)
{
	unsigned int i, n;

	for (i = 0; i < PROBES; i++) {
		n = (first_of(ip) + i) % COUNT;
		if (!write_trampoline(t, (unsigned long)&TRAMPOLINES[n], ip, text))
			return -1;
		if (!memcmp(&TRAMPOLINES[n], t, sizeof(*t)))
			return n;
		if (TRAMPOLINES[n].site)
			continue;
		SLOTS[n] = (unsigned long)&TRAMPOLINES[n];
		TRAMPOLINES[n] = *t;
		return n;
	}
	return -1;
}

/* Is some other thread about to return to what is replaced, or is there one that we cannot see? */
static bool others_there(unsigned long site)
{
	struct task_struct *t;
	int threads = 0;
	bool there = false;

	rcu_read_lock();
	for_each_thread(current, t) {
		unsigned long ip = UPT_IP(&t->thread.regs.regs);

		threads++;
		if (t != current && ip >= site && ip < site + JUMP_SIZE + 1)
			there = true;
	}
	rcu_read_unlock();
	return there || threads != atomic_read(&current->mm->mm_users);
}

static bool may_patch(unsigned long from, unsigned long end)
{
	struct vm_area_struct *vma;
	bool may;

	if (mmap_read_lock_killable(current->mm))
		return false;
	vma = find_vma(current->mm, from);
	may = vma && vma->vm_start <= from && vma->vm_end >= end && (vma->vm_flags & VM_MAYWRITE) &&
	      !(vma->vm_flags & (VM_WRITE | VM_SHARED)) && vma->vm_file;
	mmap_read_unlock(current->mm);
	return may;
}

static void jump_to(unsigned char jump[JUMP_SIZE], unsigned int n)
{
	unsigned int slot = (unsigned long)&SLOTS[n];

	put(put(jump, "\xff\x24\x25", 3), &slot, 4);
}

static void patch(struct uml_pt_regs *regs, unsigned long ip)
{
	unsigned char text[13], jump[JUMP_SIZE];
	struct trampoline t;
	int n;

	if (!may_patch(ip - 7, ip + 6) || copy_from_user(text, (void __user *)(ip - 7), 13) ||
	    text[5] != 0x0f || text[6] != 0x05)
		return;
	n = find_trampoline(ip, text, &t);
	if (n < 0 || others_there(t.site))
		return;
	jump_to(jump, n);
	if (access_process_vm(current, t.site, jump, JUMP_SIZE, FOLL_FORCE | FOLL_WRITE) !=
	    JUMP_SIZE)
		return;
	if (t.form == FORM_CMP)
		UPT_IP(regs) = tail_of((unsigned long)&TRAMPOLINES[n]);
}

void one_patch_trapped(struct uml_pt_regs *regs)
{
	unsigned long ip = UPT_IP(regs);
	struct trapped *t = &trapped[hash_long(ip ^ (unsigned long)current->mm, 8)];

	if (t->ip != ip || t->mm != current->mm) {
		t->mm = current->mm;
		t->ip = ip;
		t->times = 0;
	}
	if (++t->times != OFTEN || patch_off || current->ptrace ||
	    (ip >= ONE_SLOTS && ip < uml_physmem))
		return;
	patch(regs, ip);
}

/* The number of the trampoline to which the bytes at `site` jump, or -1. */
static int jump_at(unsigned long site)
{
	unsigned char text[JUMP_SIZE];
	unsigned int slot;

	if (copy_from_user(text, (void __user *)site, sizeof(text)) ||
	    memcmp(text, "\xff\x24\x25", 3))
		return -1;
	memcpy(&slot, text + 3, 4);
	slot -= ONE_SLOTS;
	if (slot % 8 || slot / 8 >= COUNT || TRAMPOLINES[slot / 8].site != site)
		return -1;
	return slot / 8;
}

bool one_patch_illegal(struct uml_pt_regs *regs)
{
	unsigned long ip = UPT_IP(regs);

	if (patch_off || jump_at(ip - 5) < 0)
		return false;
	UPT_IP(regs) = ip + 2;
	PT_SYSCALL_NR(regs->gp) = regs->gp[HOST_AX];
	return true;
}

void one_patch_return(struct uml_pt_regs *regs)
{
	unsigned long ip = UPT_IP(regs);
	unsigned int i, n;

	if (patch_off)
		return;
	for (i = 0; i < PROBES; i++) {
		n = (first_of(ip) + i) % COUNT;
		if (TRAMPOLINES[n].form == FORM_CMP && TRAMPOLINES[n].site == ip - 2 &&
		    jump_at(ip - 2) == n) {
			UPT_IP(regs) = tail_of((unsigned long)&TRAMPOLINES[n]);
			return;
		}
	}
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One address space: the kernel lives in each of its processes (os-Linux/one_space.c).
 *
 * Shared by both sides of the port: kernel code and code that calls the host.
 */
#ifndef __ONE_SPACE_H
#define __ONE_SPACE_H

/*
 * What stands between user mappings and the kernel (one_patch.c). The third byte of an address
 * of ONE_SLOTS is no instruction.
 */
#define ONE_SLOTS		0x5fd60000ul
#define ONE_TRAMPOLINES		0x5fd70000ul
#define ONE_TRAMPOLINES_SIZE	0x80000ul

/* In place of a signal: a call that came through a trampoline. */
#define ONE_CALL	256

struct mm_id;
struct mm_struct;
struct siginfo;
struct uml_pt_regs;

/* Chosen by one_space=on|off on the command line. */
extern int one_space;

/* --- os-Linux/one_space.c --- */

/* Makes guest memory and puts the kernel's own data into it. To be called once, from the host's
 * stack. The memory's descriptor. */
int one_space_share(unsigned long start, unsigned long data, unsigned long reserved,
		    unsigned long len);
/* Signals get a stack that each carrier has for itself. */
void one_space_begin(void);
/* Goes on in the carrier of an address space. 1: it has none of its mappings. */
int one_space_attach(struct mm_id *id);
/* Goes on in the first process, which carries no address space. */
void one_space_home(void);
/* The address space is no more. */
void one_space_release(struct mm_id *id);
int one_space_home_pid(void);

/*
 * Runs user code until it comes back; the signal that tells why, or 0 if it did not begin
 * because one of `work` is set in `*flags`.
 */
int one_space_run(struct uml_pt_regs *regs, const unsigned long *flags, unsigned int work,
		  int single_step);
/* What the host said of that signal. */
struct siginfo *one_space_siginfo(void);

/* For the address space whose carrier runs. Neighbours are done at once, by one_space_flush(). */
int one_space_map(unsigned long address, unsigned long len, int prot, int fd,
		  unsigned long long offset);
int one_space_unmap(unsigned long address, unsigned long len);
int one_space_flush(void);

/* Something was unmapped from the kernel's virtual memory. */
void one_space_kernel_unmapped(void);

/* The timer of the carrier that runs: absolute time, ns, 0: off; and again each period ns, if it is
 * not 0. */
int one_space_timer(long long when, long long each);

/* Until there is an interrupt; they are disabled. */
void one_space_idle(void);

/* The host's clock_gettime() that calls nothing, or NULL. */
void *one_space_host_clock(void);

/* --- kernel/one_space.c --- */

void one_space_userspace(struct uml_pt_regs *regs) __attribute__((noreturn));

/* --- kernel/one_patch.c --- */

/* User code was trapped at a system call, which comes next. */
void one_patch_trapped(struct uml_pt_regs *regs);
/* An illegal instruction: is it a call that was replaced, which now is made? */
_Bool one_patch_illegal(struct uml_pt_regs *regs);
/* User code goes on elsewhere than it left off: keeps it out of what was replaced. */
void one_patch_return(struct uml_pt_regs *regs);

/* A fault of the kernel's own in its virtual memory. 0: there is such a page, and it is mapped. */
int one_space_kernel_fault(unsigned long address);
/* Keeps user mappings off the kernel, and maps the clock's page. */
int one_space_reserve(struct mm_struct *mm, unsigned long clock_address);

#endif

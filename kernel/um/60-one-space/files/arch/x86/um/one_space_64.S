/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One address space: in and out of user code, and from one process to another. What stands here
 * runs on one CPU only, so it keeps its few words in memory at fixed addresses; the kernel is
 * linked below 2 GB.
 */
#include <linux/linkage.h>

/* struct uml_pt_regs: gp[], in the order of the host's struct user_regs_struct. */
#define R15	0
#define R14	8
#define R13	16
#define R12	24
#define RBP	32
#define RBX	40
#define R11	48
#define R10	56
#define R9	64
#define R8	72
#define RAX	80
#define RCX	88
#define RDX	96
#define RSI	104
#define RDI	112
#define ORIG	120
#define RIP	128
#define FLAGS	144
#define RSP	152
#define FS_BASE	168
#define GS_BASE	176

	.bss
	.balign 8
	.globl one_kernel_sp, one_user_ip, one_hop_sp
one_kernel_sp:	.quad 0
one_user_sp:	.quad 0
one_user_ip:	.quad 0
one_hop_sp:	.quad 0

	.text

.macro SAVE
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
.endm

.macro RESTORE
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
.endm

/*
 * int one_enter(struct uml_pt_regs *regs, const unsigned long *flags, unsigned int work, void *fp)
 *
 * A signal that comes between the two marks ends in one_enter_abort: what the kernel wants to do
 * before it goes to user code must not wait until user code comes back.
 */
	.globl one_enter, one_enter_begin, one_enter_end, one_enter_abort
one_enter:
	SAVE
	movq	%rsp, one_kernel_sp
one_enter_begin:
	testl	%edx, (%rsi)
	jnz	one_enter_abort
	movq	FS_BASE(%rdi), %rax
	wrfsbase %rax
	movq	GS_BASE(%rdi), %rax
	wrgsbase %rax
	movl	one_fp_mask, %eax
	movl	one_fp_mask + 4, %edx
	xrstor64 (%rcx)
	movq	RIP(%rdi), %rax
	movq	%rax, one_user_ip
	pushq	FLAGS(%rdi)
	popfq
	movq	R15(%rdi), %r15
	movq	R14(%rdi), %r14
	movq	R13(%rdi), %r13
	movq	R12(%rdi), %r12
	movq	RBP(%rdi), %rbp
	movq	RBX(%rdi), %rbx
	movq	R11(%rdi), %r11
	movq	R10(%rdi), %r10
	movq	R9(%rdi), %r9
	movq	R8(%rdi), %r8
	movq	RAX(%rdi), %rax
	movq	RCX(%rdi), %rcx
	movq	RDX(%rdi), %rdx
	movq	RSI(%rdi), %rsi
	movq	RSP(%rdi), %rsp
	movq	RDI(%rdi), %rdi
	jmp	*one_user_ip
one_enter_end:
	ud2

one_enter_abort:
	movq	one_kernel_sp, %rsp
	movq	one_kernel_fs, %rax
	wrfsbase %rax
	cld
	xorl	%eax, %eax
	RESTORE
	RET

/* void one_leave(int signal): one_enter() returns that. */
	.globl one_leave
one_leave:
	movq	one_kernel_sp, %rsp
	movl	%edi, %eax
	RESTORE
	RET

/*
 * From a trampoline: %rcx is where to go on, everything else is as at a `syscall`. one_enter()
 * returns ONE_CALL.
 */
	.globl one_syscall
one_syscall:
	movq	%rsp, one_user_sp
	movq	one_user_regs, %rsp
	movq	%r15, R15(%rsp)
	movq	%r14, R14(%rsp)
	movq	%r13, R13(%rsp)
	movq	%r12, R12(%rsp)
	movq	%rbp, RBP(%rsp)
	movq	%rbx, RBX(%rsp)
	movq	%r10, R10(%rsp)
	movq	%r9, R9(%rsp)
	movq	%r8, R8(%rsp)
	movq	%rax, RAX(%rsp)
	movq	%rax, ORIG(%rsp)
	movq	%rcx, RCX(%rsp)
	movq	%rcx, RIP(%rsp)
	movq	%rdx, RDX(%rsp)
	movq	%rsi, RSI(%rsp)
	movq	%rdi, RDI(%rsp)
	movq	%rsp, %rdi
	movq	one_kernel_sp, %rsp
	pushfq
	popq	%rax
	movq	%rax, FLAGS(%rdi)
	movq	%rax, R11(%rdi)
	cld
	movq	one_user_sp, %rax
	movq	%rax, RSP(%rdi)
	rdfsbase %rax
	movq	%rax, FS_BASE(%rdi)
	rdgsbase %rax
	movq	%rax, GS_BASE(%rdi)
	movq	one_kernel_fs, %rax
	wrfsbase %rax
	movq	one_user_fp, %rcx
	movl	one_fp_mask, %eax
	movl	one_fp_mask + 4, %edx
	xsaveopt64 (%rcx)
	movl	$256, %eax
	RESTORE
	RET

/* int one_sigreturn(frame): into user code by the host's sigreturn, which alone can set TF. */
	.globl one_enter_frame
one_enter_frame:
	SAVE
	movq	%rsp, one_kernel_sp
	movq	%rdi, %rsp
	movq	$15, %rax
	syscall
	ud2

/* void one_hop(void *stack): one_hopped() runs on that stack, until one_land() comes back here. */
	.globl one_hop
one_hop:
	SAVE
	movq	%rsp, one_hop_sp
	movq	%rdi, %rsp
	xorl	%ebp, %ebp
	call	one_hopped
	ud2

/* void one_land(void) */
	.globl one_land
one_land:
	movq	one_hop_sp, %rsp
	RESTORE
	RET

	.section .note.GNU-stack, "", @progbits

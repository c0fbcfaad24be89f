/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __STUB_POOL_H
#define __STUB_POOL_H

struct mm_id;

/* Gives `id` a stub that is clean and waits. Returns whether there was one. It may have died. */
bool stub_pool_take(struct mm_id *id);

/* The stub that `id` was given had died. */
void stub_pool_drop(struct mm_id *id);

/* Keeps the stub of an address space that has ended. Returns whether it was worth it. */
bool stub_pool_put(struct mm_id *id);

/* A stub has just been started: how a clean one looks. */
void stub_pool_learn(struct mm_id *id);

/* The process `pid` has died: forgets it. */
void stub_pool_died(int pid);

#endif

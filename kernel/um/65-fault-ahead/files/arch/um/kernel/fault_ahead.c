// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults that are handled before they happen.
 *
 * Theory of operation
 * -------------------
 * A fault costs a hand-over from a stub to the kernel and back, twenty microseconds or more, of
 * which finding and clearing the page is one. So it pays to do more at each. There are two ways:
 *
 * Ahead. Faults that come one behind the other (up or down) are a stream. Once the second has
 * come, each has further pages handled with it: 1, then 2, 4, ... up to 64, never more than the
 * stream went through already. A fault that continues no stream begins a new one and handles
 * nothing but itself, so random access has no page that nobody asked for. Ahead goes as far as
 * the vma and the page table; it stops at a page that would have to be read from disk or swap,
 * or be written back later because of it, and it does not begin when memory is short.
 *
 * Around. A page that the kernel put into the page table is not mapped in the stub before the
 * first fault on it (set_ptes() says nothing if there was nothing before). So a forked child
 * maps what it touches. Pages beside it that wait for the same, and lie beside it in guest
 * memory too, come with it: a run of them is one mmap() for the host.
 *
 * `fault_ahead=0` on the command line switches ahead off, another number is the most pages.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/userfaultfd_k.h>
#include <asm/fault_ahead.h>
#include <asm/tlbflush.h>
#include <init.h>

#define WINDOW_MAX	64	/* pages; how much a stream may be ahead of its faults */
#define AROUND_MAX	64	/* pages in each direction that wait and come along */
#define AROUND_GAPS	4	/* mmap() calls more than one that they may cost, each direction */

static unsigned int window_max = WINDOW_MAX;

/* Would an access of this kind not fault? */
static bool pte_serves(pte_t pte, unsigned int flags)
{
	return pte_present(pte) && pte_young(pte) &&
	       (!(flags & FAULT_FLAG_WRITE) || (pte_write(pte) && pte_dirty(pte)));
}

static pte_t pte_at(struct mm_struct *mm, unsigned long address)
{
	pte_t *pte = virt_to_pte(mm, address);

	return pte ? *pte : __pte(0);
}

/*
 * Is this page of the file in memory, to be had without waiting? One that is to be written through
 * the mapping has to be dirty already: no page is written back because of us.
 */
static bool page_ready(struct vm_area_struct *vma, unsigned long address, unsigned int flags)
{
	struct folio *folio = filemap_get_folio(vma->vm_file->f_mapping,
						linear_page_index(vma, address));
	bool writes = (flags & FAULT_FLAG_WRITE) && (vma->vm_flags & VM_SHARED);
	bool ready;

	if (IS_ERR(folio))
		return false;
	ready = folio_test_uptodate(folio) && !folio_test_locked(folio) &&
		(!writes || folio_test_dirty(folio));
	folio_put(folio);
	return ready;
}

/* May the page at `address` be handled although nobody touched it? */
static bool may_handle(struct vm_area_struct *vma, unsigned long address, unsigned int flags)
{
	pte_t pte = pte_at(vma->vm_mm, address);

	if (!pte_none(pte) && !pte_present(pte))
		return false; /* swapped out, or moving */
	if (vma_is_anonymous(vma))
		return true;
	if (pte_present(pte) && !(vma->vm_flags & VM_SHARED))
		return true;
	return page_ready(vma, address, flags);
}

/* Is this vma one whose pages cost nothing but memory? */
static bool may_go_ahead(struct vm_area_struct *vma, unsigned int flags, unsigned int window)
{
	if (vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP | VM_IO | VM_HUGETLB | VM_RAND_READ))
		return false;
	if (userfaultfd_armed(vma))
		return false;
	if (!vma_is_anonymous(vma) && (!vma->vm_file || !vma->vm_ops->map_pages))
		return false;
	return si_mem_available() > 16 * window;
}

/* Handles the pages of [from, to) as if they had been touched; says how far it came. */
static unsigned long handle(struct vm_area_struct *vma, unsigned long from, unsigned long to,
			    unsigned int flags)
{
	for (; from < to; from += PAGE_SIZE) {
		if (pte_serves(pte_at(vma->vm_mm, from), flags))
			continue;
		if (!may_handle(vma, from, flags))
			break;
		if (handle_mm_fault(vma, from, flags, NULL) & (VM_FAULT_ERROR | VM_FAULT_RETRY))
			break;
		if (!pte_serves(pte_at(vma->vm_mm, from), flags))
			break;
	}
	return from;
}

/* The stream that a fault at `address` continues, or the one to be replaced. */
static struct fault_stream *stream(struct fault_ahead *ahead, unsigned long address)
{
	struct fault_stream *s;

	for (s = ahead->streams; s < ahead->streams + FAULT_AHEAD_STREAMS; s++)
		if (s->to && (address == s->to || address + PAGE_SIZE == s->from))
			return s;
	s = &ahead->streams[ahead->oldest++ % FAULT_AHEAD_STREAMS];
	*s = (struct fault_stream){};
	return s;
}

/*
 * How far from `address` pages wait to be mapped, in steps of `step`, before `limit`. Their
 * places in guest memory decide when it would cost the host too many calls.
 */
static unsigned long around(struct mm_struct *mm, unsigned long address, unsigned long limit,
			    long step)
{
	unsigned long pfn = pte_pfn(pte_at(mm, address));
	int pages, gaps = 0;

	for (pages = 0; address != limit && pages < AROUND_MAX; pages++) {
		pte_t next = pte_at(mm, address + step);

		if (!pte_present(next) || !pte_needsync(next))
			break;
		pfn += step / (long)PAGE_SIZE;
		if (pte_pfn(next) != pfn && ++gaps > AROUND_GAPS)
			break;
		pfn = pte_pfn(next);
		address += step;
	}
	return address;
}

void fault_ahead(struct vm_area_struct *vma, unsigned long address, unsigned int flags)
{
	struct mm_struct *mm = vma->vm_mm;
	unsigned long lowest = max(vma->vm_start, address & PMD_MASK);
	unsigned long limit = min(vma->vm_end, (address & PMD_MASK) + PMD_SIZE);
	unsigned long from = address & PAGE_MASK, to = from + PAGE_SIZE;
	struct fault_stream *s = stream(&mm->context.ahead, from);

	flags &= ~(FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE | FAULT_FLAG_TRIED);
	s->window = s->to ? min(max(2 * s->window, 1), window_max) : 0;
	if (s->window && may_go_ahead(vma, flags, s->window)) {
		unsigned long bytes = s->window * PAGE_SIZE;

		if (from == s->to)
			to = handle(vma, to, min(limit, to + bytes), flags);
		else if (handle(vma, max(lowest, from - bytes), from, flags) == from)
			from = max(lowest, from - bytes);
	}

	from = around(mm, from, lowest, -(long)PAGE_SIZE);
	to = around(mm, to - PAGE_SIZE, limit - PAGE_SIZE, PAGE_SIZE) + PAGE_SIZE;
	um_tlb_mark_sync(mm, from, to);
	s->from = from;
	s->to = to;
}

static int __init fault_ahead_setup(char *line, int *add)
{
	*add = 0;
	if (kstrtouint(line, 10, &window_max))
		return -1;
	window_max = min(window_max, PTRS_PER_PTE);
	return 0;
}
__uml_setup("fault_ahead=", fault_ahead_setup,
"fault_ahead=<pages>\n"
"    How many pages one page fault may handle beyond its own when faults\n"
"    come in sequence (64). 0: none.\n\n"
);

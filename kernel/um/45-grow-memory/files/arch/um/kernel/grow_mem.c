// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory that grows into use.
 *
 * Theory of operation
 * -------------------
 * Guest memory is a sparse file of the host, so a page that nobody touched costs nothing. Its
 * description does: 64 bytes of `struct page` are written for each page at boot, 4 MB in a guest
 * of 256 MB that will perhaps never use 20.
 *
 * So boot sees only a first part of memory. The page map has room for all of it (its far end
 * stays untouched), but zone and node end where the first part ends. Before the page allocator
 * begins to evict anything in earnest it asks the shrinkers, and ours describes the next chunk
 * and frees it into the zone until the high watermark is met again. Growth is one-way.
 *
 * Everyone who asks how much memory there is counts the rest as present and free.
 */
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/page-isolation.h>
#include <linux/shrinker.h>
#include <linux/spinlock.h>
#include <linux/swap.h>
#include <asm/grow_mem.h>
#include <init.h>

#define FIRST_BYTES	(16UL << 20)
#define CHUNK_PAGES	(MAX_ORDER_NR_PAGES * 4)

/* mm/internal.h: the last page that may stand in a page table. */
extern unsigned long highest_memmap_pfn;

static unsigned long next_pfn, end_pfn;
static DEFINE_SPINLOCK(grow_lock);
static bool grow_off __initdata;

unsigned long __init grow_mem_first(unsigned long len)
{
	unsigned long map = (len >> PAGE_SHIFT) * sizeof(struct page);
	unsigned long first = ALIGN(FIRST_BYTES + map, PAGE_SIZE * MAX_ORDER_NR_PAGES);

	end_pfn = len >> PAGE_SHIFT;
	if (grow_off || first + CHUNK_PAGES * PAGE_SIZE > len)
		first = len;
	next_pfn = first >> PAGE_SHIFT;
	return first;
}

unsigned long __init grow_mem_end_pfn(void)
{
	return end_pfn;
}

unsigned long grow_mem_left(void)
{
	return end_pfn - READ_ONCE(next_pfn);
}

void __init grow_mem_count(void)
{
	totalram_pages_add(grow_mem_left());
}

static void describe(unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);

	mm_zero_struct_page(page);
	set_page_links(page, ZONE_NORMAL, 0, pfn);
	init_page_count(page);
	atomic_set(&page->_mapcount, -1);
	page_cpupid_reset_last(page);
	page_kasan_tag_reset(page);
	INIT_LIST_HEAD(&page->lru);
	__SetPageReserved(page);
}

/* init_pageblock_migratetype() is called init code, but um never frees that. */
static void __ref grow(struct zone *zone)
{
	unsigned long pfn = next_pfn, end = min(pfn + CHUNK_PAGES, end_pfn);
	unsigned long count = end - pfn;

	for (unsigned long p = pfn; p < end; p++)
		describe(p);
	max_mapnr = max_pfn = max_low_pfn = end;
	highest_memmap_pfn = end - 1;
	zone->spanned_pages = end - zone->zone_start_pfn;
	zone->present_pages += count;
	zone->zone_pgdat->node_spanned_pages = end - zone->zone_pgdat->node_start_pfn;
	zone->zone_pgdat->node_present_pages += count;
	for (unsigned long p = ALIGN(pfn, pageblock_nr_pages); p < end; p += pageblock_nr_pages)
		init_pageblock_migratetype(pfn_to_page(p), MIGRATE_MOVABLE, false);

	/* free_reserved_pages() counts what it frees; grow_mem_count() did already. */
	totalram_pages_add(-(long)count);
	while (pfn < end) {
		unsigned int order = MAX_PAGE_ORDER;

		while (!IS_ALIGNED(pfn, 1UL << order) || pfn + (1UL << order) > end)
			order--;
		free_reserved_pages(pfn_to_page(pfn), order);
		pfn += 1UL << order;
	}
	WRITE_ONCE(next_pfn, end);
}

static unsigned long grow_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	return grow_mem_left();
}

static unsigned long grow_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct zone *zone = &NODE_DATA(0)->node_zones[ZONE_NORMAL];
	unsigned long before;

	if (zone_watermark_ok(zone, 0, high_wmark_pages(zone) + SWAP_CLUSTER_MAX, 0, 0))
		return SHRINK_STOP;
	spin_lock(&grow_lock);
	before = next_pfn;
	if (before < end_pfn)
		grow(zone);
	spin_unlock(&grow_lock);
	if (next_pfn == before)
		return SHRINK_STOP;
	mm_account_reclaimed_pages(next_pfn - before);
	return next_pfn - before;
}

/* The map of page block types was made for the first part only; nothing has grown before this. */
static int __init grow_init(void)
{
	struct zone *zone = &NODE_DATA(0)->node_zones[ZONE_NORMAL];
	unsigned long old = DIV_ROUND_UP(zone->spanned_pages, pageblock_nr_pages);
	unsigned long all = DIV_ROUND_UP(end_pfn, pageblock_nr_pages);
	struct shrinker *shrinker;
	unsigned long *flags;

	if (!grow_mem_left())
		return 0;
	flags = kcalloc(BITS_TO_LONGS(all * NR_PAGEBLOCK_BITS) + 1, sizeof(long), GFP_KERNEL);
	shrinker = shrinker_alloc(0, "grow-mem");
	if (!flags || !shrinker) {
		kfree(flags);
		return -ENOMEM;
	}
	memcpy(flags, zone->pageblock_flags, BITS_TO_LONGS(old * NR_PAGEBLOCK_BITS) * sizeof(long));
	zone->pageblock_flags = flags;
	shrinker->count_objects = grow_count;
	shrinker->scan_objects = grow_scan;
	shrinker->seeks = 0;
	shrinker_register(shrinker);
	return 0;
}
early_initcall(grow_init);

static int __init grow_setup(char *line, int *add)
{
	*add = 0;
	grow_off = line[0] == '0';
	return 0;
}
__uml_setup("grow_mem=", grow_setup,
"grow_mem=<0|1>\n"
"    0 describes all of guest memory at boot; 1, the default, as it is needed.\n\n"
);

// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * For tests: writes to a disk from, and reads into, a page that is mapped by a grant, as a backend
 * does with a guest's. The domain grants it to itself: to its DMA that is as foreign as any. What
 * comes of it is compared by way of a page of the domain's own. Loads only where all is right.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/string.h>
#include <xen/grant_table.h>
#include <xen/page.h>

#define SECTOR 4096

static char *disk;
module_param(disk, charp, 0444);
MODULE_PARM_DESC(disk, "The disk's device file");

/* The granted page, where it is mapped, and one that is neither. */
static struct page *granted, *mapped, *plain;

static int transfer(struct block_device *bdev, struct page *page, blk_opf_t operation)
{
	struct bio *bio = bio_alloc(bdev, 1, operation, GFP_KERNEL);
	int err;

	__bio_add_page(bio, page, PAGE_SIZE, 0);
	bio->bi_iter.bi_sector = SECTOR;
	err = submit_bio_wait(bio);
	bio_put(bio);
	return err;
}

static int compare(const char *what)
{
	if (!memcmp(page_address(granted), page_address(plain), PAGE_SIZE))
		return 0;
	pr_err("foreign: %s by the mapped page has gone wrong\n", what);
	return -EIO;
}

static int write_and_read(struct block_device *bdev)
{
	int err;

	get_random_bytes(page_address(granted), PAGE_SIZE);
	err = transfer(bdev, mapped, REQ_OP_WRITE);
	if (!err)
		err = transfer(bdev, plain, REQ_OP_READ);
	if (!err)
		err = compare("writing");
	if (err)
		return err;
	get_random_bytes(page_address(plain), PAGE_SIZE);
	err = transfer(bdev, plain, REQ_OP_WRITE);
	if (!err)
		err = transfer(bdev, mapped, REQ_OP_READ);
	return err ? err : compare("reading");
}

static int use_disk(void)
{
	/* Opened as user space does: how the kernel itself opens disks has changed several times. */
	struct file *file = filp_open(disk, O_RDWR | O_LARGEFILE, 0);
	struct inode *inode;
	int err = -ENOTBLK;

	if (IS_ERR(file))
		return PTR_ERR(file);
	inode = file->f_mapping->host;
	if (S_ISBLK(inode->i_mode))
		err = write_and_read(I_BDEV(inode));
	filp_close(file, NULL);
	return err;
}

static int with_mapping(grant_ref_t ref)
{
	struct gnttab_map_grant_ref map;
	struct gnttab_unmap_grant_ref unmap;
	unsigned long address = (unsigned long)page_address(mapped);
	int err;

	gnttab_set_map_op(&map, address, GNTMAP_host_map, ref, 0);
	err = gnttab_map_refs(&map, NULL, &mapped, 1);
	if (!err && map.status != GNTST_okay)
		err = -EFAULT;
	if (err)
		return err;
	err = use_disk();
	gnttab_set_unmap_op(&unmap, address, GNTMAP_host_map, map.handle);
	return gnttab_unmap_refs(&unmap, NULL, &mapped, 1) ? -EFAULT : err;
}

static int with_grant(void)
{
	int err, ref = gnttab_grant_foreign_access(0, virt_to_gfn(page_address(granted)), 0);

	if (ref < 0)
		return ref;
	err = with_mapping(ref);
	gnttab_end_foreign_access(ref, NULL);
	return err;
}

static int __init foreign_init(void)
{
	int err = -ENOMEM;

	if (!disk)
		return -EINVAL;
	granted = alloc_page(GFP_KERNEL);
	plain = alloc_page(GFP_KERNEL);
	if (!granted || !plain)
		goto out;
	err = gnttab_alloc_pages(1, &mapped);
	if (err)
		goto out;
	err = with_grant();
	gnttab_free_pages(1, &mapped);
out:
	if (plain)
		__free_page(plain);
	if (granted)
		__free_page(granted);
	return err;
}

static void __exit foreign_exit(void)
{
}

module_init(foreign_init);
module_exit(foreign_exit);

MODULE_DESCRIPTION("Test: a disk's DMA with a page that is mapped by a grant");
MODULE_LICENSE("Dual MIT/GPL");

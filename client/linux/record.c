// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * What was decided at each device's latest bind attempt, for debugfs: a line for each device that
 * had one since the module was loaded, or has swiotlb-xen since before, and that still exists.
 */
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "xeniommu.h"

struct record {
	struct list_head list;
	const struct device *dev;	/* to compare; not to be followed */
	const char *bus;
	const char *name;
	struct xi_decision decision;
};

static LIST_HEAD(records);
static DEFINE_MUTEX(records_lock);
static struct dentry *directory;

static struct record *find(const struct device *dev)
{
	struct record *record;

	list_for_each_entry(record, &records, list)
		if (record->dev == dev)
			return record;
	return NULL;
}

static void drop(struct record *record)
{
	list_del(&record->list);
	kfree_const(record->name);
	kfree(record);
}

/* Returns NULL if there is no memory. */
static struct record *add(const struct device *dev)
{
	struct record *record = kzalloc(sizeof(*record), GFP_KERNEL);

	if (!record)
		return NULL;
	record->name = kstrdup_const(dev_name(dev), GFP_KERNEL);
	if (!record->name) {
		kfree(record);
		return NULL;
	}
	record->dev = dev;
	record->bus = dev->bus->name;
	list_add_tail(&record->list, &records);
	return record;
}

static bool equal(const struct xi_decision *a, const struct xi_decision *b)
{
	return a->answered == b->answered && a->published.state == b->published.state &&
	       a->published.skip == b->published.skip && a->action == b->action &&
	       !strcmp(a->reason, b->reason);
}

bool xi_record(const struct device *dev, const struct xi_decision *decision)
{
	struct record *record;
	bool is_news = true;

	mutex_lock(&records_lock);
	record = find(dev);
	if (record)
		is_news = !equal(&record->decision, decision);
	else
		record = add(dev);
	if (record)
		record->decision = *decision;
	mutex_unlock(&records_lock);
	return is_news;
}

void xi_record_new(const struct device *dev, const struct xi_decision *decision)
{
	struct record *record;

	mutex_lock(&records_lock);
	if (!find(dev)) {
		record = add(dev);
		if (record)
			record->decision = *decision;
	}
	mutex_unlock(&records_lock);
}

void xi_record_forget(const struct device *dev)
{
	struct record *record;

	mutex_lock(&records_lock);
	record = find(dev);
	if (record)
		drop(record);
	mutex_unlock(&records_lock);
}

static const char *action_name(enum xi_action action)
{
	switch (action) {
	case XI_TAKEN:
		return "taken";
	case XI_WOULD_TAKE:
		return "would-take";
	case XI_KEPT:
		break;
	}
	return "kept";
}

static int devices_show(struct seq_file *file, void *unused)
{
	struct record *record;

	mutex_lock(&records_lock);
	list_for_each_entry(record, &records, list) {
		const struct xi_decision *decision = &record->decision;

		seq_printf(file, "%s %s ", record->bus, record->name);
		if (decision->answered)
			seq_printf(file, "%s/%s ", xeniommu_state_name(decision->published.state),
				   decision->published.skip ? "skip" : "keep");
		else
			seq_puts(file, "- ");
		seq_printf(file, "%s %s\n", action_name(decision->action), decision->reason);
	}
	mutex_unlock(&records_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(devices);

/*
 * Without debugfs nothing is shown, and all the rest works. A locked-down kernel lets only files be
 * read that nobody may write and everybody read; who gets that far is the directory's to say.
 */
void xi_record_init(void)
{
	directory = debugfs_create_dir("xeniommu", NULL);
	debugfs_create_file("devices", 0444, directory, NULL, &devices_fops);
}

void xi_record_exit(void)
{
	struct record *record, *next;

	debugfs_remove_recursive(directory);
	list_for_each_entry_safe(record, next, &records, list)
		drop(record);
}

// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * What "xen-iommud --early" found before there was a XenStore to publish it in. It hands that over
 * through /sys/kernel/xeniommu/early, until XenStore is there, and it counts as long as decide.c
 * finds that nothing can have changed since. Of two words about a device the weaker one counts, and
 * one that was there once and went has none: a later word may still be about that one.
 */
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <xen/xen.h>

#include "xeniommu.h"

/* More devices than any host boots from; a key is below XENIOMMU_KEY_SIZE. */
#define MAX_WORDS 1024

struct word {
	struct list_head list;
	struct xeniommu_verdict verdict;
	bool is_gone;	/* the device went: no word counts */
	char key[];	/* without XENIOMMU_DIR */
};

/* All of it under the lock. */
static DEFINE_MUTEX(words_lock);
static LIST_HEAD(words);
static unsigned int word_count;
static bool accepting;
static bool closed;	/* for good */

static struct kobject *directory;

static struct word *find(const struct list_head *list, const char *key)
{
	struct word *word;

	list_for_each_entry(word, list, list)
		if (!strcmp(word->key, key))
			return word;
	return NULL;
}

static struct word *new_word(const char *key, size_t len)
{
	struct word *word = kzalloc(sizeof(*word) + len + 1, GFP_KERNEL);

	if (word)
		memcpy(word->key, key, len);
	return word;
}

static void drop(struct word *word)
{
	list_del(&word->list);
	kfree(word);
}

static void drop_all(struct list_head *list)
{
	struct word *word, *next;

	list_for_each_entry_safe(word, next, list, list)
		drop(word);
}

/* ---- what is written ---- */

static bool is_pci_key(const char *key, size_t len)
{
	u32 sbdf;

	return len > 4 && !memcmp(key, "pci/", 4) && !xeniommu_pci_parse(key + 4, len - 4, &sbdf);
}

static bool is_key_char(char c, char before)
{
	return c == '/' ? before != '/' : c == '_' || xeniommu_is_plain_(c);
}

/* Nothing but what XenStore takes; another than that of any device does no harm. */
static bool is_dt_key(const char *key, size_t len)
{
	size_t i;

	if (len < 4 || memcmp(key, "dt/", 3) || key[len - 1] == '/' ||
	    len + sizeof(XENIOMMU_DIR "/") + sizeof("/swiotlb") - 1 > XENIOMMU_KEY_SIZE)
		return false;
	for (i = 3; i < len; i++)
		if (!is_key_char(key[i], key[i - 1]))
			return false;
	return true;
}

static bool parse_verdict(const char *state, size_t state_len, const char *swiotlb, size_t len,
			  struct xeniommu_verdict *verdict)
{
	verdict->state = xeniommu_parse_state(state, state_len);
	if (verdict->state == XENIOMMU_UNKNOWN && !xeniommu_equal_(state, state_len, "unknown"))
		return false;
	verdict->skip = xeniommu_parse_skip(verdict->state, swiotlb, len);
	return verdict->skip || xeniommu_equal_(swiotlb, len, "keep");
}

/* One line without its end, "KEY STATE SWIOTLB". Returns NULL with *error if it is none. */
static struct word *parse_line(const char *line, size_t len, int *error)
{
	const char *state = memchr(line, ' ', len);
	const char *swiotlb = state ? memchr(state + 1, ' ', line + len - (state + 1)) : NULL;
	struct xeniommu_verdict verdict;
	struct word *word;

	*error = -EINVAL;
	if (!swiotlb)
		return NULL;
	if (!is_pci_key(line, state - line) && !is_dt_key(line, state - line))
		return NULL;
	if (!parse_verdict(state + 1, swiotlb - (state + 1), swiotlb + 1,
			   line + len - (swiotlb + 1), &verdict))
		return NULL;
	word = new_word(line, state - line);
	*error = -ENOMEM;
	if (word)
		word->verdict = verdict;
	return word;
}

static int parse(const char *text, size_t size, struct list_head *parsed)
{
	const char *end = text + size;

	while (text < end) {
		const char *newline = memchr(text, '\n', end - text);
		struct word *word;
		int error = -EINVAL;

		word = newline ? parse_line(text, newline - text, &error) : NULL;
		if (!word)
			return error;
		list_add_tail(&word->list, parsed);
		text = newline + 1;
	}
	return 0;
}

static void weaken(struct word *word, const struct word *other)
{
	if (word->verdict.skip || !other->verdict.skip)
		word->verdict = other->verdict;
}

/* All of them, or none. */
static int take_over(struct list_head *parsed)
{
	struct word *word, *next, *old;
	unsigned int count = 0;

	if (!accepting)
		return -EBUSY;
	list_for_each_entry(word, parsed, list)
		count += !find(&words, word->key);
	if (word_count + count > MAX_WORDS)
		return -ENOSPC;
	list_for_each_entry_safe(word, next, parsed, list) {
		old = find(&words, word->key);
		if (old) {
			weaken(old, word);
			continue;
		}
		list_del(&word->list);
		list_add_tail(&word->list, &words);
		word_count++;
	}
	return 0;
}

static ssize_t early_store(struct kobject *kobj, struct kobj_attribute *attr, const char *text,
			   size_t size)
{
	LIST_HEAD(parsed);
	int error = parse(text, size, &parsed);

	mutex_lock(&words_lock);
	/* Who comes too late need not know how to write. */
	if (!accepting)
		error = -EBUSY;
	else if (!error)
		error = take_over(&parsed);
	mutex_unlock(&words_lock);
	drop_all(&parsed);
	return error ? error : size;
}

static struct kobj_attribute early_attribute = __ATTR_WO(early);

/* ---- what counts ---- */

bool xi_early_is_over(void)
{
	bool is_over;

	mutex_lock(&words_lock);
	is_over = !accepting && list_empty(&words);
	mutex_unlock(&words_lock);
	return is_over;
}

bool xi_early_find(const char *key, struct xeniommu_verdict *verdict)
{
	const struct word *word;
	bool counts;

	mutex_lock(&words_lock);
	word = find(&words, key + strlen(XENIOMMU_DIR "/"));
	counts = word && !word->is_gone;
	if (counts)
		*verdict = word->verdict;
	mutex_unlock(&words_lock);
	return counts;
}

/* Whoever asked about a device that went may write only now. Under the lock. */
static void remember_gone(const char *key)
{
	struct word *word = word_count < MAX_WORDS ? new_word(key, strlen(key)) : NULL;

	if (!word) {
		accepting = false;
		closed = true;
		return;
	}
	word->is_gone = true;
	list_add_tail(&word->list, &words);
	word_count++;
}

void xi_early_removed(const char *key)
{
	struct word *word;

	key += strlen(XENIOMMU_DIR "/");
	mutex_lock(&words_lock);
	word = find(&words, key);
	if (word)
		word->is_gone = true;
	else if (accepting)
		remember_gone(key);
	mutex_unlock(&words_lock);
}

void xi_early_unbound(const char *key)
{
	struct word *word;

	mutex_lock(&words_lock);
	word = find(&words, key + strlen(XENIOMMU_DIR "/"));
	if (word && !accepting)
		word->is_gone = true;
	mutex_unlock(&words_lock);
}

void xi_early_close(void)
{
	mutex_lock(&words_lock);
	accepting = false;
	closed = true;
	mutex_unlock(&words_lock);
}

void xi_early_end(void)
{
	mutex_lock(&words_lock);
	accepting = false;
	closed = true;
	drop_all(&words);
	word_count = 0;
	mutex_unlock(&words_lock);
}

/* Without the file nobody can say anything early, and all the rest works. */
void xi_early_init(void)
{
	/* Nobody else can ask Xen, and only dom0's devices cannot move. */
	if (!xen_initial_domain())
		return;
	directory = kobject_create_and_add("xeniommu", kernel_kobj);
	if (!directory)
		return;
	mutex_lock(&words_lock);
	accepting = !closed;
	mutex_unlock(&words_lock);
	if (sysfs_create_file(directory, &early_attribute.attr))
		xi_early_close();
}

void xi_early_exit(void)
{
	/* Waits for who is writing. */
	kobject_put(directory);
	directory = NULL;
	xi_early_end();
	closed = false;
}

// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Questions to XenStore. A read waits for xenstored for ever if need be, and nothing can interrupt
 * it, so a worker reads, and the asker gives it up at the bound. Nothing is remembered between two
 * questions: what is answered was read after it was asked, so it cannot be stale, and where nobody
 * asks no XenStore traffic is made.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kref.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <xen/xen.h>
#include <xen/xenbus.h>

#include "xeniommu.h"

#define MAX_WAIT_MS 1000

/*
 * Binds at the same time ask side by side, but no more workers than this can get stuck (on older
 * kernels, for each NUMA node).
 */
#define MAX_WORKERS 8

static unsigned int wait_ms = 100;
module_param(wait_ms, uint, 0644);
MODULE_PARM_DESC(wait_ms, "The longest that a bind waits for XenStore, in ms (default 100)");

/* So long after its start a system still boots. */
#define BOOT_S 60
#define MAX_BOOT_WAIT_MS 10000
#define LOOK_EVERY_MS 20

static unsigned int boot_wait_ms = 1000;
module_param(boot_wait_ms, uint, 0644);
MODULE_PARM_DESC(boot_wait_ms,
		 "How long a guest's boot waits for its tree to be ready, in ms (default 1000)");

struct question {
	struct kref users;	/* the asker and the worker */
	struct work_struct work;
	struct completion done;
	bool given_up;		/* by the asker; under lock, as is the next */
	bool answered;		/* by the worker, which writes the rest no more */
	int error;		/* of xeniommu_ask() */
	bool is_coming;		/* the tree will be ready soon */
	bool since_asked;	/* whether the next is to be found out */
	enum xi_since since;
	struct xeniommu_verdict verdict;
	char key[XENIOMMU_KEY_SIZE];
};

static struct workqueue_struct *workers;
static bool opened;
static DEFINE_SPINLOCK(lock);

/* Questions that were given up and are not answered yet; under lock. */
static unsigned int overdue;

/* Of boot_wait_ms; under lock. */
static unsigned int boot_waited_ms;

static void question_release(struct kref *users)
{
	kfree(container_of(users, struct question, users));
}

static int read_node(void *arg, const char *path, char *value, size_t size)
{
	unsigned int len;
	char *got = xenbus_read(XBT_NIL, path, "", &len);

	if (IS_ERR(got))
		return PTR_ERR(got);
	memcpy(value, got, min_t(size_t, len, size));
	kfree(got);
	return len;
}

/*
 * What a run of the daemon publishes in, and what it leaves: dom0's tree, the host's, and what is
 * for its next run. A tree is taken away as a whole only where xenstored refuses to have its status
 * written.
 */
static enum xi_since look_for_daemon(void)
{
	static const char * const nodes[] = { XENIOMMU_DIR, XENIOMMU_HOST_DIR,
					      "/tool/xen-iommu" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		char unused;
		int len = read_node(NULL, nodes[i], &unused, 0);

		if (len >= 0)
			return XI_SINCE_OTHERS;
		if (len != -ENOENT)
			return XI_SINCE_UNKNOWN;
	}
	return XI_SINCE_NOTHING;
}

static enum xi_since look_for_domains(void)
{
	unsigned int count, i;
	char **domains = xenbus_directory(XBT_NIL, "/local/domain", "", &count);
	enum xi_since since = XI_SINCE_NOTHING;

	if (IS_ERR(domains))
		return PTR_ERR(domains) == -ENOENT ? since : XI_SINCE_UNKNOWN;
	for (i = 0; i < count; i++)
		if (strcmp(domains[i], "0"))
			since = XI_SINCE_OTHERS;
	kfree(domains);
	return since;
}

static enum xi_since find_since(int error)
{
	enum xi_since since;

	if (error == XENIOMMU_EMALFORMED || error == XENIOMMU_ETOOLONG)
		return XI_SINCE_UNKNOWN;
	if (error != XENIOMMU_ENOTREADY)
		return XI_SINCE_OTHERS;
	since = look_for_daemon();
	return since == XI_SINCE_NOTHING ? look_for_domains() : since;
}

/* A guest's tree that is there already, but not ready. In dom0 nearly all is bound before. */
static bool look_whether_it_comes(int error)
{
	static const char coming[] = "starting";
	char value[sizeof(coming)];

	return error == XENIOMMU_ENOTREADY && !xen_initial_domain() &&
	       read_node(NULL, XENIOMMU_DIR "/status", value, sizeof(value)) == strlen(coming) &&
	       !memcmp(value, coming, strlen(coming));
}

static bool was_given_up(const struct question *question)
{
	bool given_up;

	spin_lock(&lock);
	given_up = question->given_up;
	spin_unlock(&lock);
	return given_up;
}

static void answer(struct work_struct *work)
{
	struct question *question = container_of(work, struct question, work);

	/* Those behind ones that got stuck were given up before their turn. */
	if (!was_given_up(question)) {
		question->error = xeniommu_ask(read_node, NULL, question->key,
					       sizeof(question->key), &question->verdict);
		question->is_coming = look_whether_it_comes(question->error);
		if (question->since_asked)
			question->since = find_since(question->error);
	}
	spin_lock(&lock);
	question->answered = true;
	if (question->given_up)
		overdue--;
	spin_unlock(&lock);
	complete(&question->done);
	kref_put(&question->users, question_release);
	/* xi_ask_exit() waits for what is left of this function. */
	module_put(THIS_MODULE);
}

/* Returns whether there is an answer. Otherwise the question is the worker's alone. */
static bool wait_for_answer(struct question *question)
{
	unsigned int bound = min_t(unsigned int, READ_ONCE(wait_ms), MAX_WAIT_MS);
	bool answered;

	wait_for_completion_timeout(&question->done, msecs_to_jiffies(bound));
	spin_lock(&lock);
	answered = question->answered;
	if (!answered) {
		question->given_up = true;
		overdue++;
	}
	spin_unlock(&lock);
	return answered;
}

static const char *why_no_verdict(int error)
{
	switch (error) {
	case 0:
		return NULL;
	case XENIOMMU_ENOTREADY:
		return "not-ready";
	case XENIOMMU_EVERSION:
		return "unknown-version";
	case XENIOMMU_EABSENT:
		return "no-record";
	case XENIOMMU_EBUSY:
		return "changing";
	default:
		return "no-address";
	}
}

static bool is_stuck(void)
{
	bool stuck;

	spin_lock(&lock);
	stuck = overdue;
	spin_unlock(&lock);
	return stuck;
}

/* Returns a question that a worker has begun with or will, or NULL if there is no memory. */
static struct question *put_question(const char *key, bool since_asked)
{
	struct question *question = kzalloc(sizeof(*question), GFP_KERNEL);

	if (!question)
		return NULL;
	kref_init(&question->users);
	kref_get(&question->users);
	init_completion(&question->done);
	INIT_WORK(&question->work, answer);
	question->since_asked = since_asked;
	strscpy(question->key, key, sizeof(question->key));
	queue_work(workers, &question->work);
	return question;
}

static const char *ask_once(const char *key, struct xeniommu_verdict *verdict,
			    enum xi_since *since, bool *is_coming)
{
	struct question *question;
	const char *reason = "xenstore-slow";

	*is_coming = false;
	if (!READ_ONCE(opened)) {
		if (since)
			*since = XI_SINCE_NOTHING;
		return "no-xenstore";
	}
	if (is_stuck())
		return "xenstore-stuck";
	/* The worker gives it back: the module stays for as long as it reads. */
	if (!try_module_get(THIS_MODULE))
		return "unloading";
	question = put_question(key, since);
	if (!question) {
		module_put(THIS_MODULE);
		return "no-memory";
	}
	if (wait_for_answer(question)) {
		reason = why_no_verdict(question->error);
		if (!reason)
			*verdict = question->verdict;
		if (since)
			*since = question->since;
		*is_coming = question->is_coming;
	}
	kref_put(&question->users, question_release);
	return reason;
}

/*
 * A guest's tree is ready before the guest runs, as a rule. Where it is not, it is worth a moment:
 * once in a boot, for all binds together. Returns whether one has passed.
 */
static bool wait_for_tree(void)
{
	bool may_wait;

	if (ktime_get_boottime_seconds() >= BOOT_S)
		return false;
	spin_lock(&lock);
	may_wait = boot_waited_ms < min_t(unsigned int, READ_ONCE(boot_wait_ms), MAX_BOOT_WAIT_MS);
	if (may_wait)
		boot_waited_ms += LOOK_EVERY_MS;
	spin_unlock(&lock);
	if (may_wait)
		msleep(LOOK_EVERY_MS);
	return may_wait;
}

const char *xi_ask(const char *key, struct xeniommu_verdict *verdict, enum xi_since *since)
{
	const char *reason;
	bool is_coming;

	do
		reason = ask_once(key, verdict, since, &is_coming);
	while (is_coming && wait_for_tree());
	return reason;
}

void xi_ask_opened(void)
{
	WRITE_ONCE(opened, true);
}

int xi_ask_init(void)
{
	workers = alloc_workqueue("xeniommu", WQ_UNBOUND, MAX_WORKERS);
	return workers ? 0 : -ENOMEM;
}

void xi_ask_exit(void)
{
	destroy_workqueue(workers);
}

/* SPDX-License-Identifier: MIT */
/* Memory, strings, lists, locks, workers. */
#include "fake.h"

#include <pthread.h>
#include <semaphore.h>

#define JOBS_MAX 16

struct fake fake;
struct module kernel_module;

/* A worker: a thread that runs only while a test waits for it. */
struct job {
    struct work_struct *work;
    pthread_t thread;
    sem_t resume, paused;
    bool is_used, is_started, is_stuck;
    unsigned int order; /* of its queueing, or of its getting stuck */
};

struct workqueue_struct {
    bool exists;
};

static struct job jobs[JOBS_MAX];
static unsigned int job_order;
static struct workqueue_struct workqueue;
static unsigned int spinlocks_held, mutexes_held;
static _Thread_local struct job *current_job;

void fake_bug(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

void fake_may_sleep(const char *who)
{
    if (spinlocks_held > 0)
        fake_bug("%s under a spinlock", who);
}

/* ---- memory, strings ---- */

static bool allocation_fails(void)
{
    fake_may_sleep("an allocation");
    return fake.failing_allocation > 0 && --fake.failing_allocation == 0;
}

void *kmalloc(size_t size, int flags)
{
    void *memory;

    (void)flags;
    if (allocation_fails())
        return NULL;
    memory = malloc(size);
    if (memory == NULL)
        fake_bug("out of memory");
    memset(memory, 0xa5, size);
    fake.allocated++;
    return memory;
}

void *kzalloc(size_t size, int flags)
{
    void *memory = kmalloc(size, flags);

    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

void kfree(const void *memory)
{
    if (memory != NULL && fake.allocated-- == 0)
        fake_bug("freed too often");
    free((void *)(uintptr_t)memory);
}

static char *duplicate(const char *string, int flags)
{
    char *copy = kmalloc(strlen(string) + 1, flags);

    return copy != NULL ? strcpy(copy, string) : NULL;
}

const char *kstrdup_const(const char *string, int flags)
{
    return duplicate(string, flags);
}

void kfree_const(const void *memory)
{
    kfree(memory);
}

char *kasprintf(int flags, const char *format, ...)
{
    const struct device_node *node;
    va_list args;

    if (strcmp(format, "%pOF") != 0)
        fake_bug("kasprintf: unknown format '%s'", format);
    va_start(args, format);
    node = va_arg(args, const struct device_node *);
    va_end(args);
    return duplicate(node->path, flags);
}

int kernel_snprintf(char *out, size_t size, const char *format, ...)
{
    va_list args;
    kernel_dma_op *function;

    if (strcmp(format, "%ps") != 0)
        fake_bug("snprintf: unknown format '%s'", format);
    va_start(args, format);
    function = (kernel_dma_op *)(uintptr_t)va_arg(args, void *);
    va_end(args);
    return snprintf(out, size, "%s", fake_symbol(function));
}

ssize_t strscpy(char *to, const char *from, size_t size)
{
    size_t len = strlen(from);

    if (size == 0)
        return -E2BIG;
    snprintf(to, size, "%s", from);
    return len < size ? (ssize_t)len : -E2BIG;
}

/* ---- lists ---- */

void list_add_tail(struct list_head *entry, struct list_head *head)
{
    entry->prev = head->prev;
    entry->next = head;
    head->prev->next = entry;
    head->prev = entry;
}

void list_del(struct list_head *entry)
{
    entry->prev->next = entry->next;
    entry->next->prev = entry->prev;
    entry->prev = entry->next = NULL;
}

/* ---- locks ---- */

static void take(bool *held, unsigned int *count)
{
    if (*held)
        fake_bug("a lock is taken twice");
    *held = true;
    ++*count;
}

static void release(bool *held, unsigned int *count)
{
    if (!*held)
        fake_bug("a lock is released that is not held");
    *held = false;
    --*count;
}

void mutex_lock(struct mutex *mutex)
{
    fake_may_sleep("mutex_lock()");
    take(&mutex->held, &mutexes_held);
}

void mutex_unlock(struct mutex *mutex)
{
    release(&mutex->held, &mutexes_held);
}

void spin_lock(spinlock_t *lock)
{
    take(&lock->held, &spinlocks_held);
}

void spin_unlock(spinlock_t *lock)
{
    release(&lock->held, &spinlocks_held);
}

/* ---- references, completions ---- */

void kref_init(struct kref *kref)
{
    kref->count = 1;
}

void kref_get(struct kref *kref)
{
    if (kref->count++ <= 0)
        fake_bug("a reference to what is gone");
}

int kref_put(struct kref *kref, void (*release_it)(struct kref *kref))
{
    if (--kref->count > 0)
        return 0;
    if (kref->count < 0)
        fake_bug("a reference is put twice");
    release_it(kref);
    return 1;
}

void init_completion(struct completion *completion)
{
    *completion = (struct completion){.ready = true};
}

void complete(struct completion *completion)
{
    if (!completion->ready)
        fake_bug("complete() before init_completion()");
    completion->done = true;
}

unsigned long msecs_to_jiffies(unsigned int ms)
{
    return ms;
}

void msleep(unsigned int ms)
{
    fake_may_sleep("msleep()");
    fake.slept_ms += ms;
    if (fake.while_sleeping != NULL)
        fake.while_sleeping();
}

long long ktime_get_boottime_seconds(void)
{
    return fake.uptime;
}

unsigned long wait_for_completion_timeout(struct completion *completion, unsigned long jiffies)
{
    void (*happens)(void) = fake.while_waiting;

    fake_may_sleep("a wait");
    if (!completion->ready)
        fake_bug("a wait before init_completion()");
    fake.waited = jiffies;
    /* Who does not wait sees nothing happen. */
    if (happens != NULL && jiffies > 0 && !completion->done)
        happens();
    fake.timed_out = !completion->done;
    if (!completion->done)
        return 0;
    return jiffies > 0 ? jiffies : 1;
}

/* ---- workers ---- */

struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int max_active)
{
    if (workqueue.exists || name == NULL || flags != WQ_UNBOUND)
        fake_bug("another workqueue");
    if (fake.no_workqueue)
        return NULL;
    workqueue.exists = true;
    fake.max_workers = max_active;
    return &workqueue;
}

bool queue_work(struct workqueue_struct *queue, struct work_struct *work)
{
    size_t i;

    if (queue != &workqueue || !workqueue.exists)
        fake_bug("no such workqueue");
    for (i = 0; i < JOBS_MAX && jobs[i].is_used; i++)
        continue;
    if (i == JOBS_MAX)
        fake_bug("too much work");
    jobs[i] = (struct job){.work = work, .is_used = true, .order = job_order++};
    sem_init(&jobs[i].resume, 0, 0);
    sem_init(&jobs[i].paused, 0, 0);
    if (fake.works_at_once)
        fake_work_all();
    return true;
}

/* The first in order of those that wait for a worker, or that are stuck; NULL: none. */
static struct job *first_job(bool is_stuck)
{
    struct job *first = NULL;
    size_t i;

    for (i = 0; i < JOBS_MAX; i++) {
        bool fits = is_stuck ? jobs[i].is_stuck : !jobs[i].is_started;

        if (jobs[i].is_used && fits && (first == NULL || jobs[i].order < first->order))
            first = &jobs[i];
    }
    return first;
}

static unsigned int count_jobs(bool is_stuck)
{
    unsigned int count = 0;
    size_t i;

    for (i = 0; i < JOBS_MAX; i++)
        count += jobs[i].is_used && (is_stuck ? jobs[i].is_stuck : !jobs[i].is_started);
    return count;
}

unsigned int fake_queued(void)
{
    return count_jobs(false);
}

unsigned int fake_stuck(void)
{
    return count_jobs(true);
}

static void *run_job(void *arg)
{
    struct job *job = arg;

    current_job = job;
    job->work->function(job->work);
    job->work = NULL;
    sem_post(&job->paused);
    return NULL;
}

static void wait_for_job(struct job *job)
{
    while (sem_wait(&job->paused) != 0)
        continue;
    if (spinlocks_held > 0 || mutexes_held > 0)
        fake_bug("a worker has left a lock held");
    if (job->is_stuck)
        return;
    if (pthread_join(job->thread, NULL) != 0)
        fake_bug("no end of a worker");
    sem_destroy(&job->resume);
    sem_destroy(&job->paused);
    job->is_used = false;
}

void fake_work(void)
{
    struct job *job = first_job(false);

    if (job == NULL)
        fake_bug("no work");
    job->is_started = true;
    if (pthread_create(&job->thread, NULL, run_job, job) != 0)
        fake_bug("no worker");
    wait_for_job(job);
}

void fake_work_all(void)
{
    while (fake_queued() > 0)
        fake_work();
}

bool fake_is_worker(void)
{
    return current_job != NULL;
}

void fake_get_stuck(void)
{
    struct job *job = current_job;

    job->order = job_order++;
    job->is_stuck = true;
    sem_post(&job->paused);
    while (sem_wait(&job->resume) != 0)
        continue;
}

void fake_answer(void)
{
    struct job *job = first_job(true);

    if (job == NULL)
        fake_bug("nobody waits for an answer");
    job->is_stuck = false;
    sem_post(&job->resume);
    wait_for_job(job);
}

/* Waits for all that was queued, as the kernel's does. */
void destroy_workqueue(struct workqueue_struct *queue)
{
    fake_may_sleep("destroy_workqueue()");
    if (queue != &workqueue || !workqueue.exists)
        fake_bug("no such workqueue");
    if (fake_stuck() > 0)
        fake_bug("unloading waits for ever");
    fake_work_all();
    workqueue.exists = false;
}

/* ---- modules ---- */

bool try_module_get(struct module *module)
{
    if (fake.unloading)
        return false;
    module->users++;
    return true;
}

void module_put(struct module *module)
{
    if (module->users-- <= 0)
        fake_bug("the module is put too often");
}

void fake_reset(void)
{
    if (fake.allocated > 0)
        fake_bug("%u blocks were not given back", fake.allocated);
    if (fake_queued() > 0 || fake_stuck() > 0 || workqueue.exists)
        fake_bug("work was left");
    if (kernel_module.users != 0)
        fake_bug("the module has %d users", kernel_module.users);
    if (spinlocks_held > 0 || mutexes_held > 0)
        fake_bug("a lock was left held");
    fake_device_reset();
    fake_store_reset();
    fake = (struct fake){0};
}

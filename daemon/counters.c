/* SPDX-License-Identifier: MIT */
#include "counters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* docs/monitoring.md has this too: names, so that a reader can be of another version. */
struct file {
    char magic[8];
    uint32_t version;
    uint32_t count; /* of entries */
    struct {
        char name[COUNTERS_NAME_SIZE];
        _Atomic uint64_t value;
    } entries[COUNTERS];
};

static const char *const names[COUNTERS] = {
    [COUNTER_PASSES] = "passes",
    [COUNTER_QUESTIONS] = "oracle-questions",
    [COUNTER_QUESTION_ERRORS] = "oracle-errors",
    [COUNTER_GROUP_QUESTIONS] = "group-questions",
    [COUNTER_TRANSACTIONS] = "transactions",
    [COUNTER_RETRIES] = "transaction-retries",
    [COUNTER_OWNER_CHANGES] = "owner-changes",
    [COUNTER_VERDICT_CHANGES] = "verdict-changes",
    [COUNTER_STARTED] = "started-ms",
    [COUNTER_ANSWERED] = "answered-ms",
    [COUNTER_CONFIRMED] = "confirmed-ms",
};

/* Like stderr and the heartbeat, one of the process. */
static struct file own;
static struct file *counters = &own;

void counter_add(enum counter counter)
{
    atomic_fetch_add_explicit(&counters->entries[counter].value, 1, memory_order_relaxed);
}

void counter_set_now(enum counter counter)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    atomic_store_explicit(&counters->entries[counter].value,
                          (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
                          memory_order_relaxed);
}

int counters_path(const char *lock_file, char **path)
{
    return asprintf(path, "%s.counters", lock_file) < 0 ? -ENOMEM : 0;
}

static void fill(struct file *file)
{
    *file = (struct file){.version = COUNTERS_VERSION, .count = COUNTERS};
    memcpy(file->magic, COUNTERS_MAGIC, sizeof(file->magic));
    for (size_t i = 0; i < COUNTERS; i++) {
        snprintf(file->entries[i].name, sizeof(file->entries[i].name), "%s", names[i]);
        atomic_store(&file->entries[i].value, atomic_load(&counters->entries[i].value));
    }
}

/* A file of its own, under a name that nobody reads. */
static int map_new(const char *path, struct file **file)
{
    int rc = 0, fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return -errno;
    *file = MAP_FAILED;
    if (ftruncate(fd, sizeof(**file)) == 0)
        *file = mmap(NULL, sizeof(**file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (*file == MAP_FAILED)
        rc = -errno;
    close(fd);
    return rc;
}

/* In the place of an older one, which some process may have mapped still: it is not cut. */
int counters_share(const char *path)
{
    struct file *file = NULL;
    char *fresh;
    int rc;

    if (asprintf(&fresh, "%s.new", path) < 0)
        return -ENOMEM;
    (void)unlink(fresh);
    rc = map_new(fresh, &file);
    if (rc == 0) {
        fill(file);
        if (rename(fresh, path) == 0)
            counters = file;
        else
            rc = -errno;
    }
    if (rc != 0 && file != NULL && file != MAP_FAILED)
        (void)munmap(file, sizeof(*file));
    free(fresh);
    if (rc == 0)
        counter_set_now(COUNTER_STARTED);
    return rc;
}

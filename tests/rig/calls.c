/* SPDX-License-Identifier: MIT */
/* Keeps the record of calls and injects errors. */
#include "fake.h"
#include "state.h"
#include "textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define FAULT_HOLD     -1 /* not an errno: the call waits until the line is gone */
#define HOLD_POLL_NS   1000000
#define HOLD_POLLS     30000
#define FAULT_COUNTERS (STATE_PAGE / sizeof(uint32_t))

static pthread_mutex_t state_lock = PTHREAD_MUTEX_INITIALIZER;
static struct textfile faults = {.name = "faults"};

void fake_lock(void)
{
    pthread_mutex_lock(&state_lock);
}

void fake_unlock(void)
{
    pthread_mutex_unlock(&state_lock);
}

static int error_number(const char *name)
{
    for (int error = 1; error < 134; error++) {
        const char *candidate = strerrorname_np(error);

        if (candidate && strcmp(candidate, name) == 0)
            return error;
    }
    return strcmp(name, "hold") == 0 ? FAULT_HOLD : EIO;
}

/* Whether the fault numbered id has been used fewer than limit times; counts this use. */
static bool use_fault(unsigned int id, unsigned int limit)
{
    _Atomic uint32_t *used = state_map("faults.used");
    bool left = false;

    if (!used)
        return false;
    if (id < FAULT_COUNTERS)
        left = atomic_fetch_add(&used[id], 1) < limit;
    munmap((void *)used, STATE_PAGE);
    return left;
}

/* The error that one line of the faults file has for this call: 0 for none. */
static int match_fault(char *line, const struct call *call)
{
    unsigned int id = 0, limit = 0;
    char *save = NULL, *word = strtok_r(line, " \t\r", &save);
    int error;

    if (!word || strcmp(word, call->name) != 0)
        return 0;
    word = strtok_r(NULL, " \t\r", &save);
    if (!word)
        return 0;
    error = error_number(word);
    while ((word = strtok_r(NULL, " \t\r", &save))) {
        if (strncmp(word, "on=", 3) == 0 && strcmp(word + 3, call->what) != 0)
            return 0;
        if (strncmp(word, "by=", 3) == 0 && strcmp(word + 3, program_invocation_short_name) != 0)
            return 0;
        if (strncmp(word, "id=", 3) == 0)
            id = (unsigned int)strtoul(word + 3, NULL, 10);
        if (strncmp(word, "count=", 6) == 0)
            limit = (unsigned int)strtoul(word + 6, NULL, 10);
    }
    return limit && !use_fault(id, limit) ? 0 : error;
}

static int find_fault(const struct call *call)
{
    char line[512];
    int error = 0;

    fake_lock();
    textfile_refresh(&faults);
    for (const char *text = faults.text;
         !error && (text = textfile_next_line(text, line, sizeof(line)));)
        error = match_fault(line, call);
    fake_unlock();
    return error;
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* What a test needs to know of the answer: who really had the device, and between which times that
 * was looked up. */
static void describe_moment(const struct call *call, char *text, size_t size)
{
    int used = 0;

    if (call->owner_known && call->owner >= 0)
        used = snprintf(text, size, "owner=%d ", call->owner);
    else if (call->owner_known)
        used = snprintf(text, size, "owner=%s ", call->owner == OWNER_NONE ? "none" : "io");
    snprintf(text + used, size - (size_t)used, "asked=%" PRId64 " at=%" PRId64, call->asked,
             now_ns());
}

static void record(const struct call *call, const char *result)
{
    char path[PATH_MAX], line[512], moment[96];
    int fd, length;

    if (state_path(path, sizeof(path), "calls"))
        return;
    fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return;
    describe_moment(call, moment, sizeof(moment));
    length = snprintf(line, sizeof(line), "%s %s %s%s%s = %s %s\n", program_invocation_short_name,
                      call->name, call->what, *call->what && *call->arguments ? " " : "",
                      call->arguments, result, moment);
    if (length > 0 && (size_t)length < sizeof(line) && write(fd, line, (size_t)length) != length)
        fprintf(stderr, "fakexen: the record of calls cannot be written\n");
    close(fd);
}

/* Waits at a hold; whatever the line was replaced by is obeyed then. */
static int wait_for_release(const struct call *call)
{
    struct timespec pause = {0, HOLD_POLL_NS};
    int error = FAULT_HOLD;

    record(call, "held");
    for (int i = 0; error == FAULT_HOLD && i < HOLD_POLLS; i++) {
        nanosleep(&pause, NULL);
        error = find_fault(call);
    }
    return error == FAULT_HOLD ? ETIMEDOUT : error;
}

static int inject(const struct call *call, bool recorded)
{
    char result[64];
    int error;

    if (!state_dir()) { /* no rig: as on a machine without Xen */
        errno = ENOENT;
        return -1;
    }
    error = find_fault(call);
    if (error == FAULT_HOLD)
        error = wait_for_release(call);
    if (!error)
        return 0;
    if (recorded) {
        snprintf(result, sizeof(result), "%s injected", strerrorname_np(error));
        record(call, result);
    }
    errno = error;
    return -1;
}

int call_begin(struct call *call, const char *name, const char *what, const char *format, ...)
{
    va_list args;

    call->name = name;
    call->owner_known = false;
    snprintf(call->what, sizeof(call->what), "%s", what);
    va_start(args, format);
    vsnprintf(call->arguments, sizeof(call->arguments), format, args);
    va_end(args);
    call->asked = now_ns();
    if (inject(call, true) < 0)
        return -1;
    call->asked = now_ns(); /* it may have been held */
    return 0;
}

int call_end(const struct call *call, int rc, int error)
{
    char result[32];

    if (error)
        snprintf(result, sizeof(result), "%s", strerrorname_np(error));
    else
        snprintf(result, sizeof(result), "%d", rc);
    record(call, result);
    if (error)
        errno = error;
    return rc;
}

int fault(const char *name)
{
    struct call call = {.name = name};

    return inject(&call, false);
}

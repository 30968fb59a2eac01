/* SPDX-License-Identifier: MIT */
#include "store.h"

#include "truth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xeniommu-schema.h>

static void note_answer(struct store *store, uint64_t from, uint64_t to)
{
    store->answered = to;
    if (to - from < STALL_NS)
        return;
    store->stalls[store->stall_count++ % STALLS] = (struct stall){from, to};
}

bool store_connect(struct store *store)
{
    static const char *const watched[] = {XENIOMMU_HOST_DIR, "/local/domain"};

    if (store->xs)
        return true;
    if (!store->lost)
        store->lost = now_ns();
    store->xs = xs_open(0);
    for (size_t i = 0; store->xs && i < sizeof(watched) / sizeof(watched[0]); i++)
        if (!xs_watch(store->xs, watched[i], "audit"))
            store_close(store);
    if (!store->xs)
        return false;
    note_answer(store, store->lost, now_ns());
    store->lost = 0;
    return true;
}

void store_close(struct store *store)
{
    if (store->xs)
        xs_close(store->xs);
    store->xs = NULL;
}

void store_drop(struct store *store)
{
    store->lost = now_ns();
    store_close(store);
}

char *store_event(struct store *store)
{
    char **event = store->xs ? xs_check_watch(store->xs) : NULL, *path;

    path = event ? strdup(event[XS_WATCH_PATH]) : NULL;
    free(event);
    return path;
}

xs_transaction_t store_begin(struct store *store)
{
    uint64_t begin = now_ns();
    xs_transaction_t tx = xs_transaction_start(store->xs);
    int error = errno;

    note_answer(store, begin, now_ns());
    errno = error;
    return tx;
}

bool store_end(struct store *store, xs_transaction_t tx, bool abort)
{
    uint64_t begin = now_ns();
    bool done = xs_transaction_end(store->xs, tx, abort);
    int error = errno;

    note_answer(store, begin, now_ns());
    errno = error;
    return done;
}

char *store_read(struct store *store, xs_transaction_t tx, const char *path)
{
    uint64_t begin = now_ns();
    unsigned int len;
    char *value = xs_read(store->xs, tx, path, &len);
    int error = errno;

    note_answer(store, begin, now_ns());
    errno = error;
    return value;
}

char **store_list(struct store *store, xs_transaction_t tx, const char *path, unsigned int *count)
{
    uint64_t begin = now_ns();
    char **names = xs_directory(store->xs, tx, path, count);
    int error = errno;

    note_answer(store, begin, now_ns());
    errno = error;
    return names;
}

bool store_is_lost(int error)
{
    return error == EPIPE || error == EBADF || error == ECONNRESET || error == ENOTCONN ||
           error == EINVAL;
}

uint64_t store_stalled(const struct store *store, uint64_t from, uint64_t to)
{
    size_t count = store->stall_count < STALLS ? store->stall_count : STALLS;
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t begin = store->stalls[i].from > from ? store->stalls[i].from : from;
        uint64_t end = store->stalls[i].to < to ? store->stalls[i].to : to;

        sum += end > begin ? end - begin : 0;
    }
    return sum;
}

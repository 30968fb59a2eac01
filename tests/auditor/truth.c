/* SPDX-License-Identifier: MIT */
#include "truth.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HISTORY_STATES 1024
#define HISTORY_BYTES  (64u << 20)

uint64_t now_ns(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now))
        err(2, "the clock");
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *copy_of(const void *from, size_t count, size_t size)
{
    void *copy = calloc(count + 1, size);

    if (!copy)
        err(2, "no memory");
    if (count)
        memcpy(copy, from, count * size);
    return copy;
}

struct truth *truth_new(uint64_t begin)
{
    struct truth none = {.begin = begin, .end = UINT64_MAX};

    return copy_of(&none, 1, sizeof(none));
}

struct truth *truth_copy(const struct truth *truth, uint64_t begin)
{
    struct truth *copy = copy_of(truth, 1, sizeof(*truth));

    copy->begin = begin;
    copy->end = UINT64_MAX;
    copy->devices = copy_of(truth->devices, truth->device_count, sizeof(*truth->devices));
    copy->domains = copy_of(truth->domains, truth->domain_count, sizeof(*truth->domains));
    return copy;
}

void truth_free(struct truth *truth)
{
    if (!truth)
        return;
    free(truth->devices);
    free(truth->domains);
    free(truth);
}

bool truth_equal(const struct truth *a, const struct truth *b)
{
    if (a->device_count != b->device_count || a->domain_count != b->domain_count ||
        a->driven != b->driven || a->alive != b->alive)
        return false;
    for (size_t i = 0; i < a->device_count; i++) {
        const struct truth_device *x = &a->devices[i], *y = &b->devices[i];

        if (x->owner != y->owner || x->adding != y->adding || strcmp(x->name, y->name) != 0 ||
            strcmp(x->group, y->group) != 0)
            return false;
    }
    for (size_t i = 0; i < a->domain_count; i++) {
        const struct truth_domain *x = &a->domains[i], *y = &b->domains[i];

        if (x->domid != y->domid || x->translated != y->translated || strcmp(x->uuid, y->uuid) != 0)
            return false;
    }
    return true;
}

static void copy_text(char *to, size_t size, const char *from)
{
    size_t len = strnlen(from, size);

    if (len == size)
        errx(2, "%s is too long", from);
    memcpy(to, from, len + 1);
}

struct truth_domain *truth_add_domain(struct truth *truth, int domid, const char *uuid)
{
    struct truth_domain *domain;

    truth->domains = realloc(truth->domains, (truth->domain_count + 1) * sizeof(*domain));
    if (!truth->domains)
        err(2, "no memory");
    domain = &truth->domains[truth->domain_count++];
    memset(domain, 0, sizeof(*domain));
    domain->domid = domid;
    if (uuid)
        copy_text(domain->uuid, sizeof(domain->uuid), uuid);
    return domain;
}

struct truth_device *truth_add_device(struct truth *truth, const char *name, int owner)
{
    struct truth_device *device;

    truth->devices = realloc(truth->devices, (truth->device_count + 1) * sizeof(*device));
    if (!truth->devices)
        err(2, "no memory");
    device = &truth->devices[truth->device_count++];
    memset(device, 0, sizeof(*device));
    copy_text(device->name, sizeof(device->name), name);
    device->owner = owner;
    return device;
}

const struct truth_device *truth_device(const struct truth *truth, const char *name)
{
    for (size_t i = 0; i < truth->device_count; i++)
        if (strcmp(truth->devices[i].name, name) == 0)
            return &truth->devices[i];
    return NULL;
}

const struct truth_domain *truth_domain(const struct truth *truth, int domid)
{
    for (size_t i = 0; i < truth->domain_count; i++)
        if (truth->domains[i].domid == domid)
            return &truth->domains[i];
    return NULL;
}

struct truth *history_now(const struct history *history)
{
    return history->count ? history->states[history->count - 1] : NULL;
}

static bool has_one(const struct truth *truth, int domid)
{
    for (size_t i = 0; i < truth->device_count; i++)
        if (truth->devices[i].owner == domid || truth->devices[i].owner == OWNER_GUEST)
            return true;
    return false;
}

/* Which domains have a device, or had one in a state before. */
static void note_devices(struct truth *truth, const struct truth *before)
{
    for (size_t i = 0; i < truth->domain_count; i++) {
        struct truth_domain *domain = &truth->domains[i];
        const struct truth_domain *same = before ? truth_domain(before, domain->domid) : NULL;

        domain->had_device = has_one(truth, domain->domid) ||
                             (same && same->had_device && strcmp(same->uuid, domain->uuid) == 0);
    }
}

static void forget_oldest(struct history *history)
{
    const struct truth *last = history_now(history);
    size_t each = last->device_count * sizeof(struct truth_device) +
                  last->domain_count * sizeof(struct truth_domain) + sizeof(*last);

    while (history->count > 2 &&
           (history->count > HISTORY_STATES || history->count * each > HISTORY_BYTES)) {
        truth_free(history->states[0]);
        history->count--;
        memmove(history->states, history->states + 1, history->count * sizeof(struct truth *));
    }
}

void history_add(struct history *history, struct truth *truth, uint64_t settled)
{
    note_devices(truth, history_now(history));
    history_settle(history, settled);
    if (history->count && history_now(history)->end == UINT64_MAX)
        history_now(history)->end = settled;
    if (history->count == history->size) {
        history->size = history->size ? 2 * history->size : 64;
        history->states = realloc(history->states, history->size * sizeof(struct truth *));
        if (!history->states)
            err(2, "no memory");
    }
    history->states[history->count++] = truth;
    forget_oldest(history);
}

void history_settle(struct history *history, uint64_t settled)
{
    for (size_t i = history->count; i-- > 1;) {
        if (history->states[i - 1]->end != UINT64_MAX)
            break;
        history->states[i - 1]->end = settled;
    }
}

void history_free(struct history *history)
{
    for (size_t i = 0; i < history->count; i++)
        truth_free(history->states[i]);
    free(history->states);
}

/* SPDX-License-Identifier: MIT */
/*
 * The truth as far as Xen tells it. A thread asks every millisecond, whatever the rest waits for: a
 * round is one question for each device and one for the domains, and allocates nothing but where
 * something changed. What it finds is kept until the history is updated.
 */
#include "source.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <xenctrl.h>

#define DOMAINS     16 /* asked for at once: libxenctrl keeps a buffer of one page */
#define DOMAINS_END 0x7ff0
#define ROUND_NS    1000000u

/* A state, and when the one before had ended. */
struct change {
    struct truth *truth;
    uint64_t settled;
};

struct oracle {
    struct source source;
    xc_interface *xch;
    char *const *devices;
    uint32_t *sbdfs; /* of each, where it is a PCI function */
    size_t count;
    struct truth *still; /* the devices that are not asked about again */
    const char *lock;
    int locks;                  /* /proc/locks */
    char (*groups)[GROUP_SIZE]; /* of each device, asked once: while dom0 has all of them */
    pthread_t thread;
    pthread_mutex_t mutex; /* over all that follows, and xch */
    bool ending;
    unsigned long rounds;
    uint64_t longest_gap;   /* between the begins of two rounds */
    uint64_t asked;         /* when the last round began: a change that this one shows came after */
    struct truth *now;      /* made anew in each round */
    struct truth *last;     /* what the history ends with, or will */
    struct change *changes; /* not in the history yet */
    size_t change_count, change_size;
    xc_domaininfo_t info[DOMAINS];
};

static bool is_path(const char *device)
{
    return device[0] == '/';
}

static uint32_t sbdf_of(const char *device)
{
    unsigned int segment, bus, slot, function;

    if (sscanf(device, "%x:%x:%x.%x", &segment, &bus, &slot, &function) != 4)
        errx(2, "%s is no device", device);
    return segment << 16 | bus << 8 | slot << 3 | function;
}

static int ask_owner(struct oracle *oracle, const char *device, uint32_t sbdf)
{
    int rc = is_path(device) ? xc_test_assign_dt_device(oracle->xch, DOMID_INVALID, (char *)device)
                             : xc_test_assign_device(oracle->xch, DOMID_INVALID, sbdf);

    if (rc == 0)
        return is_path(device) ? OWNER_NOBODY : OWNER_FREE;
    return errno == EINVAL ? OWNER_GUEST : OWNER_NONE;
}

/* Named after its lowest member. Xen lists those that dom0 has. */
static void ask_group(struct oracle *oracle, const char *device, uint32_t sbdf,
                      char group[GROUP_SIZE])
{
    uint32_t mates[64], count = 0, lowest;

    if (is_path(device) || xc_get_device_group(oracle->xch, 0, sbdf, 64, &count, mates))
        return;
    lowest = (sbdf & 0xffff) << 8;
    for (uint32_t i = 0; i < count && i < 64; i++)
        lowest = mates[i] < lowest ? mates[i] : lowest;
    if (count)
        snprintf(group, GROUP_SIZE, "%x-%x", sbdf >> 16, lowest);
}

/* A line of /proc/locks: whether it is about this file. */
static bool is_about(const char *line, const struct stat *st)
{
    unsigned int major, minor;
    unsigned long inode;

    return sscanf(line, "%*d: %*s %*s %*s %*d %x:%x:%lu", &major, &minor, &inode) == 3 &&
           inode == st->st_ino && major == major(st->st_dev) && minor == minor(st->st_dev);
}

/* A daemon runs while somebody holds its lock. Many locks: those of the first 16 KB count. */
static bool is_held(const struct oracle *oracle)
{
    char text[16384];
    struct stat st;
    ssize_t len;

    if (!oracle->lock)
        return true;
    if (stat(oracle->lock, &st))
        return false;
    len = pread(oracle->locks, text, sizeof(text) - 1, 0);
    if (len < 0)
        err(2, "/proc/locks");
    text[len] = '\0';
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
        if (is_about(line, &st))
            return true;
    return false;
}

static void take_domain(struct truth *truth, const xc_domaininfo_t *info)
{
    const uint8_t *h = info->handle;
    char uuid[UUID_SIZE];

    snprintf(uuid, sizeof(uuid),
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", h[0], h[1],
             h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11], h[12], h[13], h[14],
             h[15]);
    truth_add_domain(truth, info->domain, uuid)->translated = info->flags & XEN_DOMINF_hvm_guest;
}

static void ask_domains(struct oracle *oracle, struct truth *truth)
{
    uint32_t first = 1;
    int count;

    do {
        count = xc_domain_getinfolist(oracle->xch, first, DOMAINS, oracle->info);
        if (count < 0)
            err(2, "asking Xen for the domains");
        for (int i = 0; i < count; i++)
            take_domain(truth, &oracle->info[i]);
        if (count)
            first = oracle->info[count - 1].domain + 1u;
    } while (count == DOMAINS && first < DOMAINS_END);
}

static void note_change(struct oracle *oracle, uint64_t settled)
{
    if (oracle->change_count == oracle->change_size) {
        oracle->change_size = oracle->change_size ? 2 * oracle->change_size : 16;
        oracle->changes = realloc(oracle->changes, oracle->change_size * sizeof(*oracle->changes));
        if (!oracle->changes)
            err(2, "no memory");
    }
    oracle->changes[oracle->change_count++] =
        (struct change){truth_copy(oracle->now, oracle->now->begin), settled};
    truth_free(oracle->last);
    oracle->last = truth_copy(oracle->now, oracle->now->begin);
}

static void note_round(struct oracle *oracle, uint64_t begin)
{
    oracle->rounds++;
    if (oracle->asked && begin - oracle->asked > oracle->longest_gap)
        oracle->longest_gap = begin - oracle->asked;
    oracle->asked = begin;
}

/* With the mutex. */
static void ask(struct oracle *oracle)
{
    uint64_t begin = now_ns();
    struct truth *truth = oracle->now;

    truth->device_count = truth->domain_count = 0;
    truth->begin = oracle->asked ? oracle->asked : begin;
    truth->alive = is_held(oracle);
    ask_domains(oracle, truth);
    for (size_t i = 0; i < oracle->count; i++) {
        const char *name = oracle->devices[i];
        int owner = ask_owner(oracle, name, oracle->sbdfs[i]);

        memcpy(truth_add_device(truth, name, owner)->group, oracle->groups[i], GROUP_SIZE);
    }
    for (size_t i = 0; i < oracle->still->device_count; i++)
        truth_add_device(truth, oracle->still->devices[i].name, oracle->still->devices[i].owner);
    note_round(oracle, begin);
    if (!oracle->last || !truth_equal(truth, oracle->last))
        note_change(oracle, now_ns());
}

static void lock(struct oracle *oracle)
{
    int rc = pthread_mutex_lock(&oracle->mutex);

    if (rc)
        errx(2, "the mutex: %s", strerror(rc));
}

static void unlock(struct oracle *oracle)
{
    int rc = pthread_mutex_unlock(&oracle->mutex);

    if (rc)
        errx(2, "the mutex: %s", strerror(rc));
}

/* As long as a round takes is for others, before the next. */
static void *ask_again(void *arg)
{
    struct oracle *oracle = arg;
    bool ending = false;

    while (!ending) {
        uint64_t begin = now_ns(), took;

        lock(oracle);
        ask(oracle);
        ending = oracle->ending;
        unlock(oracle);
        took = now_ns() - begin;
        took = 2 * took > ROUND_NS ? took : ROUND_NS - took;
        (void)nanosleep(&(struct timespec){.tv_sec = (time_t)(took / 1000000000u),
                                           .tv_nsec = (long)(took % 1000000000u)},
                        NULL);
    }
    return NULL;
}

static void update(struct source *source, struct history *history)
{
    struct oracle *oracle = (struct oracle *)source;

    lock(oracle);
    ask(oracle);
    for (size_t i = 0; i < oracle->change_count; i++)
        history_add(history, oracle->changes[i].truth, oracle->changes[i].settled);
    oracle->change_count = 0;
    source->rounds = oracle->rounds;
    source->longest_gap = oracle->longest_gap;
    unlock(oracle);
}

static void oracle_close(struct source *source)
{
    struct oracle *oracle = (struct oracle *)source;

    lock(oracle);
    oracle->ending = true;
    unlock(oracle);
    (void)pthread_join(oracle->thread, NULL);
    (void)pthread_mutex_destroy(&oracle->mutex);
    for (size_t i = 0; i < oracle->change_count; i++)
        truth_free(oracle->changes[i].truth);
    free(oracle->changes);
    xc_interface_close(oracle->xch);
    close(oracle->locks);
    free(oracle->groups);
    free(oracle->sbdfs);
    truth_free(oracle->still);
    truth_free(oracle->now);
    truth_free(oracle->last);
    free(oracle);
}

static void ask_once(struct oracle *oracle, char *const *still, size_t still_count)
{
    xc_physinfo_t info;

    if (xc_physinfo(oracle->xch, &info))
        err(2, "asking Xen");
    oracle->now->driven = info.capabilities & XEN_SYSCTL_PHYSCAP_directio;
    for (size_t i = 0; i < oracle->count; i++) {
        oracle->sbdfs[i] = is_path(oracle->devices[i]) ? 0 : sbdf_of(oracle->devices[i]);
        ask_group(oracle, oracle->devices[i], oracle->sbdfs[i], oracle->groups[i]);
    }
    for (size_t i = 0; i < still_count; i++)
        truth_add_device(oracle->still, still[i],
                         ask_owner(oracle, still[i], is_path(still[i]) ? 0 : sbdf_of(still[i])));
}

static void *room(size_t count, size_t size)
{
    void *made = calloc(count, size);

    if (!made)
        err(2, "no memory");
    return made;
}

struct source *source_xen(char *const *devices, size_t count, char *const *still,
                          size_t still_count, const char *lock)
{
    struct oracle *oracle = room(1, sizeof(*oracle));

    oracle->source = (struct source){.update = update, .close = oracle_close};
    oracle->devices = devices;
    oracle->count = count;
    oracle->lock = lock;
    oracle->locks = open("/proc/locks", O_RDONLY | O_CLOEXEC);
    if (oracle->locks < 0)
        err(2, "/proc/locks");
    oracle->xch = xc_interface_open(NULL, NULL, 0);
    if (!oracle->xch)
        err(2, "opening libxenctrl");
    oracle->groups = room(count + 1, sizeof(*oracle->groups));
    oracle->sbdfs = room(count + 1, sizeof(*oracle->sbdfs));
    oracle->still = truth_new(now_ns());
    oracle->now = truth_new(now_ns());
    ask_once(oracle, still, still_count);
    if (pthread_mutex_init(&oracle->mutex, NULL) ||
        pthread_create(&oracle->thread, NULL, ask_again, oracle))
        errx(2, "no thread");
    return &oracle->source;
}

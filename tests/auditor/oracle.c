/* SPDX-License-Identifier: MIT */
/* The truth as far as Xen tells it: asked anew at each update. */
#include "source.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <xenctrl.h>

#define DOMAINS 1024

struct oracle {
    struct source source;
    xc_interface *xch;
    char *const *devices;
    size_t count;
    struct truth *still; /* the devices that are not asked about again */
    const char *lock;
    char (*groups)[GROUP_SIZE]; /* of each device, asked once: while dom0 has all of them */
    uint64_t asked; /* when the last round began: a change that this round shows came after it */
    xc_domaininfo_t info[DOMAINS];
};

static int ask_owner(struct oracle *oracle, const char *device)
{
    unsigned int segment, bus, slot, function;
    int rc;

    if (device[0] == '/')
        rc = xc_test_assign_dt_device(oracle->xch, DOMID_INVALID, (char *)device);
    else if (sscanf(device, "%x:%x:%x.%x", &segment, &bus, &slot, &function) == 4)
        rc = xc_test_assign_device(oracle->xch, DOMID_INVALID,
                                   segment << 16 | bus << 8 | slot << 3 | function);
    else
        errx(2, "%s is no device", device);
    if (rc == 0)
        return device[0] == '/' ? OWNER_NOBODY : OWNER_FREE;
    return errno == EINVAL ? OWNER_GUEST : OWNER_NONE;
}

/* Named after its lowest member. Xen lists those that dom0 has. */
static void ask_group(struct oracle *oracle, const char *device, char group[GROUP_SIZE])
{
    unsigned int segment, bus, slot, function;
    uint32_t mates[64], count = 0, lowest;

    if (device[0] == '/' || sscanf(device, "%x:%x:%x.%x", &segment, &bus, &slot, &function) != 4 ||
        xc_get_device_group(oracle->xch, 0, segment << 16 | bus << 8 | slot << 3 | function, 64,
                            &count, mates))
        return;
    lowest = bus << 16 | slot << 11 | function << 8;
    for (uint32_t i = 0; i < count && i < 64; i++)
        lowest = mates[i] < lowest ? mates[i] : lowest;
    if (count)
        snprintf(group, GROUP_SIZE, "%x-%x", segment, lowest);
}

/* A daemon runs while somebody holds its lock. */
static bool is_held(const char *path)
{
    unsigned int major, minor;
    unsigned long inode;
    bool held = false;
    char line[256];
    struct stat st;
    FILE *file;

    if (!path)
        return true;
    if (stat(path, &st))
        return false;
    file = fopen("/proc/locks", "re");
    if (!file)
        err(2, "/proc/locks");
    while (!held && fgets(line, sizeof(line), file))
        held = sscanf(line, "%*d: %*s %*s %*s %*d %x:%x:%lu", &major, &minor, &inode) == 3 &&
               inode == st.st_ino && major == major(st.st_dev) && minor == minor(st.st_dev);
    fclose(file);
    return held;
}

static void ask_domains(struct oracle *oracle, struct truth *truth)
{
    int count = xc_domain_getinfolist(oracle->xch, 1, DOMAINS, oracle->info);

    if (count < 0)
        err(2, "asking Xen for the domains");
    for (int i = 0; i < count; i++) {
        const uint8_t *h = oracle->info[i].handle;
        char uuid[UUID_SIZE];

        snprintf(uuid, sizeof(uuid),
                 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", h[0], h[1],
                 h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11], h[12], h[13], h[14],
                 h[15]);
        truth_add_domain(truth, oracle->info[i].domain, uuid)->translated =
            oracle->info[i].flags & XEN_DOMINF_hvm_guest;
    }
}

static void update(struct source *source, struct history *history)
{
    struct oracle *oracle = (struct oracle *)source;
    uint64_t begin = now_ns();
    struct truth *truth = truth_new(oracle->asked ? oracle->asked : begin);
    xc_physinfo_t info;

    if (xc_physinfo(oracle->xch, &info))
        err(2, "asking Xen");
    truth->driven = info.capabilities & XEN_SYSCTL_PHYSCAP_directio;
    truth->alive = is_held(oracle->lock);
    ask_domains(oracle, truth);
    for (size_t i = 0; i < oracle->count; i++) {
        struct truth_device *device =
            truth_add_device(truth, oracle->devices[i], ask_owner(oracle, oracle->devices[i]));

        memcpy(device->group, oracle->groups[i], sizeof(device->group));
    }
    for (size_t i = 0; i < oracle->still->device_count; i++)
        truth_add_device(truth, oracle->still->devices[i].name, oracle->still->devices[i].owner);
    oracle->asked = begin;
    if (history->count && truth_equal(truth, history_now(history)))
        truth_free(truth);
    else
        history_add(history, truth, now_ns());
}

static void oracle_close(struct source *source)
{
    struct oracle *oracle = (struct oracle *)source;

    xc_interface_close(oracle->xch);
    free(oracle->groups);
    truth_free(oracle->still);
    free(oracle);
}

struct source *source_xen(char *const *devices, size_t count, char *const *still,
                          size_t still_count, const char *lock)
{
    struct oracle *oracle = calloc(1, sizeof(*oracle));

    if (!oracle)
        err(2, "no memory");
    oracle->source = (struct source){.update = update, .close = oracle_close};
    oracle->devices = devices;
    oracle->count = count;
    oracle->lock = lock;
    oracle->xch = xc_interface_open(NULL, NULL, 0);
    if (!oracle->xch)
        err(2, "opening libxenctrl");
    oracle->groups = calloc(count + 1, sizeof(*oracle->groups));
    if (!oracle->groups)
        err(2, "no memory");
    for (size_t i = 0; i < count; i++)
        ask_group(oracle, devices[i], oracle->groups[i]);
    oracle->still = truth_new(now_ns());
    for (size_t i = 0; i < still_count; i++)
        truth_add_device(oracle->still, still[i], ask_owner(oracle, still[i]));
    return &oracle->source;
}

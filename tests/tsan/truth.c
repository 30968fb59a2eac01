/* SPDX-License-Identifier: MIT */
#include "truth.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#define ROOT "/local/domain/0/" /* of the keys that the schema makes */

static const char *const paths[] = {"/soc/uart@1,2", "/soc/video@fe001000/port"};

#define PCI_DEVICES (TRUTH_DEVICES - sizeof(paths) / sizeof(paths[0]))

struct xeniommu_device truth_device(unsigned int index)
{
    if (index < PCI_DEVICES)
        return (struct xeniommu_device){.bus = XENIOMMU_BUS_PCI, .sbdf = index << 3};
    return (struct xeniommu_device){.bus = XENIOMMU_BUS_DT, .path = paths[index - PCI_DEVICES]};
}

unsigned int truth_index(const struct xeniommu_device *device)
{
    unsigned int i;

    for (i = 0; i < TRUTH_DEVICES; i++) {
        struct xeniommu_device other = truth_device(i);

        if (other.bus == device->bus &&
            (other.bus == XENIOMMU_BUS_PCI ? other.sbdf == device->sbdf
                                           : strcmp(other.path, device->path) == 0))
            break;
    }
    return i;
}

bool truth_is_ready(uint32_t generation)
{
    return generation > 0 && generation % 5 != 3;
}

/* Some bits that depend on both, and look as if by chance. */
static uint32_t mix(uint32_t generation, unsigned int index)
{
    uint32_t bits = generation * 2654435761u ^ (index + 1) * 2246822519u;

    bits ^= bits >> 15;
    bits *= 2246822519u;
    return bits ^ bits >> 13;
}

bool truth_of(uint32_t generation, unsigned int index, struct xeniommu_info *info)
{
    uint32_t bits = mix(generation, index);

    *info = (struct xeniommu_info){.state = XENIOMMU_UNKNOWN, .group = -1};
    if (index >= TRUTH_DEVICES || bits % 4 == 0)
        return false;
    info->state = (enum xeniommu_state)(XENIOMMU_UNPROTECTED + (bits >> 2) % 3);
    info->skip_swiotlb = info->state == XENIOMMU_PROTECTED && (bits >> 4) % 2;
    info->group = (bits >> 5) % 2 ? (int32_t)(generation % 100000) : -1;
    snprintf(info->reason, sizeof(info->reason), "generation-%" PRIu32, generation);
    return true;
}

uint32_t truth_generation(const struct xeniommu_info *info)
{
    uint32_t generation;

    return sscanf(info->reason, "generation-%" SCNu32, &generation) == 1 ? generation : 0;
}

bool truth_is_same(const struct xeniommu_info *a, const struct xeniommu_info *b)
{
    return a->state == b->state && a->skip_swiotlb == b->skip_swiotlb && a->group == b->group &&
           strcmp(a->reason, b->reason) == 0;
}

static int make_key(const struct xeniommu_device *device, const char *field, char *path,
                    size_t size)
{
    size_t root = strlen(ROOT);

    memcpy(path, ROOT, root + 1);
    return device->bus == XENIOMMU_BUS_PCI
               ? xeniommu_pci_key(device->sbdf, field, path + root, size - root)
               : xeniommu_dt_key(device->path, field, path + root, size - root);
}

static void put(struct xs_handle *xs, xs_transaction_t t, const char *path, const char *value)
{
    if (!xs_write(xs, t, path, value, (unsigned int)strlen(value)))
        err(1, "%s", path);
}

static void put_field(struct xs_handle *xs, xs_transaction_t t,
                      const struct xeniommu_device *device, const char *field, const char *value)
{
    char path[256];

    if (make_key(device, field, path, sizeof(path)) < 0)
        errx(1, "%s: too long", field);
    if (value != NULL)
        put(xs, t, path, value);
    else if (!xs_rm(xs, t, path) && errno != ENOENT)
        err(1, "%s", path);
}

static void put_device(struct xs_handle *xs, xs_transaction_t t, uint32_t generation,
                       unsigned int index)
{
    struct xeniommu_device device = truth_device(index);
    struct xeniommu_info info;
    char group[16];

    if (!truth_of(generation, index, &info)) {
        put_field(xs, t, &device, NULL, NULL);
        return;
    }
    snprintf(group, sizeof(group), "%" PRId32, info.group);
    put_field(xs, t, &device, "state", xeniommu_state_name(info.state));
    put_field(xs, t, &device, "swiotlb", info.skip_swiotlb ? "skip" : "keep");
    put_field(xs, t, &device, "group", info.group >= 0 ? group : NULL);
    put_field(xs, t, &device, "reason", info.reason);
}

/* Whether it was committed; false: again. */
static bool write_once(struct xs_handle *xs, uint32_t generation)
{
    xs_transaction_t t = xs_transaction_start(xs);
    char number[16];
    unsigned int i;

    if (t == XBT_NULL)
        err(1, "transaction");
    for (i = 0; i < TRUTH_DEVICES; i++)
        put_device(xs, t, generation, i);
    snprintf(number, sizeof(number), "%" PRIu32, generation);
    put(xs, t, ROOT XENIOMMU_DIR "/version", XENIOMMU_ABI_VERSION);
    put(xs, t, ROOT XENIOMMU_DIR "/status", truth_is_ready(generation) ? "ready" : "stopped");
    put(xs, t, ROOT XENIOMMU_DIR "/generation", number);
    if (xs_transaction_end(xs, t, false))
        return true;
    if (errno != EAGAIN)
        err(1, "commit");
    return false;
}

void truth_write(struct xs_handle *xs, uint32_t generation)
{
    unsigned int len;

    while (!write_once(xs, generation))
        continue;
    /* One more request: whatever xenstored still had to do for the last one is done then. */
    free(xs_read(xs, XBT_NULL, ROOT XENIOMMU_DIR "/status", &len));
}

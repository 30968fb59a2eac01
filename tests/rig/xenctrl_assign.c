/* SPDX-License-Identifier: MIT */
/* libxenctrl: who has a device. The answers follow Xen 4.17 as it was seen to behave. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xenctrl.h>

#define GARBAGE 0x5a5a5a5a /* what an uninitialised count holds here */

/* What Xen checks before it looks at the device. */
static int check_domain(uint32_t domid)
{
    if (domid != DOMID_INVALID && (domid >= DOMID_FIRST_RESERVED || !domain_exists(domid)))
        return ESRCH;
    return iommu_is_driven() ? 0 : EOPNOTSUPP;
}

static const struct device *find_in(const struct device *devices, size_t count, uint32_t sbdf)
{
    for (size_t i = 0; i < count; i++)
        if (devices[i].is_pci && devices[i].sbdf == sbdf)
            return &devices[i];
    return NULL;
}

static const struct device *find_pci(uint32_t sbdf)
{
    size_t count;
    const struct device *devices = devices_get(&count);

    return find_in(devices, count, sbdf);
}

static void format_address(char *text, size_t size, uint32_t sbdf)
{
    snprintf(text, size, "%04x:%02x:%02x.%x", sbdf >> 16, sbdf >> 8 & 0xff, sbdf >> 3 & 0x1f,
             sbdf & 7);
}

/* For the record: the truth that goes with the answer. The lock is held. */
static void note_owner(struct call *call, const struct device *device)
{
    call->owner_known = true;
    call->owner = device ? device->owner : OWNER_NONE;
}

EXPORT int xc_test_assign_device(xc_interface *xch, uint32_t domid, uint32_t sbdf)
{
    const struct device *device;
    char address[32];
    struct call call;
    int error;

    (void)xch;
    format_address(address, sizeof(address), sbdf);
    if (call_begin(&call, "xc_test_assign_device", address, "domid=%u", domid))
        return -1;
    error = check_domain(domid);
    if (!error && domid == 0)
        error = EINVAL;
    fake_lock();
    device = find_pci(sbdf);
    note_owner(&call, device);
    if (!error && call.owner != 0 && call.owner != OWNER_UNASSIGNED)
        error = EINVAL; /* assigned to a guest and unknown look the same */
    fake_unlock();
    return call_end(&call, error ? -1 : 0, error);
}

EXPORT int xc_test_assign_dt_device(xc_interface *xch, uint32_t domid, char *path)
{
    const struct device *devices, *device = NULL;
    struct call call;
    size_t count;
    int error;

    (void)xch;
    if (call_begin(&call, "xc_test_assign_dt_device", path, "domid=%u", domid))
        return -1;
    error = check_domain(domid);
    fake_lock();
    devices = devices_get(&count);
    for (size_t i = 0; i < count; i++)
        if (!devices[i].is_pci && strcmp(devices[i].id, path) == 0)
            device = &devices[i];
    note_owner(&call, device);
    if (!error && call.owner == OWNER_NONE)
        error = ESRCH;
    else if (!error && call.owner != OWNER_UNASSIGNED)
        error = EINVAL; /* dom0's own too: Xen assigned it at boot */
    fake_unlock();
    return call_end(&call, error ? -1 : 0, error);
}

/* A guest that was made without passthrough has no IOMMU: here, one that has no device. */
static bool has_iommu(uint32_t domid)
{
    const struct device *devices;
    bool has = domid == 0;
    size_t count;

    fake_lock();
    devices = devices_get(&count);
    for (size_t i = 0; i < count; i++)
        has = has || devices[i].owner == (int)domid;
    fake_unlock();
    return has;
}

/* The others of the group that domid owns, as Xen lays them out: bus << 16 | devfn << 8. */
static uint32_t list_mates(uint32_t domid, uint32_t sbdf, uint32_t *mates, uint32_t max)
{
    const struct device *self, *devices;
    uint32_t listed = 0;
    size_t count;

    fake_lock();
    devices = devices_get(&count);
    self = find_in(devices, count, sbdf);
    for (size_t i = 0; self && *self->group && i < count && listed < max; i++) {
        if (&devices[i] == self || !devices[i].is_pci || devices[i].sbdf >> 16 != sbdf >> 16 ||
            strcmp(devices[i].group, self->group) != 0 || devices[i].owner != (int)domid)
            continue;
        mates[listed++] = (devices[i].sbdf & 0xffff) << 8;
    }
    fake_unlock();
    return listed;
}

EXPORT int xc_get_device_group(xc_interface *xch, uint32_t domid, uint32_t sbdf, uint32_t max,
                               uint32_t *count, uint32_t *mates)
{
    char address[32];
    struct call call;
    int error;

    (void)xch;
    *count = GARBAGE;
    format_address(address, sizeof(address), sbdf);
    if (call_begin(&call, "xc_get_device_group", address, "domid=%u", domid))
        return -1;
    error = domid == DOMID_INVALID ? ESRCH : check_domain(domid);
    if (!error && !has_iommu(domid))
        error = EOPNOTSUPP;
    if (!error)
        *count = list_mates(domid, sbdf, mates, max);
    return call_end(&call, error ? -1 : 0, error);
}

/* SPDX-License-Identifier: MIT */
/* libxengnttab (C xenstored) and foreign maps (oxenstored): both map a domain's ring page. */
#include "fake.h"
#include "state.h"

#define XC_WANT_COMPAT_MAP_FOREIGN_API
#include <errno.h>
#include <sys/mman.h>
#include <xenctrl.h>
#include <xengnttab.h>

static char handle; /* its address is the handle */

static void *map_ring(uint32_t domid, const char *name)
{
    if (fault(name))
        return NULL;
    if (!domain_exists(domid)) {
        errno = ESRCH;
        return NULL;
    }
    return state_map_domain("ring", domid);
}

EXPORT xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned int flags)
{
    (void)logger;
    (void)flags;
    return fault("xengnttab_open") ? NULL : (xengnttab_handle *)&handle;
}

EXPORT int xengnttab_close(xengnttab_handle *xgt)
{
    (void)xgt;
    return 0;
}

EXPORT int xengnttab_set_max_grants(xengnttab_handle *xgt, uint32_t count)
{
    (void)xgt;
    (void)count;
    return 0;
}

EXPORT void *xengnttab_map_grant_ref(xengnttab_handle *xgt, uint32_t domid, uint32_t ref, int prot)
{
    (void)xgt;
    (void)prot;
    if (ref != GNTTAB_RESERVED_XENSTORE) {
        errno = EINVAL;
        return NULL;
    }
    return map_ring(domid, "xengnttab_map_grant_ref");
}

EXPORT int xengnttab_unmap(xengnttab_handle *xgt, void *start, uint32_t count)
{
    (void)xgt;
    return munmap(start, (size_t)count * STATE_PAGE);
}

EXPORT void *xc_map_foreign_range(xc_interface *xch, uint32_t domid, int size, int prot,
                                  unsigned long mfn)
{
    (void)xch;
    (void)prot;
    (void)mfn;
    if (size != STATE_PAGE) {
        errno = EINVAL;
        return NULL;
    }
    return map_ring(domid, "xc_map_foreign_range");
}

/* SPDX-License-Identifier: MIT */
/* What the keeper has to know when the daemon is gone: a page that both have. */
#ifndef XI_KEEPER_PAGE_H
#define XI_KEEPER_PAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* DOMID_FIRST_RESERVED of xen/xen.h: no domain has this number or a higher one. */
#define KEEPER_DOMIDS 0x7ff0u

/* Stands for the host's tree. */
#define KEEPER_HOST UINT32_MAX

struct keeper_page {
    _Atomic uint64_t beats;  /* the daemon's heartbeat(); 0: it has not begun */
    _Atomic bool everything; /* an earlier run may have left something, anywhere */
    _Atomic bool claims;     /* this run has written more than that it starts */
    _Atomic bool host;       /* in the host's tree there is, or may be, something of ours */
    _Atomic uint64_t domains[(KEEPER_DOMIDS + 63) / 64]; /* ... in a domain's: one bit each */
};

/* Says, before anything is written there, that a tree holds something of ours. page may be NULL:
 * nobody watches. */
static inline void keeper_mark(struct keeper_page *page, uint32_t domid)
{
    if (!page)
        return;
    if (domid == KEEPER_HOST)
        atomic_store(&page->host, true);
    else if (domid < KEEPER_DOMIDS)
        atomic_fetch_or(&page->domains[domid / 64], UINT64_C(1) << domid % 64);
}

/* It was taken back, or is known to be gone. */
static inline void keeper_unmark(struct keeper_page *page, uint32_t domid)
{
    if (!page)
        return;
    if (domid == KEEPER_HOST)
        atomic_store(&page->host, false);
    else if (domid < KEEPER_DOMIDS)
        atomic_fetch_and(&page->domains[domid / 64], ~(UINT64_C(1) << domid % 64));
}

static inline bool keeper_is_marked(const struct keeper_page *page, uint32_t domid)
{
    if (domid == KEEPER_HOST)
        return atomic_load(&page->host);
    return domid < KEEPER_DOMIDS &&
           (atomic_load(&page->domains[domid / 64]) & UINT64_C(1) << domid % 64);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * xeniommu.h: ask xen-iommud whether a device's DMA is confined, and whether swiotlb-xen can go.
 *
 * For user-space drivers and tools, in dom0 and in guests alike: a domain sees its own devices
 * under its own addresses. Link with -lxeniommu (pkg-config xeniommu).
 *
 *     struct xeniommu *xi;
 *     struct xeniommu_info info;
 *
 *     if (xeniommu_open(&xi, 0) == 0) {
 *         xeniommu_query_pci(xi, 0x20, &info);       // 0000:00:04.0
 *         if (info.skip_swiotlb)
 *             use_plain_dma();
 *         xeniommu_close(xi);
 *     }
 *
 * Errors. Every function that can fail returns 0 or a negative errno, nothing else (where it
 * returns a descriptor or a callback's value, its comment says so), and prints nothing. A query
 * writes its result on every path, failures included, and then it says unknown and keep: a
 * caller that ignores the return value is safe, if slow.
 *
 * Freshness. A handle keeps one watch on what is published, and answers from memory what it has
 * read before. It never answers older than a change whose event has reached it: from the moment
 * xeniommu_fd() is readable because of a change, every query that begins tells that change or a
 * later one. Nor does it ever go back behind something that it has read itself. Whoever learns of a
 * change in another way (a watch of its own, a message of another process) calls
 * xeniommu_dispatch() before it queries: then everything that was published before that call
 * counts. When xenstored vanishes, what is in memory counts no more. In a guest the kernel hands
 * events out one by one, in turn with its own drivers: while it adds or removes PCI devices, they
 * reach the handle that much later.
 *
 * Limits. A state is about DMA that passes through an IOMMU. What even "protected" leaves out for a
 * device is told beside it: see enum xeniommu_limit.
 *
 * Compatibility. As long as the library is called libxeniommu.so.1 it keeps every function, and
 * every structure's members where they are. struct xeniommu_info, which the caller has room for,
 * keeps its size too. The other structures are the library's own, and handed out by pointer: they
 * may grow at their ends, so copy members, and count on no size.
 *
 * Other languages. In their terms an enumeration is an unsigned number of 32 bits, and bool one of
 * 8. A callback must return: an exception may not pass through the library.
 *
 * Threads. A handle may be used by any number of threads at once; different handles share
 * nothing. Only xeniommu_close() needs the handle for itself. A handle asks xenstored one thing at
 * a time: meanwhile the queries of other threads wait, those that memory could answer too; a thread
 * that must not wait has a handle of its own. The library starts no thread; libxenstore has one for
 * each handle, with all signals blocked, that receives. No function is a safe place to cancel a
 * thread at.
 *
 * Fork. A handle belongs to the process that opened it. In a child every function returns
 * -ECHILD at once, except xeniommu_close(), which gives up the child's copy, as far as that is safe
 * beside threads of the parent, and leaves the parent's connection alone. A child that wants
 * answers opens a handle of its own.
 *
 * Blocking. What is not in memory is asked of xenstored, and its answer waited for. Where
 * xenstored's socket is dead a query fails at once, and a later one finds it again. In a guest the
 * kernel cannot tell that xenstored is gone, so there such a query waits until it is back, and what
 * is in memory goes on counting: without xenstored the daemon could not have told anything else.
 *
 * Signals. No SIGPIPE reaches the program from here when xenstored vanishes. But libxenstore
 * ignores SIGPIPE for the whole process during each request, and puts back what it found: a program
 * that asks over several handles in several threads, and handles SIGPIPE itself, may find it
 * ignored afterwards.
 */
#ifndef XENIOMMU_H
#define XENIOMMU_H

#include <xeniommu-schema.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A connection to what the daemon publishes for this domain, and what was read over it. */
struct xeniommu;

/* The answer for one device. Has no padding, and is laid out the same on 32 and 64 bits.
 *
 * It grows without changing its size: what the library has nothing to tell in is zero, and zero
 * means "not told" in all that follows group. So a program that was built for a newer library finds
 * zero where this one tells nothing, and one that was built for an older library does not look. */
struct xeniommu_info {
    enum xeniommu_state state; /* how far its DMA is confined; 32 bits */
    bool skip_swiotlb;         /* the IOMMU translates this domain's addresses: no bounce needed;
                                  8 bits */
    uint8_t reserved8_[3];     /* for later versions: zero in this one */
    int32_t group;             /* devices with the same number are not isolated from each other;
                                  -1: alone, or not known */
    char reason[64];           /* why, as one word-with-hyphens; "" where none is published */
    uint32_t limits;           /* bits of enum xeniommu_limit: what the state leaves out; 0: none is
                                  known */
    uint64_t reserved64_[6];   /* as reserved8_ */
};

/* Where this fails the compiler's enumerations are not the platform's, as with -fshort-enums, and a
 * call would write beyond the structure. */
#if defined(__cplusplus)
static_assert(sizeof(struct xeniommu_info) == 128,
              "not the layout that the library was built with");
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
_Static_assert(sizeof(struct xeniommu_info) == 128,
               "not the layout that the library was built with");
#endif

/* How a device is named. */
enum xeniommu_bus {
    XENIOMMU_BUS_PCI, /* by sbdf */
    XENIOMMU_BUS_DT,  /* by device tree path */
};

/* A device's name. */
struct xeniommu_device {
    enum xeniommu_bus bus;
    uint32_t sbdf;    /* PCI: segment << 16 | bus << 8 | device << 3 | function; else 0 */
    const char *path; /* DT: the absolute path, "/soc/video@fe001000"; else NULL */
};

/**
 * xeniommu_device_fn - what xeniommu_foreach() calls for each device
 * @device: its name; belongs to the library, valid until the function returns
 * @info: its answer; likewise
 * @arg: what the caller passed
 *
 * It may use the handle, but not close it; it must return, not jump away.
 *
 * Returns 0 to go on, anything else to stop: better a positive number, since xeniommu_foreach()
 * returns it, and has negative ones of its own.
 */
typedef int xeniommu_device_fn(const struct xeniommu_device *device,
                               const struct xeniommu_info *info, void *arg);

/**
 * xeniommu_change_fn - what xeniommu_dispatch() calls for each device whose answer changed
 * @device: its name; belongs to the library, valid until the function returns
 * @info: its new answer, unknown and keep where it is gone or the daemon is not ready; likewise
 * @arg: what the caller passed
 *
 * It may query the handle and set another callback; it may not dispatch or close, and must return,
 * not jump away.
 */
typedef void xeniommu_change_fn(const struct xeniommu_device *device,
                                const struct xeniommu_info *info, void *arg);

/**
 * xeniommu_open - connect to XenStore
 * @xi: receives the handle, NULL on an error; the caller ends it with xeniommu_close()
 * @flags: 0; no flag is defined yet
 *
 * Sets one watch, on "generation" of the domain's tree (docs/xenstore.md). Goes over xenstored's
 * socket, or over /dev/xen/xenbus where there is none. That the daemon runs is not needed: until it
 * does, queries return -EAGAIN.
 *
 * Returns 0, or
 *   -EINVAL    an undefined flag is set
 *   -EACCES    XenStore is there, but this user may not open it
 *   -ENOTCONN  no XenStore can be reached: not under Xen, or xenstored does not run
 *   -ENOSPC    xenstored grants this domain no more watches
 *   -EMFILE, -ENFILE  out of file descriptors
 *   -ENOMEM    out of memory
 */
int xeniommu_open(struct xeniommu **xi, unsigned int flags);

/**
 * xeniommu_close - end a handle
 * @xi: the handle; NULL does nothing
 *
 * Frees everything that belongs to it, the descriptor of xeniommu_fd() included. No other call
 * on the handle may be under way in another thread, and none may follow.
 */
void xeniommu_close(struct xeniommu *xi);

/**
 * xeniommu_query_pci - the answer for a PCI function
 * @xi: the handle
 * @sbdf: segment << 16 | bus << 8 | device << 3 | function, as this domain sees it
 * @info: receives the answer; on every error it says unknown and keep
 *
 * All of @info was true together at one moment during the call.
 *
 * Returns 0, or
 *   -ENOENT    the daemon is ready and publishes no such device for this domain
 *   -EAGAIN    no daemon, or one that is not ready, or a tree that changes faster than it can be
 *              read
 *   -EPROTO    the published ABI version is one that this library does not know
 *   -EACCES    this domain may not read what is published
 *   -ENOTCONN  XenStore cannot be reached; the next call tries again
 *   -ECHILD    the handle was opened before a fork, by the parent
 *   -EMFILE, -ENFILE, -ENOSPC  out of file descriptors or watches, on a new connection
 *   -ENOMEM    out of memory
 */
int xeniommu_query_pci(struct xeniommu *xi, uint32_t sbdf, struct xeniommu_info *info);

/**
 * xeniommu_query_dt - the answer for a device tree device
 * @xi: the handle
 * @path: its absolute path, "/soc/video@fe001000"; not kept
 * @info: receives the answer; on every error it says unknown and keep
 *
 * All of @info was true together at one moment during the call.
 *
 * Returns 0, or
 *   -EINVAL    the path is NULL, relative, the root, has an empty component, or is longer than
 *              XenStore can hold
 *   -ENOENT, -EAGAIN, -EPROTO, -EACCES, -ENOTCONN, -ECHILD, -EMFILE, -ENFILE, -ENOSPC, -ENOMEM
 *              as xeniommu_query_pci()
 */
int xeniommu_query_dt(struct xeniommu *xi, const char *path, struct xeniommu_info *info);

/**
 * xeniommu_foreach - every device that is published for this domain
 * @xi: the handle
 * @fn: called once for each, PCI functions by address first, then device tree devices by path
 * @arg: passed to it
 *
 * Each device's answer is consistent in itself; a device that comes or goes during the call may
 * be missing or included. All are read before the first is handed over, and no lock is held
 * then, so @fn may use the handle.
 *
 * Returns 0 once @fn has seen them all, the value of @fn if that was not 0, or
 *   -E2BIG     more devices than this xenstored can list: oxenstored stops at 4096 bytes of names,
 *              315 PCI functions
 *   -EAGAIN, -EPROTO, -EACCES, -ENOTCONN, -ECHILD, -EMFILE, -ENFILE, -ENOSPC, -ENOMEM
 *              as xeniommu_query_pci(); @fn was not called
 */
int xeniommu_foreach(struct xeniommu *xi, xeniommu_device_fn *fn, void *arg);

/**
 * xeniommu_wait_ready - wait until the daemon has published
 * @xi: the handle
 * @timeout_ms: how long at most, in milliseconds; negative: for ever; 0: only look
 *
 * Outlasts restarts of the daemon and of xenstored. Other threads may use the handle meanwhile.
 * Queries that begin after it returned 0 see the daemon ready, unless that changed again. A
 * xenstored that does not answer is waited for beyond the time.
 *
 * Returns 0 when the daemon is ready, or
 *   -ETIMEDOUT it was not ready in time
 *   -EINTR     a signal arrived
 *   -EPROTO    the published ABI version is one that this library does not know
 *   -EACCES    this domain may not read what is published
 *   -ECHILD    the handle was opened before a fork, by the parent
 *   -EMFILE, -ENFILE, -ENOSPC  out of file descriptors or watches
 *   -ENOMEM    out of memory
 */
int xeniommu_wait_ready(struct xeniommu *xi, int timeout_ms);

/**
 * xeniommu_fd - a descriptor that tells when to call xeniommu_dispatch()
 * @xi: the handle
 *
 * It is readable when something changed, when xenstored vanished, and when it is time to look
 * whether it is back; and at first. The number stays the same until xeniommu_close(). Only poll it
 * (poll(), select(), epoll, any event loop), level-triggered; do not read or close it.
 *
 * Returns the descriptor (0 or more), or
 *   -ECHILD    the handle was opened before a fork, by the parent
 *   -EMFILE, -ENFILE  out of file descriptors
 *   -ENOMEM    out of memory
 */
int xeniommu_fd(struct xeniommu *xi);

/**
 * xeniommu_dispatch - handle what is pending
 * @xi: the handle
 *
 * Call it whenever xeniommu_fd() is readable. Takes the events of all that was published until now,
 * reconnects where that is due, and calls the callback, in this thread, for each device whose
 * answer changed. Does not wait for events, only for xenstored's answers. No lock that a query
 * needs is held during a callback; two threads that dispatch the same handle take turns. Where
 * xeniommu_foreach() cannot list the devices, each that was reported before is now reported as
 * unknown.
 *
 * Returns 0, or
 *   -ENOTCONN, -EACCES  XenStore cannot be reached, or not any more: every device was reported as
 *              unknown; the descriptor tells when to try again
 *   -EDEADLK   called from the callback
 *   -ECHILD    the handle was opened before a fork, by the parent
 *   -EMFILE, -ENFILE, -ENOSPC, -ENOMEM  out of resources: what could not be read was reported as
 * unknown, and is tried again
 */
int xeniommu_dispatch(struct xeniommu *xi);

/**
 * xeniommu_set_callback - be told of changes
 * @xi: the handle
 * @fn: what xeniommu_dispatch() calls from now on; NULL: nothing
 * @arg: passed to it; belongs to the caller
 *
 * The next xeniommu_dispatch() calls @fn for every device that is published, later ones for
 * those whose answer changed. Once this returns, the previous callback is not running and will
 * not be called again (unless this is called from the callback itself). So it waits for a callback
 * that runs in another thread: hold no lock that the callback takes.
 *
 * Returns 0, or -ECHILD if the handle was opened before a fork, by the parent.
 */
int xeniommu_set_callback(struct xeniommu *xi, xeniommu_change_fn *fn, void *arg);

#ifdef __cplusplus
}
#endif

#endif

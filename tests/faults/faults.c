/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a program: makes its calls fail on demand. The file that $FAULTS_PAGE names is a
 * struct page, shared with the test, which arms and disarms a fault while the program runs. Calls
 * count from main() on, until it returns: what the loader does is not the program's. Of the
 * daemon's processes they are those of the one that publishes, and of its keeper only until that is
 * there.
 */
/* The real prototypes, not those of the fortified headers. */
#undef _FORTIFY_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unwind.h>

#include "real.h"

enum {
#define CALL(name, errors, source) CALL_##name,
#include "calls.h"
#undef CALL
    CALLS
};

#define LOG_SIZE 65536
#define DEPTH    32 /* frames of a call site */

/* tests/faults/page.py has the same. nth: 1 is the next; 0: nothing is armed. forever: it and all
 * later ones. late: it is done, and its answer lost. site: where the first one failed. */
struct page {
    uint32_t function, nth, forever, late;
    int32_t error;
    uint32_t hits, seen, site; /* seen: calls of this function since it was armed */
    uint32_t counts[CALLS];
    uint32_t recording, recorded; /* whether each call is written down; how many were */
    struct {
        uint32_t function, site;
    } log[LOG_SIZE];
};

static struct page *page;
static bool begun;
static __thread unsigned int exempt; /* inside of something that is the rig's, not the program's */

static void map_page(void)
{
    const char *path = getenv("FAULTS_PAGE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *found = MAP_FAILED;

    if (fd >= 0) {
        found = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
    }
    if (found == MAP_FAILED) {
        fprintf(stderr, "faults: %s cannot be mapped\n", path ? path : "FAULTS_PAGE");
        _exit(99);
    }
    page = found;
}

/* Where a call comes from: the chain of its callers, as a number that is the same in each run of
 * the same files. */
struct site {
    const char *skipped; /* this file itself */
    const char *last;
    uint32_t number, depth;
};

static _Unwind_Reason_Code take_frame(struct _Unwind_Context *context, void *arg)
{
    struct site *site = arg;
    const char *at = (const char *)(uintptr_t)_Unwind_GetIP(context);
    Dl_info info;

    if (!at || !dladdr(at, &info) || site->depth == DEPTH)
        return _URC_END_OF_STACK;
    if (!site->skipped)
        site->skipped = info.dli_fbase;
    if (info.dli_fbase == site->skipped || at == site->last) /* a recursion is one place */
        return _URC_NO_REASON;
    site->last = at;
    site->depth++;
    site->number = (site->number ^ (uint32_t)(at - (const char *)info.dli_fbase)) * 16777619u;
    return _URC_NO_REASON;
}

static uint32_t site_of_call(void)
{
    struct site site = {.number = 2166136261u};

    exempt++;
    (void)_Unwind_Backtrace(take_frame, &site);
    exempt--;
    return site.number;
}

static void record(unsigned int function)
{
    uint32_t site = site_of_call();
    uint32_t at = __atomic_fetch_add(&page->recorded, 1, __ATOMIC_SEQ_CST);

    if (at >= LOG_SIZE)
        return;
    page->log[at].function = function;
    page->log[at].site = site;
}

enum outcome { WORKS, FAILS, FAILS_LATE };

static enum outcome outcome_of(unsigned int function)
{
    uint32_t armed, number;

    if (!begun || exempt)
        return WORKS;
    __atomic_add_fetch(&page->counts[function], 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&page->recording, __ATOMIC_SEQ_CST))
        record(function);
    armed = __atomic_load_n(&page->nth, __ATOMIC_SEQ_CST);
    if (!armed || page->function != function)
        return WORKS;
    number = __atomic_add_fetch(&page->seen, 1, __ATOMIC_SEQ_CST);
    if (page->forever ? number < armed : number != armed)
        return WORKS;
    if (__atomic_add_fetch(&page->hits, 1, __ATOMIC_SEQ_CST) == 1)
        page->site = site_of_call();
    errno = page->error;
    return page->late ? FAILS_LATE : FAILS;
}

static bool fails(unsigned int function)
{
    return outcome_of(function) != WORKS;
}

static void *next(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (!found)
        _exit(98);
    return found;
}

#define WRAP(type, name, failed, parameters, ...)                                                  \
    type name parameters                                                                           \
    {                                                                                              \
        static type(*real) parameters;                                                             \
                                                                                                   \
        if (!real)                                                                                 \
            *(void **)&real = next(#name);                                                         \
        if (fails(CALL_##name))                                                                    \
            return failed;                                                                         \
        return real(__VA_ARGS__);                                                                  \
    }

/* The same for what the rig has a stand-in for: what that calls itself always works. */
#define WRAP_RIG(type, name, failed, parameters, ...)                                              \
    type name parameters                                                                           \
    {                                                                                              \
        static type(*real) parameters;                                                             \
        type result;                                                                               \
                                                                                                   \
        if (!real)                                                                                 \
            *(void **)&real = next(#name);                                                         \
        if (fails(CALL_##name))                                                                    \
            return failed;                                                                         \
        exempt++;                                                                                  \
        result = real(__VA_ARGS__);                                                                \
        exempt--;                                                                                  \
        return result;                                                                             \
    }

/* It takes effect all the same where the page says so: only the answer is lost. */
#define WRAP_CHANGE(name, parameters, ...)                                                         \
    bool name parameters                                                                           \
    {                                                                                              \
        static bool(*real) parameters;                                                             \
        enum outcome outcome = outcome_of(CALL_##name);                                            \
                                                                                                   \
        if (!real)                                                                                 \
            *(void **)&real = next(#name);                                                         \
        if (outcome == WORKS)                                                                      \
            return real(__VA_ARGS__);                                                              \
        if (outcome == FAILS_LATE)                                                                 \
            (void)real(__VA_ARGS__);                                                               \
        errno = page->error;                                                                       \
        return false;                                                                              \
    }

/* ------------------------------------------------------------- memory */

/* dlsym() may allocate before it finds malloc(). */
static char early[65536];
static size_t early_used;

static bool is_early(const void *block)
{
    return (const char *)block >= early && (const char *)block < early + sizeof(early);
}

static void *early_block(size_t size)
{
    void *block = early + early_used;

    early_used += (size + 15) & ~(size_t)15;
    if (early_used > sizeof(early))
        _exit(97);
    return block;
}

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void (*real_free)(void *);

static bool find_allocator(void)
{
    static bool finding;

    if (real_free)
        return true;
    if (finding)
        return false;
    finding = true;
    *(void **)&real_malloc = next("malloc");
    *(void **)&real_calloc = next("calloc");
    *(void **)&real_realloc = next("realloc");
    *(void **)&real_free = next("free");
    finding = false;
    return true;
}

void *malloc(size_t size)
{
    if (!find_allocator())
        return early_block(size);
    return fails(CALL_malloc) ? NULL : real_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (!find_allocator())
        return early_block(count * size);
    return fails(CALL_calloc) ? NULL : real_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    if (is_early(block) || !find_allocator())
        _exit(96);
    return fails(CALL_realloc) ? NULL : real_realloc(block, size);
}

void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;

    if (fails(CALL_reallocarray))
        return NULL;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return real_realloc(block, bytes);
}

void free(void *block)
{
    if (!is_early(block) && find_allocator())
        real_free(block);
}

/* ------------------------------------------------------------- files */

#define WRAP_OPEN(name)                                                                            \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        static int (*real)(const char *, int, ...);                                                \
        va_list args;                                                                              \
        mode_t mode;                                                                               \
                                                                                                   \
        va_start(args, flags);                                                                     \
        mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;                                         \
        va_end(args);                                                                              \
        if (!real)                                                                                 \
            *(void **)&real = next(#name);                                                         \
        if (fails(CALL_##name))                                                                    \
            return -1;                                                                             \
        exempt++;                                                                                  \
        int fd = real(path, flags, mode);                                                          \
        exempt--;                                                                                  \
        return fd;                                                                                 \
    }

#define WRAP_OPENAT(name)                                                                          \
    int name(int at, const char *path, int flags, ...)                                             \
    {                                                                                              \
        static int (*real)(int, const char *, int, ...);                                           \
        va_list args;                                                                              \
        mode_t mode;                                                                               \
                                                                                                   \
        va_start(args, flags);                                                                     \
        mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;                                         \
        va_end(args);                                                                              \
        if (!real)                                                                                 \
            *(void **)&real = next(#name);                                                         \
        if (fails(CALL_##name))                                                                    \
            return -1;                                                                             \
        exempt++;                                                                                  \
        int fd = real(at, path, flags, mode);                                                      \
        exempt--;                                                                                  \
        return fd;                                                                                 \
    }

WRAP_OPEN(open)
WRAP_OPEN(open64)
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)
WRAP_RIG(FILE *, fopen, NULL, (const char *path, const char *mode), path, mode)
WRAP_RIG(FILE *, fopen64, NULL, (const char *path, const char *mode), path, mode)
WRAP_RIG(DIR *, opendir, NULL, (const char *path), path)
WRAP_RIG(ssize_t, read, -1, (int fd, void *buffer, size_t size), fd, buffer, size)
WRAP_RIG(ssize_t, pread, -1, (int fd, void *buffer, size_t size, off_t at), fd, buffer, size, at)
WRAP_RIG(struct dirent *, readdir, NULL, (DIR * directory), directory)
WRAP_RIG(struct dirent64 *, readdir64, NULL, (DIR * directory), directory)
WRAP_RIG(ssize_t, readlinkat, -1, (int at, const char *path, char *buffer, size_t size), at, path,
         buffer, size)
WRAP_RIG(char *, realpath, NULL, (const char *path, char *resolved), path, resolved)
WRAP_RIG(int, stat, -1, (const char *path, struct stat *st), path, st)
WRAP_RIG(int, lstat, -1, (const char *path, struct stat *st), path, st)
WRAP_RIG(int, fstat, -1, (int fd, struct stat *st), fd, st)
WRAP_RIG(int, stat64, -1, (const char *path, struct stat64 *st), path, st)
WRAP_RIG(int, lstat64, -1, (const char *path, struct stat64 *st), path, st)
WRAP_RIG(int, fstat64, -1, (int fd, struct stat64 *st), fd, st)
WRAP_RIG(int, fstatat64, -1, (int at, const char *path, struct stat64 *st, int flags), at, path, st,
         flags)
WRAP_RIG(int, statx, -1, (int at, const char *path, int flags, unsigned int mask, struct statx *st),
         at, path, flags, mask, st)
WRAP_RIG(int, access, -1, (const char *path, int mode), path, mode)
WRAP_RIG(int, faccessat, -1, (int at, const char *path, int mode, int flags), at, path, mode, flags)
WRAP_RIG(int, flock, -1, (int fd, int operation), fd, operation)

/* ------------------------------------------------------------- sockets and the like */

WRAP_RIG(int, socket, -1, (int domain, int type, int protocol), domain, type, protocol)
WRAP_RIG(int, connect, -1, (int fd, const struct sockaddr *address, socklen_t size), fd, address,
         size)
WRAP_RIG(int, bind, -1, (int fd, const struct sockaddr *address, socklen_t size), fd, address, size)
WRAP_RIG(int, setsockopt, -1, (int fd, int level, int name, const void *value, socklen_t size), fd,
         level, name, value, size)
WRAP_RIG(ssize_t, recvmsg, -1, (int fd, struct msghdr *message, int flags), fd, message, flags)
WRAP_RIG(ssize_t, sendmsg, -1, (int fd, const struct msghdr *message, int flags), fd, message,
         flags)
WRAP_RIG(ssize_t, send, -1, (int fd, const void *data, size_t size, int flags), fd, data, size,
         flags)

/* What the program says of a fault always gets through. */
ssize_t write(int fd, const void *buffer, size_t size)
{
    static ssize_t (*real)(int, const void *, size_t);
    ssize_t result;

    if (!real)
        *(void **)&real = next("write");
    if (fd != STDERR_FILENO && fails(CALL_write))
        return -1;
    exempt++;
    result = real(fd, buffer, size);
    exempt--;
    return result;
}

WRAP_RIG(int, pipe2, -1, (int fds[2], int flags), fds, flags)
WRAP_RIG(int, poll, -1, (struct pollfd * fds, nfds_t count, int timeout), fds, count, timeout)
WRAP_RIG(int, inotify_init1, -1, (int flags), flags)
WRAP_RIG(int, inotify_add_watch, -1, (int fd, const char *path, uint32_t mask), fd, path, mask)
WRAP_RIG(int, epoll_create1, -1, (int flags), flags)
WRAP_RIG(int, epoll_ctl, -1, (int fd, int operation, int target, struct epoll_event *event), fd,
         operation, target, event)
WRAP_RIG(int, epoll_wait, -1, (int fd, struct epoll_event *events, int count, int timeout), fd,
         events, count, timeout)
WRAP(int, pthread_create, errno,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg),
     thread, attributes, start, arg)

/* AddressSanitizer asks at the begin of a thread, and cannot go on without an answer. */
int pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes)
{
    int (*real)(pthread_t, pthread_attr_t *);
    int result;

    *(void **)&real = next("pthread_getattr_np");
    exempt++;
    result = real(thread, attributes);
    exempt--;
    return result;
}

/* ------------------------------------------------------------- libraries */

WRAP(struct event_base *, event_base_new, NULL, (void))
WRAP(struct event *, event_new, NULL,
     (struct event_base * base, int fd, short what, event_callback_fn callback, void *arg), base,
     fd, what, callback, arg)
WRAP(int, event_add, -1, (struct event * event, const struct timeval *timeout), event, timeout)
WRAP(int, event_del, -1, (struct event * event), event)
WRAP(int, event_base_dispatch, -1, (struct event_base * base), base)

WRAP(struct udev *, udev_new, NULL, (void))
WRAP(struct udev_monitor *, udev_monitor_new_from_netlink, NULL,
     (struct udev * udev, const char *name), udev, name)
WRAP(int, udev_monitor_filter_add_match_subsystem_devtype, -errno,
     (struct udev_monitor * monitor, const char *subsystem, const char *devtype), monitor,
     subsystem, devtype)
WRAP(int, udev_monitor_enable_receiving, -errno, (struct udev_monitor * monitor), monitor)
WRAP(struct udev_device *, udev_monitor_receive_device, NULL, (struct udev_monitor * monitor),
     monitor)
WRAP(struct udev_device *, udev_device_new_from_syspath, NULL,
     (struct udev * udev, const char *path), udev, path)
WRAP(const char *, udev_device_get_property_value, NULL,
     (struct udev_device * device, const char *key), device, key)
WRAP(const char *, udev_device_get_driver, NULL, (struct udev_device * device), device)
WRAP(const char *, udev_device_get_action, NULL, (struct udev_device * device), device)
WRAP(struct udev_enumerate *, udev_enumerate_new, NULL, (struct udev * udev), udev)
WRAP(int, udev_enumerate_add_match_subsystem, -errno,
     (struct udev_enumerate * list, const char *subsystem), list, subsystem)
WRAP(int, udev_enumerate_scan_devices, -errno, (struct udev_enumerate * list), list)
WRAP(struct udev_list_entry *, udev_enumerate_get_list_entry, NULL, (struct udev_enumerate * list),
     list)

WRAP(int, fdt_check_header, -9 /* FDT_ERR_BADMAGIC */, (const void *blob), blob)
WRAP(struct json_object *, json_tokener_parse, NULL, (const char *text), text)

/* ------------------------------------------------------------- Xen */

WRAP_RIG(xc_interface *, xc_interface_open, NULL,
         (xentoollog_logger * logger, xentoollog_logger *dombuild, unsigned int flags), logger,
         dombuild, flags)
WRAP_RIG(int, xc_physinfo, -1, (xc_interface * xch, xc_physinfo_t *info), xch, info)
WRAP_RIG(int, xc_version, -1, (xc_interface * xch, int command, void *arg), xch, command, arg)
WRAP_RIG(int, xc_domain_getinfolist, -1,
         (xc_interface * xch, uint32_t first, unsigned int most, xc_domaininfo_t *info), xch, first,
         most, info)
WRAP_RIG(int, xc_readconsolering, -1,
         (xc_interface * xch, char *buffer, unsigned int *size, int clear, int incremental,
          uint32_t *index),
         xch, buffer, size, clear, incremental, index)
WRAP_RIG(int, xc_test_assign_device, -1, (xc_interface * xch, uint32_t domid, uint32_t sbdf), xch,
         domid, sbdf)
WRAP_RIG(int, xc_test_assign_dt_device, -1, (xc_interface * xch, uint32_t domid, char *path), xch,
         domid, path)
WRAP_RIG(int, xc_get_device_group, -1,
         (xc_interface * xch, uint32_t domid, uint32_t sbdf, uint32_t most, uint32_t *count,
          uint32_t *list),
         xch, domid, sbdf, most, count, list)
WRAP_RIG(xenhypfs_handle *, xenhypfs_open, NULL, (xentoollog_logger * logger, unsigned int flags),
         logger, flags)
WRAP_RIG(char *, xenhypfs_read, NULL, (xenhypfs_handle * handle, const char *path), handle, path)
WRAP(xentoollog_logger_stdiostream *, xtl_createlogger_stdiostream, NULL,
     (FILE * file, xentoollog_level level, unsigned int flags), file, level, flags)

WRAP(struct xs_handle *, xs_open, NULL, (unsigned long flags), flags)
WRAP(void *, xs_read, NULL,
     (struct xs_handle * xs, xs_transaction_t t, const char *path, unsigned int *size), xs, t, path,
     size)
WRAP(char **, xs_directory, NULL,
     (struct xs_handle * xs, xs_transaction_t t, const char *path, unsigned int *count), xs, t,
     path, count)
WRAP_CHANGE(xs_write,
            (struct xs_handle * xs, xs_transaction_t t, const char *path, const void *data,
             unsigned int size),
            xs, t, path, data, size)
WRAP_CHANGE(xs_mkdir, (struct xs_handle * xs, xs_transaction_t t, const char *path), xs, t, path)
WRAP_CHANGE(xs_rm, (struct xs_handle * xs, xs_transaction_t t, const char *path), xs, t, path)
WRAP(struct xs_permissions *, xs_get_permissions, NULL,
     (struct xs_handle * xs, xs_transaction_t t, const char *path, unsigned int *count), xs, t,
     path, count)
WRAP_CHANGE(xs_set_permissions,
            (struct xs_handle * xs, xs_transaction_t t, const char *path,
             struct xs_permissions *permissions, unsigned int count),
            xs, t, path, permissions, count)
WRAP_CHANGE(xs_watch, (struct xs_handle * xs, const char *path, const char *token), xs, path, token)
WRAP_CHANGE(xs_unwatch, (struct xs_handle * xs, const char *path, const char *token), xs, path,
            token)
WRAP(xs_transaction_t, xs_transaction_start, XBT_NULL, (struct xs_handle * xs), xs)
WRAP(char **, xs_check_watch, NULL, (struct xs_handle * xs), xs)

/* One that failed is over all the same. */
bool xs_transaction_end(struct xs_handle *xs, xs_transaction_t t, bool abort)
{
    static bool (*real)(struct xs_handle *, xs_transaction_t, bool);
    enum outcome outcome = outcome_of(CALL_xs_transaction_end);

    if (!real)
        *(void **)&real = next("xs_transaction_end");
    if (outcome == WORKS)
        return real(xs, t, abort);
    (void)real(xs, t, outcome == FAILS ? true : abort);
    errno = page->error;
    return false;
}

/* ------------------------------------------------------------- main() */

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*ending)(void), void *stack);

static int (*real_main)(int, char **, char **);

/* The keeper forks the daemon, and that the process that opens files for it. */
pid_t fork(void)
{
    static pid_t (*real)(void);
    static bool is_daemon;
    pid_t child;

    if (!real)
        *(void **)&real = next("fork");
    if (fails(CALL_fork))
        return -1;
    child = real();
    if (child == 0) {
        begun = !is_daemon;
        is_daemon = true;
    } else if (child > 0 && !is_daemon) {
        begun = false;
    }
    return child;
}

/* How the daemon returns. */
void exit(int status)
{
    void (*real)(int) __attribute__((noreturn));

    *(void **)&real = next("exit");
    begun = false;
    real(status);
}

static int counted_main(int argc, char **argv, char **environment)
{
    int status;

    map_page();
    begun = true;
    status = real_main(argc, argv, environment);
    begun = false;
    return status;
}

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*ending)(void), void *stack)
{
    int (*real)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                void (*)(void), void *);

    *(void **)&real = next("__libc_start_main");
    real_main = main;
    return real(counted_main, argc, argv, init, fini, ending, stack);
}

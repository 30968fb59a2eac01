/* SPDX-License-Identifier: MIT */
/*
 * libc calls of xenstored that meet fixed paths or limits: oxenstored has /run/xenstored compiled
 * in, both read /proc/xen, and both want more open files than an ordinary user may have.
 */
#include "fake.h"
#include "state.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The next definition of a function that is replaced here. */
#define NEXT(name) ((__typeof__(&name))next_function(#name))

static void *next_function(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);

    if (!function) {
        fprintf(stderr, "fakexen: %s: %s\n", name, dlerror());
        abort();
    }
    return function;
}

/* Where a path lies in the state directory: NULL for one that is not replaced. */
static const char *replacement(const char *path)
{
    if (strcmp(path, "/proc/xen/xsd_port") == 0)
        return "xsd_port";
    if (strcmp(path, "/proc/xen/xsd_kva") == 0)
        return "ring-0";
    return NULL;
}

/* The path to use instead of path; buffer may hold it. */
static const char *remap(const char *path, char *buffer, size_t size)
{
    static const char *const rundirs[] = {"/var/run/xenstored", "/run/xenstored"};
    const char *rundir = getenv("XENSTORED_RUNDIR"), *name;

    if (!path || path[0] != '/' || !state_dir())
        return path;
    name = replacement(path);
    if (name)
        return state_path(buffer, size, name) ? path : buffer;
    for (size_t i = 0; rundir && i < sizeof(rundirs) / sizeof(rundirs[0]); i++) {
        size_t length = strlen(rundirs[i]);

        if (strncmp(path, rundirs[i], length) != 0 || (path[length] && path[length] != '/'))
            continue;
        if (snprintf(buffer, size, "%s%s", rundir, path + length) < (int)size)
            return buffer;
    }
    return path;
}

EXPORT int open(const char *path, int flags, ...)
{
    char buffer[PATH_MAX];
    mode_t mode = 0;
    va_list args;

    if (flags & (O_CREAT | __O_TMPFILE)) {
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    return NEXT(open)(remap(path, buffer, sizeof(buffer)), flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
    char buffer[PATH_MAX];
    mode_t mode = 0;
    va_list args;

    if (flags & (O_CREAT | __O_TMPFILE)) {
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    return NEXT(open64)(remap(path, buffer, sizeof(buffer)), flags, mode);
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
    char buffer[PATH_MAX];

    return NEXT(fopen)(remap(path, buffer, sizeof(buffer)), mode);
}

EXPORT int unlink(const char *path)
{
    char buffer[PATH_MAX];

    return NEXT(unlink)(remap(path, buffer, sizeof(buffer)));
}

EXPORT int mkdir(const char *path, mode_t mode)
{
    char buffer[PATH_MAX];

    return NEXT(mkdir)(remap(path, buffer, sizeof(buffer)), mode);
}

EXPORT int chmod(const char *path, mode_t mode)
{
    char buffer[PATH_MAX];

    return NEXT(chmod)(remap(path, buffer, sizeof(buffer)), mode);
}

EXPORT int access(const char *path, int mode)
{
    char buffer[PATH_MAX];

    return NEXT(access)(remap(path, buffer, sizeof(buffer)), mode);
}

EXPORT int stat(const char *restrict path, struct stat *restrict st)
{
    char buffer[PATH_MAX];

    return NEXT(stat)(remap(path, buffer, sizeof(buffer)), st);
}

EXPORT int stat64(const char *restrict path, struct stat64 *restrict st)
{
    char buffer[PATH_MAX];

    return NEXT(stat64)(remap(path, buffer, sizeof(buffer)), st);
}

EXPORT int rename(const char *from, const char *to)
{
    char from_buffer[PATH_MAX], to_buffer[PATH_MAX];

    return NEXT(rename)(remap(from, from_buffer, sizeof(from_buffer)),
                        remap(to, to_buffer, sizeof(to_buffer)));
}

/* The socket address to use instead; *replaced may hold it. */
static const struct sockaddr *remap_address(const struct sockaddr *address, socklen_t *length,
                                            struct sockaddr_un *replaced)
{
    char path[sizeof(replaced->sun_path) + 1] = "", buffer[PATH_MAX];
    const char *other;

    if (!address || address->sa_family != AF_UNIX || *length <= sizeof(sa_family_t) ||
        *length > sizeof(*replaced))
        return address;
    memcpy(path, ((const struct sockaddr_un *)address)->sun_path, *length - sizeof(sa_family_t));
    other = remap(path, buffer, sizeof(buffer));
    if (other == path || strlen(other) >= sizeof(replaced->sun_path))
        return address;
    memset(replaced, 0, sizeof(*replaced));
    replaced->sun_family = AF_UNIX;
    strcpy(replaced->sun_path, other);
    *length = sizeof(*replaced);
    return (const struct sockaddr *)replaced;
}

EXPORT int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    struct sockaddr_un replaced;

    address = remap_address(address, &length, &replaced);
    return NEXT(bind)(fd, address, length);
}

EXPORT int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    struct sockaddr_un replaced;

    address = remap_address(address, &length, &replaced);
    return NEXT(connect)(fd, address, length);
}

EXPORT int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    struct rlimit current;
    int rc = NEXT(setrlimit)(resource, limit);

    if (rc == 0 || resource != RLIMIT_NOFILE || errno != EPERM || getrlimit(resource, &current))
        return rc;
    current.rlim_cur = current.rlim_max;
    return NEXT(setrlimit)(resource, &current);
}

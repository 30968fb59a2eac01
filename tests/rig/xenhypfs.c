/* SPDX-License-Identifier: MIT */
/* libxenhypfs: Xen's build configuration, where the file "config" has it. */
#include "fake.h"
#include "textfile.h"

#include <errno.h>
#include <string.h>
#include <xenhypfs.h>

static char handle; /* its address is the handle */

EXPORT xenhypfs_handle *xenhypfs_open(struct xentoollog_logger *logger, unsigned int open_flags)
{
    struct call call;

    (void)logger;
    if (call_begin(&call, "xenhypfs_open", "", "flags=%u", open_flags))
        return NULL;
    call_end(&call, 0, 0);
    return (xenhypfs_handle *)&handle;
}

EXPORT int xenhypfs_close(xenhypfs_handle *fshdl)
{
    (void)fshdl;
    return 0;
}

EXPORT char *xenhypfs_read(xenhypfs_handle *fshdl, const char *path)
{
    static struct textfile file = {.name = "config"};
    struct call call;
    char *copy = NULL;

    (void)fshdl;
    if (call_begin(&call, "xenhypfs_read", path, "%s", ""))
        return NULL;
    fake_lock();
    textfile_refresh(&file);
    if (file.text && strcmp(path, "/buildinfo/config") == 0)
        copy = strdup(file.text);
    fake_unlock();
    call_end(&call, copy ? 0 : -1, copy ? 0 : ENOENT);
    return copy;
}

/* SPDX-License-Identifier: MIT */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

#define BIT(capability) (UINT64_C(1) << (capability))

/* The kernel shows what is behind the first 64 bytes of a function's configuration space to one who
 * had the first of these when it was opened. The other one reads what is not root's own, where the
 * process has it at all. */
#define OPENING (BIT(CAP_SYS_ADMIN) | BIT(CAP_DAC_READ_SEARCH))

/* 0 when there is none. */
static int find_user(const char *name, struct passwd *entry, char **strings)
{
    size_t size = 4096;
    struct passwd *found = NULL;
    int rc;

    *strings = NULL;
    do {
        free(*strings);
        size *= 2;
        *strings = malloc(size);
        if (!*strings)
            return -ENOMEM;
        rc = getpwnam_r(name, entry, *strings, size, &found);
    } while (rc == ERANGE && size < 1u << 20);
    if (found)
        return 1;
    /* POSIX leaves open how it says that there is none. */
    return rc == 0 || rc == ENOENT || rc == ESRCH || rc == EBADF || rc == EPERM ? 0 : -rc;
}

int privileges_plan(const char *user, struct privileges *plan)
{
    struct passwd entry;
    char *strings;
    int rc;

    *plan = (struct privileges){.drop = false};
    if (geteuid() != 0)
        return 0;
    rc = find_user(user ? user : PRIVILEGES_USER, &entry, &strings);
    if (rc > 0 && entry.pw_uid != 0)
        *plan = (struct privileges){.drop = true, .uid = entry.pw_uid, .gid = entry.pw_gid};
    free(strings);
    if (rc == 0 && !user)
        log_notice("there is no user \"%s\": running as root", PRIVILEGES_USER);
    if (rc == 0 && user)
        return -ENOENT;
    return rc < 0 ? rc : 0;
}

/* On an error it says that there are none. */
static int read_capabilities(uint64_t *permitted)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    *permitted = 0;
    if (syscall(SYS_capget, &header, data))
        return -errno;
    *permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    return 0;
}

/* glibc has no wrappers of these, and libcap would be a library for two calls. */
static int set_capabilities(uint64_t kept)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)kept, .permitted = (uint32_t)kept},
        {.effective = (uint32_t)(kept >> 32), .permitted = (uint32_t)(kept >> 32)}};

    return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static int forbid_more(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

/* What was asked for and what came of it are two things. */
static int verify(const struct privileges *plan)
{
    uid_t real, effective, saved;
    gid_t groups[3];
    uint64_t permitted;
    int rc = read_capabilities(&permitted);

    if (rc < 0)
        return rc;
    if (getresuid(&real, &effective, &saved) || getresgid(&groups[0], &groups[1], &groups[2]))
        return -errno;
    if (permitted || real != plan->uid || effective != plan->uid || saved != plan->uid ||
        groups[0] != plan->gid || groups[1] != plan->gid || groups[2] != plan->gid)
        return -EPERM;
    return 0;
}

int privileges_drop(const struct privileges *plan)
{
    int rc;

    if (!plan->drop)
        return 0;
    if (setgroups(0, NULL) || setresgid(plan->gid, plan->gid, plan->gid) ||
        setresuid(plan->uid, plan->uid, plan->uid))
        return -errno;
    rc = set_capabilities(0);
    if (rc == 0)
        rc = forbid_more();
    if (rc == 0)
        rc = verify(plan);
    return rc;
}

int privileges_keep_opening(void)
{
    uint64_t permitted;
    int rc = read_capabilities(&permitted);

    if (rc == 0)
        rc = set_capabilities(permitted & OPENING);
    return rc < 0 ? rc : forbid_more();
}

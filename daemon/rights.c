/* SPDX-License-Identifier: MIT */
#include "rights.h"

#include <errno.h>
#include <string.h>

#include "log.h"

int rights_prepare(struct rights *rights, const char *user, const char *root)
{
    int rc = privileges_plan(user, &rights->privileges);

    rights->opener = NULL;
    if (rc < 0) {
        log_error("user \"%s\": %s", user ? user : PRIVILEGES_USER,
                  rc == -ENOENT ? "there is no such user" : strerror(-rc));
        return rc;
    }
    if (rights->privileges.drop)
        rc = opener_start(&rights->opener, root);
    if (rc < 0)
        log_error("starting the process that opens files for this one: %s", strerror(-rc));
    return rc;
}

int rights_give_up(const struct rights *rights)
{
    int rc = privileges_drop(&rights->privileges);

    if (rc < 0)
        log_error("giving up root's privileges: %s", strerror(-rc));
    else if (rights->privileges.drop)
        log_info("running as uid %u, without capabilities", (unsigned int)rights->privileges.uid);
    return rc;
}

void rights_end(struct rights *rights)
{
    opener_stop(rights->opener);
    rights->opener = NULL;
}

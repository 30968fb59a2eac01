/* SPDX-License-Identifier: MIT */
/* Taking back what is published in every tree there is, whoever wrote it. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "place.h"
#include "publisher.h"

/* publisher_withdraw_from(), with a word about what went wrong; first keeps the first error.
 * Returns whether there is a connection still. */
static bool try_withdraw(struct publisher *publisher, uint32_t domid, const char *status,
                         int *first)
{
    int rc = publisher_withdraw_from(publisher, domid, status);
    char path[PATH_SIZE];

    if (rc == 0)
        return true;
    if (place_path(domid, NULL, path) == 0)
        log_error("%s: withdrawing: %s", path, strerror(-rc));
    if (*first == 0)
        *first = rc;
    return !store_is_lost(rc);
}

#define DOMID_END KEEPER_DOMIDS

static int connect_again(struct store *store)
{
    int rc = store_connect(store);

    return rc == 0 ? store_sync(store) : rc;
}

/* Looks for every domain there could be. */
static int withdraw_by_number(struct publisher *publisher, const char *status)
{
    int first = connect_again(publisher_store(publisher));
    bool connected = first == 0;

    for (uint32_t domid = 0; connected && domid < DOMID_END; domid++)
        connected = try_withdraw(publisher, domid, status, &first);
    return first;
}

/* A connection may be lost for other reasons than the list, and looking by number takes seconds. */
static int list_domains(struct store *store, char ***names, size_t *count)
{
    int rc = store_list(store, XBT_NULL, "/local/domain", names, count);

    if (store_is_lost(rc) && connect_again(store) == 0)
        rc = store_list(store, XBT_NULL, "/local/domain", names, count);
    return rc;
}

/* Looks for every domain that is listed. */
static int withdraw_listed(struct publisher *publisher, const char *status)
{
    char **names = NULL;
    size_t count = 0;
    int first = 0, rc = list_domains(publisher_store(publisher), &names, &count);

    /* oxenstored drops who lists more than 4096 bytes: some 800 domains. */
    if (store_is_lost(rc))
        return withdraw_by_number(publisher, status);
    if (rc < 0 && rc != -ENOENT)
        first = rc;
    for (size_t i = 0; i < count; i++) {
        uint64_t domid;

        if (parse_number(names[i], &domid) && domid < DOMID_END)
            (void)try_withdraw(publisher, (uint32_t)domid, status, &first);
    }
    free(names);
    return first;
}

/* The host's tree is the largest, and nobody's driver believes it: it can wait for the others. */
int publisher_withdraw(struct publisher *publisher, const char *status)
{
    int first = withdraw_listed(publisher, status);

    (void)try_withdraw(publisher, PUBLISHER_HOST, status, &first);
    return first;
}

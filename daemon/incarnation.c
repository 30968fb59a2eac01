/* SPDX-License-Identifier: MIT */
#include "incarnation.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "/vm/UUID", as libxl and xapi write it. False for anything else. */
static bool parse_vm(const char *text, uint8_t handle[16])
{
    static const char start[] = "/vm/";
    size_t digits = 0;

    if (strncmp(text, start, strlen(start)) != 0)
        return false;
    for (text += strlen(start); digits < 32; text++) {
        char digit[2] = {*text, '\0'};

        if (*text == '-')
            continue;
        if (!isxdigit((unsigned char)*text))
            return false;
        handle[digits / 2] = (uint8_t)(handle[digits / 2] << 4 | (uint8_t)strtoul(digit, NULL, 16));
        digits++;
    }
    return true;
}

/* The toolstack's word in the home itself. */
static int check_name(struct store *store, xs_transaction_t t, const struct incarnation *who,
                      bool *named)
{
    char path[64], *value;
    uint8_t handle[16] = {0};
    int rc;

    *named = !who->handle;
    if (*named)
        return 0;
    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/vm", who->domid);
    rc = store_read(store, t, path, &value, NULL);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    *named = parse_vm(value, handle);
    free(value);
    return *named && memcmp(handle, who->handle, sizeof(handle)) != 0 ? -ESTALE : 0;
}

/* The records that the tree was made from. */
static int check_witnesses(struct store *store, xs_transaction_t t, const struct tree *witnesses)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && witnesses && i < witnesses->count; i++) {
        char *value;

        rc = store_read(store, t, witnesses->nodes[i].path, &value, NULL);
        if (rc < 0)
            return rc == -ENOENT ? -ESTALE : rc;
        rc = strcmp(value, witnesses->nodes[i].value) == 0 ? 0 : -ESTALE;
        free(value);
    }
    return rc;
}

int incarnation_check(struct store *store, xs_transaction_t t, const struct incarnation *who,
                      bool *named)
{
    int rc = check_name(store, t, who, named);

    return rc == 0 ? check_witnesses(store, t, who->witnesses) : rc;
}

/* SPDX-License-Identifier: MIT */
#include "downgrade.h"

#include <stdio.h>
#include <string.h>

#include "place.h"

/* ------------------------------------------------------------- what is too much */

static bool is_claim(const char *value)
{
    static const char *const claims[] = {"protected", "relaxed", "quarantined", "skip"};

    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
        if (strcmp(value, claims[i]) == 0)
            return true;
    return false;
}

bool downgrade_has_claims(const struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        if (is_claim(tree->nodes[i].value))
            return true;
    return false;
}

/* The value of another leaf of the record that a node belongs to, or NULL. */
static const char *beside(const struct tree *tree, const char *path, const char *leaf)
{
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path) + 1 : 0;
    char other[PATH_SIZE];

    if (snprintf(other, sizeof(other), "%.*s%s", length, path, leaf) >= (int)sizeof(other))
        return NULL;
    return tree_get(tree, other);
}

/* Whether the record says the same by this leaf in both. */
static bool agree(const struct tree *a, const struct tree *b, const char *path, const char *leaf)
{
    const char *x = beside(a, path, leaf), *y = beside(b, path, leaf);

    return x && y ? strcmp(x, y) == 0 : x == y;
}

bool downgrade_is_due(const struct tree *stands, const struct tree *wanted)
{
    for (size_t i = 0; i < stands->count; i++) {
        const char *path = stands->nodes[i].path, *value = stands->nodes[i].value;
        const char *now;

        if (!is_claim(value))
            continue;
        now = tree_get(wanted, path);
        if (!now || strcmp(now, value) != 0 || !agree(stands, wanted, path, "owner") ||
            !agree(stands, wanted, path, "limits"))
            return true;
    }
    return false;
}

/* ------------------------------------------------------------- other ways */

/* A home that cannot go, so that nothing is brought back by writing there. */
static bool is_lasting(uint32_t domid)
{
    return domid == 0 || !place_is_domain(domid);
}

/* Without "ready" beside them no record counts. */
static int unsay_ready(struct store *store, uint32_t domid)
{
    int rc = place_remove(store, XBT_NULL, domid, "status");

    if (rc == 0)
        return 0;
    return is_lasting(domid) ? place_write(store, XBT_NULL, domid, "status", "stopped")
                             : place_hide(store, XBT_NULL, domid, "status");
}

static int remove_records(struct store *store, uint32_t domid)
{
    int pci = place_remove(store, XBT_NULL, domid, "pci");
    int dt = place_remove(store, XBT_NULL, domid, "dt");

    return pci < 0 ? pci : dt;
}

/* An event for who watches it, and no reader that remembers a generation finds the same again. */
static int end_generation(struct store *store, uint32_t domid)
{
    int rc = place_remove(store, XBT_NULL, domid, "generation");

    return rc == 0 ? 0 : place_hide(store, XBT_NULL, domid, "generation");
}

int downgrade_plainly(struct store *store, uint32_t domid)
{
    int first = place_remove(store, XBT_NULL, domid, NULL), word, records;

    if (first == 0)
        return 0;
    word = unsay_ready(store, domid);
    records = remove_records(store, domid);
    if (word < 0 && records < 0)
        return first;
    return end_generation(store, domid) == 0 ? 0 : first;
}

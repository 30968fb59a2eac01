/* SPDX-License-Identifier: MIT */
#include "observe/assignment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xeniommu-schema.h>

#include "observe/backend_dir.h"
#include "transaction.h"

#define BACKEND_ROOT  "/local/domain/0/backend/pci"
#define LIBXL_ROOT    "/libxl/pci"
#define TOKEN_BACKEND "backend"
#define TOKEN_LIBXL   "libxl"
/* DOMID_FIRST_RESERVED of xen/xen.h: no domain has this number or a higher one. */
#define DOMID_END 0x7ff0u

struct assignment_observer {
    struct store *store;
    bool relist;          /* the set of backend directories may have changed */
    bool records_changed; /* libxl's records may have */
    struct backend_dir *dirs;
    size_t dir_count;
    struct complaints complaints; /* of what is in no directory, and of the records */
    struct complaints record_complaints;
    struct assignment current;
};

int assignment_observer_open(struct assignment_observer **out, struct store *store)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return -ENOMEM;
    (*out)->store = store;
    return 0;
}

void assignment_observer_close(struct assignment_observer *observer)
{
    if (!observer)
        return;
    for (size_t i = 0; i < observer->dir_count; i++)
        backend_dir_clear(&observer->dirs[i]);
    free(observer->dirs);
    complaints_clear(&observer->complaints);
    complaints_clear(&observer->record_complaints);
    free(observer->current.claims);
    free(observer->current.records);
    free(observer);
}

void assignment_observer_touch(struct assignment_observer *observer)
{
    observer->relist = true;
    observer->records_changed = true;
    for (size_t i = 0; i < observer->dir_count; i++)
        observer->dirs[i].dirty = true;
}

int assignment_observer_connect(struct assignment_observer *observer)
{
    int rc;

    assignment_observer_touch(observer);
    rc = store_watch(observer->store, BACKEND_ROOT, TOKEN_BACKEND);
    if (rc == 0)
        rc = store_watch(observer->store, LIBXL_ROOT, TOKEN_LIBXL);
    return rc;
}

bool assignment_observer_event(struct assignment_observer *observer, const char *path,
                               const char *token)
{
    bool known = false;

    if (strcmp(token, TOKEN_LIBXL) == 0) {
        observer->records_changed = true;
        return true;
    }
    if (strcmp(token, TOKEN_BACKEND) != 0)
        return false;
    for (size_t i = 0; i < observer->dir_count; i++) {
        size_t length = strlen(observer->dirs[i].path);

        if (strncmp(path, observer->dirs[i].path, length) != 0 ||
            (path[length] != '/' && path[length] != '\0'))
            continue;
        observer->dirs[i].dirty = true;
        known = path[length] == '/';
    }
    if (!known)
        observer->relist = true;
    return true;
}

/* ------------------------------------------------------------- the set of directories */

struct listing {
    struct backend_dir *dirs;
    size_t count;
    struct complaints complaints;
};

static void listing_clear(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        backend_dir_clear(&listing->dirs[i]);
    free(listing->dirs);
    complaints_clear(&listing->complaints);
}

static int list_add(struct listing *listing, const char *path, uint32_t domid)
{
    struct backend_dir *grown =
        reallocarray(listing->dirs, listing->count + 1, sizeof(*listing->dirs));
    char *copy = strdup(path);

    if (grown)
        listing->dirs = grown;
    if (!grown || !copy) {
        free(copy);
        return -ENOMEM;
    }
    listing->dirs[listing->count++] =
        (struct backend_dir){.path = copy, .domid = domid, .dirty = true};
    return 0;
}

/* The directories of one domain. */
static int list_domain(struct assignment_observer *observer, xs_transaction_t t,
                       struct listing *listing, const char *domain)
{
    char path[128], **names = NULL;
    size_t count = 0;
    uint64_t domid;
    int rc;

    if (!parse_number(domain, &domid) || domid >= DOMID_END || strlen(domain) > 5) {
        complain(&listing->complaints, &observer->complaints, "%s/%.64s: not a domid, ignored",
                 BACKEND_ROOT, domain);
        return 0;
    }
    snprintf(path, sizeof(path), "%s/%s", BACKEND_ROOT, domain);
    rc = store_list(observer->store, t, path, &names, &count);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (strlen(names[i]) > 32)
            complain(&listing->complaints, &observer->complaints,
                     "%s/%.64s: not a device number, ignored", path, names[i]);
        else {
            char dir[192];

            snprintf(dir, sizeof(dir), "%s/%s", path, names[i]);
            rc = list_add(listing, dir, (uint32_t)domid);
        }
    }
    free(names);
    return rc == -ENOENT ? 0 : rc;
}

/* A directory that was there before keeps what was read of it. */
static void keep_known(struct listing *listing, struct assignment_observer *observer)
{
    for (size_t i = 0; i < listing->count; i++) {
        for (size_t j = 0; j < observer->dir_count; j++) {
            if (strcmp(listing->dirs[i].path, observer->dirs[j].path) != 0)
                continue;
            struct backend_dir fresh = listing->dirs[i];

            listing->dirs[i] = observer->dirs[j];
            observer->dirs[j] = fresh;
        }
    }
}

static int relist(struct assignment_observer *observer, xs_transaction_t t)
{
    struct listing listing = {NULL, 0, {NULL, 0}};
    char **domains = NULL;
    size_t count = 0;
    int rc = store_list(observer->store, t, BACKEND_ROOT, &domains, &count);

    if (rc == -ENOENT)
        rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = list_domain(observer, t, &listing, domains[i]);
    free(domains);
    if (rc == 0) {
        struct listing old = {observer->dirs, observer->dir_count, observer->complaints};

        keep_known(&listing, observer);
        observer->dirs = listing.dirs;
        observer->dir_count = listing.count;
        observer->complaints = listing.complaints;
        listing = old;
    }
    listing_clear(&listing);
    return rc;
}

/* ------------------------------------------------------------- libxl's records */

static int read_record(struct assignment_observer *observer, xs_transaction_t t,
                       struct pci_record *record, const char *name, struct complaints *complaints)
{
    char path[128], *value;
    uint64_t domid;
    int rc;

    snprintf(path, sizeof(path), "%s/%s/driver_path", LIBXL_ROOT, name);
    rc = store_read(observer->store, t, path, &value, NULL);
    if (rc == 0)
        free(value);
    else if (rc != -ENOENT)
        return rc;
    record->has_driver_path = rc == 0;
    snprintf(path, sizeof(path), "%s/%s/domid", LIBXL_ROOT, name);
    rc = store_read_number(observer->store, t, path, &domid);
    if (rc == -ENOENT)
        return 0;
    if (rc < 0 && rc != -EINVAL)
        return rc;
    record->has_domid = true;
    record->malformed = rc == -EINVAL || domid == 0 || domid >= DOMID_END;
    if (record->malformed)
        complain(complaints, &observer->record_complaints, "%s: not a guest's domid", path);
    else
        record->domid = (uint32_t)domid;
    return 0;
}

static int compare_records(const void *a, const void *b)
{
    uint32_t x = ((const struct pci_record *)a)->sbdf, y = ((const struct pci_record *)b)->sbdf;

    return x < y ? -1 : x > y;
}

static int read_records(struct assignment_observer *observer, xs_transaction_t t)
{
    struct complaints complaints = {NULL, 0};
    struct pci_record *records = NULL;
    char **names = NULL;
    size_t count = 0, used = 0;
    int rc = store_list(observer->store, t, LIBXL_ROOT, &names, &count);

    if (rc == -ENOENT)
        rc = 0;
    if (rc == 0 && count) {
        records = calloc(count, sizeof(*records));
        rc = records ? 0 : -ENOMEM;
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (xeniommu_pci_parse(names[i], strlen(names[i]), &records[used].sbdf) < 0)
            complain(&complaints, &observer->record_complaints,
                     "%s/%.64s: not a PCI address, ignored", LIBXL_ROOT, names[i]);
        else
            rc = read_record(observer, t, &records[used++], names[i], &complaints);
    }
    free(names);
    if (rc < 0) {
        free(records);
        complaints_clear(&complaints);
        return rc;
    }
    if (used)
        qsort(records, used, sizeof(*records), compare_records);
    free(observer->current.records);
    observer->current.records = records;
    observer->current.record_count = used;
    complaints_clear(&observer->record_complaints);
    observer->record_complaints = complaints;
    return 0;
}

/* ------------------------------------------------------------- all together */

static int compare_claims(const void *a, const void *b)
{
    const struct pci_claim *x = a, *y = b;

    if (x->sbdf != y->sbdf)
        return x->sbdf < y->sbdf ? -1 : 1;
    return x->domid < y->domid ? -1 : x->domid > y->domid;
}

static int collect_claims(struct assignment_observer *observer)
{
    struct pci_claim *claims = NULL;
    size_t total = 0, used = 0;

    for (size_t i = 0; i < observer->dir_count; i++)
        total += observer->dirs[i].count;
    if (total) {
        claims = calloc(total, sizeof(*claims));
        if (!claims)
            return -ENOMEM;
        for (size_t i = 0; i < observer->dir_count; i++)
            for (size_t j = 0; j < observer->dirs[i].count; j++)
                claims[used++] = observer->dirs[i].claims[j];
        qsort(claims, used, sizeof(*claims), compare_claims);
    }
    free(observer->current.claims);
    observer->current.claims = claims;
    observer->current.claim_count = used;
    return 0;
}

static int refresh_in(struct store *store, xs_transaction_t t, void *arg)
{
    struct assignment_observer *observer = arg;
    int rc = 0;

    if (observer->relist)
        rc = relist(observer, t);
    for (size_t i = 0; rc == 0 && i < observer->dir_count; i++)
        if (observer->dirs[i].dirty)
            rc = backend_dir_read(&observer->dirs[i], store, t);
    if (rc == 0 && observer->records_changed)
        rc = read_records(observer, t);
    return rc;
}

static bool is_due(const struct assignment_observer *observer)
{
    if (observer->relist || observer->records_changed)
        return true;
    for (size_t i = 0; i < observer->dir_count; i++)
        if (observer->dirs[i].dirty)
            return true;
    return false;
}

int assignment_observer_refresh(struct assignment_observer *observer)
{
    int rc;

    if (!is_due(observer))
        return 0;
    rc = transaction_snapshot(observer->store, refresh_in, observer);
    if (rc == 0)
        rc = collect_claims(observer);
    if (rc < 0) {
        /* One view or none: what was read in the failed one must not be mixed with the next. */
        assignment_observer_touch(observer);
        return rc;
    }
    observer->relist = false;
    observer->records_changed = false;
    for (size_t i = 0; i < observer->dir_count; i++)
        observer->dirs[i].dirty = false;
    return 0;
}

const struct assignment *assignment_observer_get(const struct assignment_observer *observer)
{
    return &observer->current;
}

const struct pci_claim *assignment_claims(const struct assignment *assignment, uint32_t sbdf,
                                          size_t *count)
{
    size_t low = 0, high = assignment->claim_count, end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (assignment->claims[middle].sbdf < sbdf)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < assignment->claim_count && assignment->claims[end].sbdf == sbdf; end++)
        ;
    *count = end - low;
    return assignment->claims + low;
}

const struct pci_record *assignment_record(const struct assignment *assignment, uint32_t sbdf)
{
    struct pci_record key = {.sbdf = sbdf};

    if (!assignment->record_count)
        return NULL;
    return bsearch(&key, assignment->records, assignment->record_count, sizeof(key),
                   compare_records);
}

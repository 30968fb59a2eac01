/* SPDX-License-Identifier: MIT */
#include "observe/assignment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xeniommu-schema.h>

#include "log.h"
#include "observe/backend_dir.h"
#include "transaction.h"

#define BACKEND_ROOT  "/local/domain/0/backend/pci"
#define LIBXL_ROOT    "/libxl/pci"
#define TOKEN_BACKEND "backend"
#define TOKEN_LIBXL   "libxl"
/* DOMID_FIRST_RESERVED of xen/xen.h: no domain has this number or a higher one. */
#define DOMID_END 0x7ff0u

/* So many of what is no record are named, and then no more. */
#define STRANGERS_MAX 64
/* More changed records than that at once are not told from all. */
#define DIRTY_MAX 64

struct assignment_observer {
    struct store *store;
    bool root_is_large;        /* listing it cost us the connection */
    bool relist;               /* the set of backend directories may have changed */
    bool records_changed;      /* all of libxl's records may have */
    uint32_t dirty[DIRTY_MAX]; /* ... or the records of these functions */
    size_t dirty_count;
    struct recorded recorded;
    struct backend_dir *dirs;
    size_t dir_count;
    struct complaints complaints; /* of what is in no directory */
    struct complaints strangers;  /* below /libxl/pci */
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
    complaints_clear(&observer->strangers);
    free(observer->current.claims);
    free(observer->current.records);
    free(observer->current.touched);
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

static void note_stranger(struct assignment_observer *observer, const char *name, int length)
{
    if (observer->strangers.count < STRANGERS_MAX)
        complain(&observer->strangers, &observer->strangers,
                 LIBXL_ROOT "/%.*s: not a PCI address, ignored", length < 64 ? length : 64, name);
}

static bool holds(const uint32_t *sbdfs, size_t count, uint32_t sbdf)
{
    for (size_t i = 0; i < count; i++)
        if (sbdfs[i] == sbdf)
            return true;
    return false;
}

void assignment_observer_suspect(struct assignment_observer *observer, uint32_t sbdf)
{
    if (holds(observer->dirty, observer->dirty_count, sbdf))
        return;
    if (observer->dirty_count == DIRTY_MAX)
        observer->records_changed = true;
    else
        observer->dirty[observer->dirty_count++] = sbdf;
}

static void note_record(struct assignment_observer *observer, const char *path)
{
    size_t root = strlen(LIBXL_ROOT "/");
    const char *name = strlen(path) > root ? path + root : "";
    int length = (int)strcspn(name, "/");
    uint32_t sbdf;

    if (!length)
        observer->records_changed = true;
    else if (xeniommu_pci_parse(name, (size_t)length, &sbdf) < 0)
        note_stranger(observer, name, length);
    else {
        assignment_observer_suspect(observer, sbdf);
        /* Kept until the function is there: its uevent may be on its way. */
        if (strcmp(name + length, "/driver_path") == 0)
            recorded_note(&observer->recorded, sbdf);
    }
}

bool assignment_observer_event(struct assignment_observer *observer, const char *path,
                               const char *token)
{
    bool known = false;

    if (strcmp(token, TOKEN_LIBXL) == 0) {
        note_record(observer, path);
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

/* ------------------------------------------------------------- what events were about */

static void touch(struct assignment *assignment, uint32_t sbdf)
{
    if (assignment->touched_count == assignment->touched_capacity) {
        size_t capacity = 2 * assignment->touched_capacity + 16;
        void *grown = reallocarray(assignment->touched, capacity, sizeof(*assignment->touched));

        if (!grown) {
            assignment->all_touched = true;
            return;
        }
        assignment->touched = grown;
        assignment->touched_capacity = capacity;
    }
    assignment->touched[assignment->touched_count++] = sbdf;
}

static void touch_claims(struct assignment *assignment, const struct backend_dir *dir)
{
    for (size_t i = 0; i < dir->count; i++)
        touch(assignment, dir->claims[i].sbdf);
}

static void touch_dirty(struct assignment_observer *observer)
{
    for (size_t i = 0; i < observer->dir_count; i++)
        if (observer->dirs[i].dirty)
            touch_claims(&observer->current, &observer->dirs[i]);
}

bool assignment_is_touched(const struct assignment *assignment, uint32_t sbdf)
{
    return assignment->all_touched || holds(assignment->touched, assignment->touched_count, sbdf);
}

bool assignment_observer_is_pending(const struct assignment_observer *observer, uint32_t sbdf)
{
    if (observer->records_changed || holds(observer->dirty, observer->dirty_count, sbdf))
        return true;
    for (size_t i = 0; i < observer->dir_count; i++)
        for (size_t j = 0; observer->dirs[i].dirty && j < observer->dirs[i].count; j++)
            if (observer->dirs[i].claims[j].sbdf == sbdf)
                return true;
    return false;
}

struct recorded *assignment_observer_recorded(struct assignment_observer *observer)
{
    return &observer->recorded;
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

static int compare_dirs(const void *a, const void *b)
{
    return strcmp(((const struct backend_dir *)a)->path, ((const struct backend_dir *)b)->path);
}

/* A directory that was there before keeps what was read of it. */
static void keep_known(struct listing *listing, struct assignment_observer *observer)
{
    if (listing->count)
        qsort(listing->dirs, listing->count, sizeof(*listing->dirs), compare_dirs);
    for (size_t i = 0; observer->dir_count && i < listing->count; i++) {
        struct backend_dir *old = bsearch(&listing->dirs[i], observer->dirs, observer->dir_count,
                                          sizeof(*observer->dirs), compare_dirs);
        struct backend_dir fresh = listing->dirs[i];

        if (!old)
            continue;
        listing->dirs[i] = *old;
        *old = fresh;
    }
}

static int list_root(struct assignment_observer *observer, xs_transaction_t t,
                     struct listing *listing)
{
    char **names = NULL;
    size_t count = 0;
    int rc = store_list(observer->store, t, BACKEND_ROOT, &names, &count);

    /* oxenstored drops who lists more than 4096 bytes, and directories of dead domains add up. */
    if (store_is_lost(rc))
        observer->root_is_large = true;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = list_domain(observer, t, listing, names[i]);
    free(names);
    return rc == -ENOENT ? 0 : rc;
}

static int list_known_domains(struct assignment_observer *observer, xs_transaction_t t,
                              const struct domain_list *domains, struct listing *listing)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < domains->count; i++) {
        char name[16];

        snprintf(name, sizeof(name), "%u", domains->domains[i].domid);
        rc = list_domain(observer, t, listing, name);
    }
    return rc;
}

static int relist(struct assignment_observer *observer, xs_transaction_t t,
                  const struct domain_list *domains)
{
    struct listing listing = {NULL, 0, {NULL, 0}};
    int rc = observer->root_is_large ? list_known_domains(observer, t, domains, &listing)
                                     : list_root(observer, t, &listing);

    if (rc == 0) {
        struct listing old = {observer->dirs, observer->dir_count, observer->complaints};

        keep_known(&listing, observer);
        observer->dirs = listing.dirs;
        observer->dir_count = listing.count;
        observer->complaints = listing.complaints;
        listing = old;
        for (size_t i = 0; i < listing.count; i++)
            touch_claims(&observer->current, &listing.dirs[i]);
    }
    listing_clear(&listing);
    return rc;
}

/* ------------------------------------------------------------- libxl's records */

/* 1 when there is such a node, 0 when not. */
static int exists(struct store *store, xs_transaction_t t, const char *path)
{
    char *value;
    int rc = store_read(store, t, path, &value, NULL);

    if (rc == 0)
        free(value);
    return rc == 0 ? 1 : rc == -ENOENT ? 0 : rc;
}

static int compare_records(const void *a, const void *b)
{
    uint32_t x = ((const struct pci_record *)a)->sbdf, y = ((const struct pci_record *)b)->sbdf;

    return x < y ? -1 : x > y;
}

static const struct pci_record *find_record(const struct assignment *assignment, uint32_t sbdf)
{
    struct pci_record key = {.sbdf = sbdf};

    if (!assignment->record_count)
        return NULL;
    return bsearch(&key, assignment->records, assignment->record_count, sizeof(key),
                   compare_records);
}

static int read_domid(struct assignment_observer *observer, xs_transaction_t t,
                      struct pci_record *record, const char *name)
{
    const struct pci_record *old = find_record(&observer->current, record->sbdf);
    uint64_t domid = 0;
    char path[128];
    int rc;

    snprintf(path, sizeof(path), "%s/%s/domid", LIBXL_ROOT, name);
    rc = store_read_number(observer->store, t, path, &domid);
    if (rc == -ENOENT)
        return 0;
    if (rc < 0 && rc != -EINVAL)
        return rc;
    record->has_domid = true;
    record->malformed = rc == -EINVAL || domid == 0 || domid >= DOMID_END;
    if (!record->malformed)
        record->domid = (uint32_t)domid;
    else if (!old || !old->malformed)
        log_warning("%s: not a guest's domid", path);
    return 0;
}

static int read_record(struct assignment_observer *observer, xs_transaction_t t,
                       struct pci_record *record)
{
    char name[XENIOMMU_PCI_NAME_SIZE], path[128];
    int rc;

    xeniommu_pci_name(record->sbdf, name);
    snprintf(path, sizeof(path), "%s/%s", LIBXL_ROOT, name);
    rc = exists(observer->store, t, path);
    if (rc <= 0)
        return rc;
    record->present = true;
    snprintf(path, sizeof(path), "%s/%s/driver_path", LIBXL_ROOT, name);
    rc = exists(observer->store, t, path);
    if (rc < 0)
        return rc;
    record->has_driver_path = rc;
    return read_domid(observer, t, record, name);
}

/* Function by function: /libxl/pci is not listed, because oxenstored cannot list a directory of
 * more than 4096 bytes, which some 300 functions are. */
static int read_records(struct assignment_observer *observer, xs_transaction_t t,
                        const struct pci_topology *topology)
{
    struct pci_record *records = calloc(topology->count + 1, sizeof(*records));
    int rc = records ? 0 : -ENOMEM;

    for (size_t i = 0; rc == 0 && i < topology->count; i++) {
        uint32_t sbdf = topology->functions[i].sbdf;
        const struct pci_record *old = find_record(&observer->current, sbdf);

        records[i].sbdf = sbdf;
        if (old && !observer->records_changed &&
            !holds(observer->dirty, observer->dirty_count, sbdf))
            records[i] = *old;
        else
            rc = read_record(observer, t, &records[i]);
    }
    if (rc < 0) {
        free(records);
        return rc;
    }
    free(observer->current.records);
    observer->current.records = records;
    observer->current.record_count = topology->count;
    return 0;
}

/* A record may have changed, or the topology is not the one that was read for. */
static bool records_are_due(const struct assignment_observer *observer,
                            const struct pci_topology *topology)
{
    const struct assignment *current = &observer->current;

    if (observer->records_changed || observer->dirty_count ||
        current->record_count != topology->count)
        return true;
    for (size_t i = 0; i < topology->count; i++)
        if (current->records[i].sbdf != topology->functions[i].sbdf)
            return true;
    return false;
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

struct refresh {
    struct assignment_observer *observer;
    const struct pci_topology *topology;
    const struct domain_list *domains;
};

static int refresh_in(struct store *store, xs_transaction_t t, void *arg)
{
    const struct refresh *refresh = arg;
    struct assignment_observer *observer = refresh->observer;
    int rc = 0;

    if (observer->relist)
        rc = relist(observer, t, refresh->domains);
    for (size_t i = 0; rc == 0 && i < observer->dir_count; i++)
        if (observer->dirs[i].dirty)
            rc = backend_dir_read(&observer->dirs[i], store, t);
    if (rc == 0 && records_are_due(observer, refresh->topology))
        rc = read_records(observer, t, refresh->topology);
    return rc;
}

static bool is_due(const struct assignment_observer *observer, const struct pci_topology *topology)
{
    if (observer->relist || records_are_due(observer, topology))
        return true;
    for (size_t i = 0; i < observer->dir_count; i++)
        if (observer->dirs[i].dirty)
            return true;
    return false;
}

/* What the events since the refresh before were about: by the records of then, and by those of now.
 */
static void settle(struct assignment_observer *observer)
{
    struct assignment *current = &observer->current;

    touch_dirty(observer);
    for (size_t i = 0; i < observer->dirty_count; i++)
        touch(current, observer->dirty[i]);
    current->all_touched = current->all_touched || observer->records_changed;
    observer->relist = false;
    observer->records_changed = false;
    observer->dirty_count = 0;
    for (size_t i = 0; i < observer->dir_count; i++)
        if (observer->dirs[i].dirty)
            backend_dir_settle(&observer->dirs[i]);
}

int assignment_observer_refresh(struct assignment_observer *observer,
                                const struct pci_topology *topology,
                                const struct domain_list *domains)
{
    struct refresh refresh = {observer, topology, domains};
    int rc;

    observer->current.touched_count = 0;
    observer->current.all_touched = false;
    if (!is_due(observer, topology))
        return 0;
    touch_dirty(observer);
    rc = transaction_run(observer->store, refresh_in, &refresh);
    if (rc == 0)
        rc = collect_claims(observer);
    if (rc < 0) {
        /* One view or none: what was read in the failed one must not be mixed with the next. */
        assignment_observer_touch(observer);
        return rc;
    }
    settle(observer);
    return 1;
}

const struct assignment *assignment_observer_get(const struct assignment_observer *observer)
{
    return &observer->current;
}

const struct pci_record *assignment_record(const struct assignment *assignment, uint32_t sbdf)
{
    const struct pci_record *record = find_record(assignment, sbdf);

    return record && record->present ? record : NULL;
}

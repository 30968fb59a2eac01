/* SPDX-License-Identifier: MIT */
#include "publisher.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xeniommu-schema.h>

#include "downgrade.h"
#include "log.h"
#include "parts.h"
#include "place.h"
#include "search.h"
#include "transaction.h"

/* Nodes that are written or removed in one transaction: more are done in parts. */
#define NODES_AT_ONCE 512

_Static_assert(PUBLISHER_HOST == KEEPER_HOST, "the keeper's page knows the host's tree by it");

/* What one tree holds. */
struct mirror {
    uint32_t domid;
    bool known;          /* we wrote it; else it is written whole, whatever is there */
    struct tree have;    /* without "generation" */
    uint64_t generation; /* the last one that was seen or written; it never goes back */
    struct tree stands;  /* while it is not known: what was written last, and may stand there yet */
    bool overstated;     /* what stands is more than is wanted, and nothing took it back */
};

struct publisher {
    struct store *store;
    publisher_identify_fn *identify;
    void *identify_arg;
    struct keeper_page *page;
    struct mirror **mirrors; /* sorted by domid */
    size_t count, capacity;
};

int publisher_new(struct publisher **out, struct store *store)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return -ENOMEM;
    (*out)->store = store;
    return 0;
}

void publisher_free(struct publisher *publisher)
{
    if (!publisher)
        return;
    publisher_forget_all(publisher);
    free(publisher->mirrors);
    free(publisher);
}

struct store *publisher_store(const struct publisher *publisher)
{
    return publisher->store;
}

void publisher_set_identify(struct publisher *publisher, publisher_identify_fn *fn, void *arg)
{
    publisher->identify = fn;
    publisher->identify_arg = arg;
}

void publisher_set_page(struct publisher *publisher, struct keeper_page *page)
{
    publisher->page = page;
}

static int compare_mirror(const void *key, const void *item)
{
    uint32_t domid = *(const uint32_t *)key, other = (*(struct mirror *const *)item)->domid;

    return domid < other ? -1 : domid > other;
}

static size_t position(const struct publisher *publisher, uint32_t domid)
{
    return search_first(&domid, publisher->mirrors, publisher->count, sizeof(*publisher->mirrors),
                        compare_mirror);
}

static struct mirror *find(const struct publisher *publisher, uint32_t domid)
{
    size_t at = position(publisher, domid);

    if (at < publisher->count && publisher->mirrors[at]->domid == domid)
        return publisher->mirrors[at];
    return NULL;
}

static struct mirror *find_or_add(struct publisher *publisher, uint32_t domid)
{
    struct mirror *mirror = find(publisher, domid);
    size_t at = position(publisher, domid);

    if (mirror)
        return mirror;
    if (publisher->count == publisher->capacity) {
        size_t capacity = publisher->capacity ? 2 * publisher->capacity : 16;
        void *grown = reallocarray(publisher->mirrors, capacity, sizeof(*publisher->mirrors));

        if (!grown)
            return NULL;
        publisher->mirrors = grown;
        publisher->capacity = capacity;
    }
    mirror = calloc(1, sizeof(*mirror));
    if (!mirror)
        return NULL;
    mirror->domid = domid;
    memmove(&publisher->mirrors[at + 1], &publisher->mirrors[at],
            (publisher->count - at) * sizeof(*publisher->mirrors));
    publisher->mirrors[at] = mirror;
    publisher->count++;
    return mirror;
}

static void free_mirror(struct mirror *mirror)
{
    tree_clear(&mirror->have);
    tree_clear(&mirror->stands);
    free(mirror);
}

void publisher_forget(struct publisher *publisher, uint32_t domid)
{
    size_t at = position(publisher, domid);

    if (at == publisher->count || publisher->mirrors[at]->domid != domid)
        return;
    free_mirror(publisher->mirrors[at]);
    publisher->count--;
    memmove(&publisher->mirrors[at], &publisher->mirrors[at + 1],
            (publisher->count - at) * sizeof(*publisher->mirrors));
}

void publisher_forget_all(struct publisher *publisher)
{
    for (size_t i = 0; i < publisher->count; i++)
        free_mirror(publisher->mirrors[i]);
    publisher->count = 0;
}

/* ------------------------------------------------------------- what is there */

static void unknow(struct mirror *mirror)
{
    if (mirror->known) {
        tree_clear(&mirror->stands);
        mirror->stands = mirror->have;
    } else {
        tree_clear(&mirror->have);
    }
    mirror->have = (struct tree){NULL, 0, 0};
    mirror->known = false;
}

int publisher_verify(struct publisher *publisher, uint32_t domid)
{
    struct mirror *mirror = find(publisher, domid);
    uint64_t generation;
    int rc;

    if (!mirror || !mirror->known)
        return 0;
    rc = place_read_generation(publisher->store, XBT_NULL, domid, &generation);
    if (rc == 0 && generation != mirror->generation)
        unknow(mirror);
    return rc;
}

/* ------------------------------------------------------------- the difference */

struct change {
    const struct publisher *publisher;
    struct incarnation who;
    struct mirror *mirror;
    const struct tree *wanted;
    const struct tree *first;  /* makes no claim, and has to stand before wanted does; or NULL */
    const struct tree *writes; /* one of the two */
    bool withdrawal;           /* takes back what is there, and makes nothing where nothing is */
    bool named;                /* XenStore itself says that the home is this domain's */
    uint64_t generation;
};

/* Removes a node that is not wanted, from the highest directory that nothing wanted is in. */
static int remove_unwanted(struct store *store, xs_transaction_t t, const struct change *change,
                           const char *path, char removed[PATH_SIZE])
{
    size_t length = strlen(path), known = strlen(removed);

    if (known && strncmp(path, removed, known) == 0 && path[known] == '/')
        return 0;
    for (size_t i = 0; path[i]; i++) {
        if (path[i] == '/' && !tree_has_below(change->writes, path, i)) {
            length = i;
            break;
        }
    }
    if (length >= PATH_SIZE)
        return -ENAMETOOLONG;
    memcpy(removed, path, length);
    removed[length] = '\0';
    return place_remove(store, t, change->mirror->domid, removed);
}

static int apply(struct store *store, xs_transaction_t t, const struct change *change)
{
    const struct tree *have = &change->mirror->have, *wanted = change->writes;
    char removed[PATH_SIZE] = "";
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < have->count; i++)
        if (!tree_get(wanted, have->nodes[i].path))
            rc = remove_unwanted(store, t, change, have->nodes[i].path, removed);
    for (size_t i = 0; rc == 0 && i < wanted->count; i++) {
        const struct tree_node *node = &wanted->nodes[i];
        const char *old = tree_get(have, node->path);

        if (!old || strcmp(old, node->value) != 0)
            rc = place_write(store, t, change->mirror->domid, node->path, node->value);
    }
    return rc;
}

/* ------------------------------------------------------------- whose home it is */

/* Xen's word, where the home does not tell. What Xen does not answer keeps no claim from being
 * taken back. */
static int check_number(const struct change *change)
{
    const struct publisher *publisher = change->publisher;
    uint8_t handle[16];
    int rc = -EIO;

    if (change->named || change->withdrawal)
        return 0;
    if (publisher->identify)
        rc = publisher->identify(publisher->identify_arg, change->who.domid, handle);
    if (rc == -ESRCH || (rc == 0 && memcmp(handle, change->who.handle, sizeof(handle)) != 0))
        return -ESTALE;
    return rc < 0 && downgrade_has_claims(change->wanted) ? rc : 0;
}

/* 1 when there is no tree to take back: in the home of a domain that we never wrote to. */
static int check_tree(struct store *store, xs_transaction_t t, const struct change *change)
{
    int rc = place_check_tree(store, t, change->who.domid);

    return rc == -ENOENT ? 1 : rc;
}

/* Everything that the transaction depends on; read inside it, so that it cannot change until the
 * commit. */
static int check(struct store *store, xs_transaction_t t, struct change *change)
{
    struct mirror *mirror = change->mirror;
    int rc = place_check_home(store, t, change->who.domid);

    if (rc == 0)
        rc = change->withdrawal ? check_tree(store, t, change)
                                : incarnation_check(store, t, &change->who, &change->named);
    if (rc == 0)
        rc = place_read_generation(store, t, change->who.domid, &change->generation);
    if (rc != 0 || !mirror->known || change->generation == mirror->generation)
        return rc;
    /* Nobody else writes there, so the home may be another domain's, of the same number. */
    unknow(mirror);
    return change->withdrawal ? 0 : -ESTALE;
}

/* What was taken back without a transaction took its count along: it goes on all the same. */
static int write_generation(struct store *store, xs_transaction_t t, struct change *change)
{
    const struct mirror *mirror = change->mirror;
    char generation[24];

    if (change->generation < mirror->generation)
        change->generation = mirror->generation;
    change->generation++;
    snprintf(generation, sizeof(generation), "%" PRIu64, change->generation);
    return place_write(store, t, mirror->domid, "generation", generation);
}

static int publish_in(struct store *store, xs_transaction_t t, void *arg)
{
    struct change *change = arg;
    struct mirror *mirror = change->mirror;
    int rc = check(store, t, change);

    if (rc != 0)
        return rc;
    /* Two homes without a name and a tree look alike, and oxenstored commits to the one what was
     * found out about the other. A generation of ours tells them apart. */
    change->writes =
        change->first && !mirror->known && !change->named ? change->first : change->wanted;
    if (!mirror->known)
        rc = place_start_anew(store, t, mirror->domid);
    if (rc == 0)
        rc = apply(store, t, change);
    if (rc == 0)
        rc = write_generation(store, t, change);
    return rc == 0 ? check_number(change) : rc;
}

/* A tree without records is left as it is when nobody is there any more. */
static bool is_put_away(const struct change *change, int rc)
{
    const char *status;

    if (rc == -ENOENT || !change->withdrawal || rc < 0)
        return rc == -ENOENT;
    status = tree_get(change->wanted, "status");
    return rc == 1 || (status && strcmp(status, "stopped") == 0);
}

static int run(struct publisher *publisher, struct change *change)
{
    struct mirror *mirror = change->mirror;
    int rc;

    if (mirror->domid != PUBLISHER_SEEN)
        keeper_mark(publisher->page, mirror->domid);
    if (publisher->page && !change->withdrawal)
        atomic_store(&publisher->page->claims, true);
    rc = transaction_run(publisher->store, publish_in, change);
    if (is_put_away(change, rc))
        keeper_unmark(publisher->page, mirror->domid);
    if (rc == 0) {
        tree_clear(&mirror->have);
        rc = tree_append(&mirror->have, change->writes);
    }
    if (rc != 0) {
        /* What is there now is not certain. */
        unknow(mirror);
        return rc;
    }
    mirror->generation = change->generation;
    mirror->known = true;
    return 0;
}

static bool is_large(const struct tree *tree)
{
    return tree->count > NODES_AT_ONCE;
}

/* What was to be written was not, and must not leave more standing than that until the trouble
 * ends: the next way is taken at once. Of a withdrawal nothing is known of what stands; what is
 * stale is found out anew at once. */
static int settle(struct publisher *publisher, const struct change *change, int rc)
{
    struct mirror *mirror = change->mirror;
    bool due = rc < 0 && rc != -ESTALE &&
               ((change->withdrawal && rc != -ENOENT) ||
                downgrade_is_due(&mirror->stands, change->wanted));
    bool taken = due && downgrade_plainly(publisher->store, mirror->domid) == 0;
    char path[PATH_SIZE];

    mirror->overstated = due && !taken;
    if (due && mirror->stands.count && place_path(mirror->domid, NULL, path) == 0)
        log_warning("%s: %s: %s", path, strerror(-rc),
                    taken ? "taken back without a transaction" : "cannot be taken back");
    if (rc >= 0 || rc == -ENOENT || taken)
        tree_clear(&mirror->stands);
    return taken && change->withdrawal ? 0 : rc;
}

bool publisher_overstates(const struct publisher *publisher)
{
    for (size_t i = 0; i < publisher->count; i++)
        if (publisher->mirrors[i]->overstated)
            return true;
    return false;
}

static int fill_without_records(struct tree *tree, const char *status)
{
    int rc = tree_add(tree, "status", status);

    return rc == 0 ? tree_add(tree, "version", XENIOMMU_ABI_VERSION) : rc;
}

static int unsay_in(struct store *store, xs_transaction_t t, void *arg)
{
    struct change *change = arg;
    int rc = check(store, t, change);

    if (rc != 0)
        return rc;
    rc = place_write(store, t, change->who.domid, "status", tree_get(change->wanted, "status"));
    return rc == 0 ? write_generation(store, t, change) : rc;
}

/* Of a tree that is or may be large: no record counts any more, and then what is much goes without
 * a transaction. 0, 1 when there is no tree, or a negative errno. */
static int unsay(struct publisher *publisher, struct change *change)
{
    struct mirror *mirror = change->mirror;
    int rc, pci, dt;

    unknow(mirror);
    rc = transaction_run(publisher->store, unsay_in, change);
    if (rc != 0)
        return rc;
    mirror->generation = change->generation;
    pci = place_remove(publisher->store, XBT_NULL, mirror->domid, "pci");
    dt = place_remove(publisher->store, XBT_NULL, mirror->domid, "dt");
    return pci < 0 ? pci : dt;
}

static int run_to(struct publisher *publisher, const struct change *change,
                  const struct tree *wanted)
{
    struct change step = *change;

    step.wanted = wanted;
    return run(publisher, &step);
}

/* In place of whatever stands there. */
static int run_first(struct publisher *publisher, const struct change *change,
                     const struct tree *first)
{
    struct change unsaid = {.publisher = publisher,
                            .who = change->who,
                            .mirror = change->mirror,
                            .wanted = first,
                            .withdrawal = true};
    int rc = unsay(publisher, &unsaid);

    return rc < 0 && rc != -ENOENT ? rc : run_to(publisher, change, first);
}

/* Not what the next run is to know: half of that would be a falsehood. */
static int run_steps(struct publisher *publisher, const struct change *change)
{
    int rc = 0, more = change->mirror->domid != PUBLISHER_SEEN;
    struct tree next = {NULL, 0, 0};

    while (rc == 0 && more > 0) {
        more = parts_next(&change->mirror->have, change->wanted, NODES_AT_ONCE, &next);
        if (more > 0)
            rc = run_to(publisher, change, &next);
        tree_clear(&next);
    }
    return rc == 0 ? more : rc;
}

static int run_whole(struct publisher *publisher, struct change *change)
{
    struct tree first = {NULL, 0, 0};
    /* Of what stands there as well, for it is removed first. */
    bool large = change->mirror->domid != PUBLISHER_SEEN &&
                 (is_large(change->wanted) || is_large(&change->mirror->stands));
    int rc = fill_without_records(&first, "starting");

    change->first = downgrade_has_claims(change->wanted) ? &first : NULL;
    if (rc == 0 && large && !change->mirror->known)
        rc = run_first(publisher, change, &first);
    if (rc == 0)
        rc = run_steps(publisher, change);
    if (rc == 0)
        rc = run(publisher, change);
    if (rc == 0 && change->writes == &first)
        rc = run(publisher, change);
    tree_clear(&first);
    return rc;
}

int publisher_publish(struct publisher *publisher, const struct incarnation *who,
                      const struct tree *wanted)
{
    struct change change = {.publisher = publisher, .who = *who, .wanted = wanted};
    int rc;

    change.mirror = find_or_add(publisher, who->domid);
    if (!change.mirror)
        return -ENOMEM;
    if (change.mirror->known && tree_equal(&change.mirror->have, wanted))
        return 0;
    rc = settle(publisher, &change, run_whole(publisher, &change));
    if (rc < 0)
        return rc;
    /* Between Xen's word and the commit another domain may have come, where its home does not tell
     * it from the old one. */
    rc = check_number(&change);
    if (rc < 0)
        (void)publisher_withdraw_from(publisher, who->domid, "starting");
    return rc < 0 ? rc : 1;
}

void publisher_cut(const struct publisher *publisher, uint32_t domid, struct tree *tree)
{
    const struct mirror *mirror = find(publisher, domid);
    size_t kept = 0;

    for (size_t i = 0; i < tree->count; i++) {
        if (mirror && tree_get(&mirror->have, tree->nodes[i].path)) {
            tree->nodes[kept++] = tree->nodes[i];
        } else {
            free(tree->nodes[i].path);
            free(tree->nodes[i].value);
        }
    }
    tree->count = kept;
}

const char *publisher_told(const struct publisher *publisher, uint32_t domid, const char *path)
{
    const struct mirror *mirror = find(publisher, domid);

    return mirror && mirror->known ? tree_get(&mirror->have, path) : NULL;
}

bool publisher_is_new(const struct publisher *publisher, uint32_t domid)
{
    const struct mirror *mirror = find(publisher, domid);

    return !mirror || !mirror->known;
}

/* ------------------------------------------------------------- taking everything back */

/* Of what is not known, that of a guest is not: its devices are few. */
static bool may_be_large(const struct mirror *mirror)
{
    return mirror->known ? is_large(&mirror->have)
                         : mirror->domid == PUBLISHER_HOST || mirror->domid == 0;
}

static int run_withdrawal(struct publisher *publisher, struct change *change)
{
    const struct mirror *mirror = change->mirror;
    int rc = may_be_large(mirror) ? unsay(publisher, change) : 0;

    if (rc == 0)
        return run(publisher, change);
    if (is_put_away(change, rc))
        keeper_unmark(publisher->page, mirror->domid);
    return rc;
}

int publisher_withdraw_from(struct publisher *publisher, uint32_t domid, const char *status)
{
    struct tree wanted = {NULL, 0, 0};
    struct change change = {
        .publisher = publisher, .who = {.domid = domid}, .wanted = &wanted, .withdrawal = true};
    int rc = fill_without_records(&wanted, status);

    change.mirror = find_or_add(publisher, domid);
    if (!change.mirror)
        rc = -ENOMEM;
    if (rc == 0 && !(change.mirror->known && tree_equal(&change.mirror->have, &wanted)))
        rc = settle(publisher, &change, run_withdrawal(publisher, &change));
    tree_clear(&wanted);
    return rc == -ENOENT || rc > 0 ? 0 : rc;
}

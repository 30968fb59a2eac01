/* SPDX-License-Identifier: MIT */
#include "ownership.h"

#include <string.h>

#include "search.h"

static bool is_alive(const struct domain_list *domains, uint32_t domid)
{
    const struct domain *domain = domain_list_find(domains, domid);

    return domain && domain->alive;
}

/* The device is, or is about to be, in the hands of the claim's domain. */
static bool is_held(const struct pci_claim *claim)
{
    return claim->state >= XENBUS_INITIALISING && claim->state < XENBUS_CLOSING;
}

bool ownership_is_assignable(const struct pci_function *function)
{
    return strcmp(function->driver, "pciback") == 0;
}

/* No claim serves it. */
#define DOMID_NOBODY UINT32_MAX

static struct ownership doubt(enum owner_doubt why)
{
    return (struct ownership){.kind = OWNER_UNKNOWN, .doubt = why};
}

/* The claim that stands for this domain: its own, or its stub domain's. One that tells the guest's
 * address wins. */
const struct pci_claim *ownership_claim(const struct pci_function *function,
                                        const struct assignment *assignment, uint32_t domid)
{
    size_t count;
    const struct pci_claim *claims = assignment_claims(assignment, function->sbdf, &count);
    const struct pci_claim *best = NULL;

    for (size_t i = 0; i < count; i++) {
        if (claims[i].serves != domid)
            continue;
        if (!best || (claims[i].has_vdevfn && !best->has_vdevfn))
            best = &claims[i];
    }
    return best;
}

/* Some other live domain's backend names the device as well, and not as one that was let go. */
static bool is_contested(const struct pci_claim *claims, size_t count, uint32_t serves,
                         const struct domain_list *domains)
{
    for (size_t i = 0; i < count; i++)
        if (claims[i].serves != serves && is_alive(domains, claims[i].domid) &&
            is_held(&claims[i]) && claims[i].backend < XENBUS_CLOSING)
            return true;
    return false;
}

static struct ownership guest(const struct domain *domain)
{
    struct ownership owner = {.kind = OWNER_GUEST, .guest = domain->kind, .domid = domain->domid};

    memcpy(owner.handle, domain->handle, sizeof(owner.handle));
    return owner;
}

/* libxl announces that it takes a device back only where the backend of a PV domain is connected;
 * behind a stub domain that is the stub's. */
static bool is_unannounced(const struct pci_claim *claim, const struct domain_list *domains)
{
    const struct domain *frontend = domain_list_find(domains, claim->domid);
    const struct domain *served = domain_list_find(domains, claim->serves);

    return frontend->paused || served->paused ||
           (frontend->kind == GUEST_KIND_PV && claim->backend != XENBUS_CONNECTED);
}

/* Of all claims for this domain: none may be on its way out. */
static enum owner_doubt check_claims(const struct pci_claim *claims, size_t count, uint32_t domid,
                                     const struct domain_list *domains)
{
    for (size_t i = 0; i < count; i++) {
        if (claims[i].serves != domid)
            continue;
        if (!is_alive(domains, claims[i].domid))
            return DOUBT_OWNER_DOWN;
        if (!is_held(&claims[i]))
            return DOUBT_LEAVING;
    }
    return is_contested(claims, count, domid, domains) ? DOUBT_CONFLICT : DOUBT_NONE;
}

static struct ownership resolve_recorded(const struct pci_function *function,
                                         const struct pci_record *record,
                                         const struct assignment *assignment,
                                         const struct domain_list *domains)
{
    size_t count;
    const struct pci_claim *claims = assignment_claims(assignment, function->sbdf, &count);
    const struct pci_claim *claim;
    struct ownership owner;
    enum owner_doubt why;

    if (record->malformed)
        return doubt(DOUBT_MALFORMED);
    if (!is_alive(domains, record->domid))
        return doubt(DOUBT_OWNER_DOWN);
    claim = ownership_claim(function, assignment, record->domid);
    if (!claim)
        return doubt(DOUBT_INCOMPLETE);
    why = check_claims(claims, count, record->domid, domains);
    if (why != DOUBT_NONE)
        return doubt(why);
    /* What a guest has is with pciback: this may be another device at the address of an old one. */
    if (!ownership_is_assignable(function))
        return doubt(DOUBT_OTHER_DEVICE);
    owner = guest(domain_list_find(domains, record->domid));
    owner.unannounced = is_unannounced(claim, domains);
    return owner;
}

static struct ownership resolve_unrecorded(const struct pci_function *function,
                                           const struct pci_record *record,
                                           const struct assignment *assignment,
                                           const struct domain_list *domains)
{
    bool recorded = record && record->has_driver_path;
    size_t count;
    const struct pci_claim *claims = assignment_claims(assignment, function->sbdf, &count);

    /* libxl's record goes last, so a live claim without one is no libxl's, or half gone. */
    if (is_contested(claims, count, DOMID_NOBODY, domains))
        return doubt(DOUBT_NO_RECORD);
    /* An empty record says nothing: libxl leaves it behind when a device goes back to dom0. */
    if (ownership_is_assignable(function))
        return recorded ? (struct ownership){.kind = OWNER_NONE} : doubt(DOUBT_HIDDEN);
    /* Between pciback and the driver it is to return to. */
    if (recorded && !function->driver[0])
        return doubt(DOUBT_UNBOUND);
    return (struct ownership){.kind = OWNER_DOM0};
}

struct ownership ownership_resolve(const struct pci_function *function,
                                   const struct assignment *assignment,
                                   const struct domain_list *domains)
{
    const struct pci_record *record = assignment_record(assignment, function->sbdf);

    if (record && record->has_domid)
        return resolve_recorded(function, record, assignment, domains);
    return resolve_unrecorded(function, record, assignment, domains);
}

static int compare_record_with_path(const void *key, const void *item)
{
    return strcmp(key, ((const struct dt_record *)item)->path);
}

const struct dt_record *dt_records_find(const struct dt_records *records, const char *path,
                                        size_t *count)
{
    size_t first = search_first(path, records->records, records->count, sizeof(*records->records),
                                compare_record_with_path);
    size_t end = first;

    while (end < records->count && strcmp(records->records[end].path, path) == 0)
        end++;
    *count = end - first;
    return records->records + first;
}

/* A record outlives its domain when libxl had no chance to remove it, and the next domain of that
 * number is another one. */
static bool is_current(uint32_t domid, const uint8_t handle[16], const struct domain_list *domains)
{
    const struct domain *domain = domain_list_find(domains, domid);

    return domain && memcmp(domain->handle, handle, sizeof(domain->handle)) == 0;
}

/* May some domain have a device that no record names? */
static bool is_unread(const struct dt_records *records, const struct domain_list *domains)
{
    for (size_t i = 0; i < records->unread_count; i++)
        if (is_current(records->unread[i].domid, records->unread[i].handle, domains))
            return true;
    return records->incomplete;
}

struct ownership ownership_resolve_dt(const struct dt_entry *entry,
                                      const struct dt_records *records,
                                      const struct domain_list *domains)
{
    const struct dt_record *owner = NULL;
    size_t count;
    const struct dt_record *found = dt_records_find(records, entry->path, &count);

    for (size_t i = 0; i < count; i++) {
        if (!is_current(found[i].domid, found[i].handle, domains))
            continue;
        if (owner)
            return doubt(DOUBT_CONFLICT);
        owner = &found[i];
    }
    if (owner && !is_alive(domains, owner->domid))
        return doubt(DOUBT_OWNER_DOWN);
    if (owner)
        return guest(domain_list_find(domains, owner->domid));
    if (is_unread(records, domains))
        return doubt(DOUBT_UNREADABLE);
    /* Set aside for a guest: Xen keeps it from dom0, to which it shows it as disabled. */
    if (entry->node && (entry->node->passthrough || !entry->node->enabled))
        return (struct ownership){.kind = OWNER_NONE};
    /* One that came with an overlay may be set aside just as well: its properties are not read. */
    return entry->node ? (struct ownership){.kind = OWNER_DOM0} : doubt(DOUBT_NO_RECORD);
}

bool ownership_same(const struct ownership *a, const struct ownership *b)
{
    return a->kind == b->kind && a->doubt == b->doubt && a->guest == b->guest &&
           a->domid == b->domid && memcmp(a->handle, b->handle, sizeof(a->handle)) == 0;
}

bool claim_guest_address(const struct pci_claim *claim, const struct domain_list *domains,
                         uint32_t *sbdf)
{
    const struct domain *domain = domain_list_find(domains, claim->serves);

    if (!domain)
        return false;
    if (domain->kind == GUEST_KIND_PV) {
        /* A stub domain's own address means nothing to the domain it serves. */
        *sbdf = claim->vdev;
        return claim->has_vdev && claim->serves == claim->domid;
    }
    *sbdf = claim->vdevfn;
    return claim->has_vdevfn;
}

/* FNV-1a. The sum of them does not depend on their order. */
#define HASH_START 0xcbf29ce484222325u
#define HASH_PRIME 0x100000001b3u

static uint64_t hash(uint64_t start, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        start = (start ^ ((const uint8_t *)bytes)[i]) * HASH_PRIME;
    return start;
}

uint64_t ownership_place(const struct pci_function *function, const struct assignment *assignment,
                         const struct domain_list *domains, uint32_t domid)
{
    uint64_t place = 0;
    size_t count;
    const struct pci_claim *claims = assignment_claims(assignment, function->sbdf, &count);

    for (size_t i = 0; i < count; i++) {
        uint32_t address;

        if (claims[i].serves == domid && claim_guest_address(&claims[i], domains, &address))
            place += hash(HASH_START, &address, sizeof(address));
    }
    return place;
}

uint64_t ownership_place_dt(const char *path, const struct dt_records *records,
                            const struct ownership *owner)
{
    uint64_t place = 0;
    size_t count;
    const struct dt_record *found = dt_records_find(records, path, &count);

    for (size_t i = 0; i < count; i++) {
        const char *guest_path = found[i].guest_path ? found[i].guest_path : "";

        if (found[i].domid == owner->domid &&
            memcmp(found[i].handle, owner->handle, sizeof(owner->handle)) == 0)
            place += hash(hash(HASH_START, &found[i].where, sizeof(found[i].where)), guest_path,
                          strlen(guest_path));
    }
    return place;
}

/* SPDX-License-Identifier: MIT */
/* What the toolstack leaves in XenStore of PCI assignment, as hostile bytes: pciback's directories
 * and libxl's records. Each line is "PATH=VALUE", which writes a node, "-PATH", which removes one,
 * or "?", upon which the observer takes in its events and reads what they were about. */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>

#include "fake_xenstore.h"
#include "log.h"
#include "observe/assignment.h"

#define BACKEND   "/local/domain/0/backend/pci"
#define LIBXL     "/libxl/pci"
#define LINES_MAX 64
#define PATH_SIZE 100 /* what the store in memory keeps */

static struct pci_function functions[] = {
    {.sbdf = 0x20}, {.sbdf = 0x28}, {.sbdf = 0x30}, {.sbdf = 0x11fff}};
static const struct pci_topology topology = {.functions = functions,
                                             .count = sizeof(functions) / sizeof(functions[0])};
static struct domain known_domains[] = {{.domid = 1}, {.domid = 3}};
static const struct domain_list domains = {known_domains, 2};

static bool same_claim(const struct pci_claim *a, const struct pci_claim *b)
{
    return a->sbdf == b->sbdf && a->domid == b->domid && a->serves == b->serves &&
           a->state == b->state && a->backend == b->backend && a->has_vdev == b->has_vdev &&
           (!a->has_vdev || a->vdev == b->vdev) && a->has_vdevfn == b->has_vdevfn &&
           a->vdevfn == b->vdevfn;
}

static bool same_record(const struct pci_record *a, const struct pci_record *b)
{
    return a->sbdf == b->sbdf && a->present == b->present &&
           a->has_driver_path == b->has_driver_path && a->has_domid == b->has_domid &&
           a->malformed == b->malformed && a->domid == b->domid;
}

/* What events led to is what a first look gives. */
static void require_same(const struct assignment *a, const struct assignment *b)
{
    require(a->claim_count == b->claim_count && a->record_count == b->record_count);
    for (size_t i = 0; i < a->claim_count; i++)
        require(same_claim(&a->claims[i], &b->claims[i]));
    for (size_t i = 0; i < a->record_count; i++)
        require(same_record(&a->records[i], &b->records[i]));
}

static bool holds_number(const char *directory, const char *name, unsigned long number)
{
    char path[2 * PATH_SIZE], text[24];
    const char *value;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    value = fake_get(path);
    snprintf(text, sizeof(text), "%lu", number);
    return value && strcmp(value + strspn(value, "0"), number ? text : "") == 0;
}

/* Whether one entry of a directory says all that a claim does. */
static bool bears_out(const char *directory, unsigned int index, const struct pci_claim *claim)
{
    unsigned int segment, bus, device, function;
    char path[2 * PATH_SIZE], name[32];
    const char *value;

    snprintf(path, sizeof(path), "%s/dev-%u", directory, index);
    value = fake_get(path);
    if (!value || sscanf(value, "%x:%x:%x.%x", &segment, &bus, &device, &function) != 4 ||
        claim->sbdf != (segment << 16 | bus << 8 | device << 3 | function))
        return false;
    snprintf(name, sizeof(name), "state-%u", index);
    if (claim->state && !holds_number(directory, name, claim->state))
        return false;
    return !claim->backend || holds_number(directory, "state", claim->backend);
}

static bool is_founded(const struct pci_claim *claim)
{
    static const char *const devids[] = {"0", "1"};
    char directory[64];

    for (size_t i = 0; i < 2; i++) {
        snprintf(directory, sizeof(directory), BACKEND "/%u/%s", claim->domid, devids[i]);
        for (unsigned int index = 0; index < LINES_MAX; index++)
            if (bears_out(directory, index, claim))
                return true;
    }
    return false;
}

static void check(const struct assignment *assignment)
{
    size_t count;

    require(assignment->record_count == topology.count);
    for (size_t i = 0; i < assignment->record_count; i++) {
        const struct pci_record *record = &assignment->records[i];

        require(record->sbdf == functions[i].sbdf);
        require(record->present || (!record->has_domid && !record->has_driver_path));
        require(record->has_domid || (!record->malformed && !record->domid));
        require(!record->domid || (record->domid < 0x7ff0 && !record->malformed));
    }
    for (size_t i = 0; i < assignment->claim_count; i++) {
        const struct pci_claim *claim = &assignment->claims[i];
        const struct pci_claim *found = assignment_claims(assignment, claim->sbdf, &count);

        require(i == 0 || claim[-1].sbdf <= claim->sbdf);
        require(found <= claim && claim < found + count);
        require(claim->domid < 0x7ff0 && claim->state <= 255 && claim->backend <= 255);
        require(is_founded(claim));
    }
}

static void refresh(struct assignment_observer *observer, struct store *store)
{
    char **event;

    while (store_next_event(store, &event) == 1) {
        require(assignment_observer_event(observer, event[XS_WATCH_PATH], event[XS_WATCH_TOKEN]));
        free(event);
    }
    require(assignment_observer_refresh(observer, &topology, &domains) >= 0);
    check(assignment_observer_get(observer));
}

/* A stub domain's target is there before it gets a device, and is not watched. */
static bool is_ours(const char *path)
{
    if (strcmp(path, "/local/domain/3/target") == 0)
        return fake_count(BACKEND) == 0;
    return strncmp(path, BACKEND "/", strlen(BACKEND "/")) == 0 ||
           strncmp(path, LIBXL "/", strlen(LIBXL "/")) == 0;
}

/* A directory of another number than these two is not looked up by is_founded(). */
static bool is_device_number(const char *path)
{
    unsigned int domid, device;
    char end = '/';

    return strncmp(path, BACKEND "/", strlen(BACKEND "/")) != 0 ||
           (sscanf(path + strlen(BACKEND "/"), "%5u/%3u%c", &domid, &device, &end) >= 2 &&
            device < 2 && end == '/');
}

static void take_line(struct fuzz_text line, struct assignment_observer *observer,
                      struct store *store)
{
    struct fuzz_text value;
    char path[PATH_SIZE];

    if (line.size == 1 && line.bytes[0] == '?') {
        refresh(observer, store);
    } else if (line.size > 1 && line.size < PATH_SIZE && line.bytes[0] == '-') {
        memcpy(path, line.bytes + 1, line.size - 1);
        path[line.size - 1] = '\0';
        if (is_ours(path))
            fake_remove(path);
    } else if (fuzz_node(line, path, sizeof(path), &value) && is_ours(path) &&
               is_device_number(path)) {
        fake_put_bytes(path, value.bytes, value.size);
    }
}

/* Upon an error nothing is half read, and the next look makes it good. */
static void fail_once(struct assignment_observer *observer)
{
    const struct assignment *assignment = assignment_observer_get(observer);
    size_t claims = assignment->claim_count;

    assignment_observer_touch(observer);
    fake_fail("end", EIO, 1);
    require(assignment_observer_refresh(observer, &topology, &domains) == -EIO);
    require(assignment->claim_count == claims);
    require(assignment_observer_refresh(observer, &topology, &domains) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_text rest = {(const char *)data, size}, line;
    struct assignment_observer *observer, *fresh;
    struct store *store;

    log_set_level(LOG_LEVEL_ERROR);
    fake_reset();
    require(store_new(&store) == 0 && store_connect(store) == 0);
    require(assignment_observer_open(&observer, store) == 0);
    require(assignment_observer_connect(observer) == 0);
    for (int i = 0; i < LINES_MAX && fuzz_cut(&rest, '\n', &line); i++)
        take_line(line, observer, store);
    refresh(observer, store);
    require(assignment_observer_open(&fresh, store) == 0);
    assignment_observer_touch(fresh);
    require(assignment_observer_refresh(fresh, &topology, &domains) == 1);
    require_same(assignment_observer_get(observer), assignment_observer_get(fresh));
    fail_once(observer);
    require_same(assignment_observer_get(observer), assignment_observer_get(fresh));
    assignment_observer_close(fresh);
    assignment_observer_close(observer);
    store_free(store);
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPTS 32

/* One reading. The first error ends it. */
struct reading {
    struct tree *tree;
    struct store *store;
    xs_transaction_t tx;
    int error;
    char uuid[UUID_SIZE];
};

static char *read_value(struct reading *reading, const char *dir, const char *name)
{
    char path[XENIOMMU_KEY_SIZE + 128], *value;

    if (reading->error)
        return NULL;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    value = store_read(reading->store, reading->tx, path);
    if (!value && errno != ENOENT)
        reading->error = -errno;
    return value;
}

static char **read_names(struct reading *reading, const char *dir, unsigned int *count)
{
    char **names;

    *count = 0;
    if (reading->error)
        return NULL;
    names = store_list(reading->store, reading->tx, dir, count);
    if (!names) {
        *count = 0;
        if (errno != ENOENT)
            reading->error = -errno;
    }
    return names;
}

static void add_claim(struct reading *reading, const struct claim *claim)
{
    struct tree *tree = reading->tree;

    if (tree->count == tree->size) {
        tree->size = tree->size ? 2 * tree->size : 16;
        tree->standing = realloc(tree->standing, tree->size * sizeof(*tree->standing));
        if (!tree->standing)
            err(2, "no memory");
    }
    tree->standing[tree->count++] = (struct standing){.claim = *claim};
}

static int parse_owner(const char *text)
{
    char *end;
    long owner;

    if (!text || strcmp(text, "none") == 0)
        return text ? OWNER_NOBODY : OWNER_NONE;
    owner = strtol(text, &end, 10);
    return end == text || *end || owner < 0 || owner > 0x7ff0 ? OWNER_NONE : (int)owner;
}

/* Everything that one record promises. */
static void read_record(struct reading *reading, const char *path, const char *device)
{
    struct claim claim = {.tree = reading->tree->domid, .owner = reading->tree->domid};
    char *state = read_value(reading, path, "state");
    char *swiotlb = read_value(reading, path, "swiotlb");
    char *owner = claim.tree == TREE_HOST ? read_value(reading, path, "owner") : NULL;

    if (claim.tree == TREE_HOST)
        claim.owner = parse_owner(owner);
    snprintf(claim.device, sizeof(claim.device), "%s", device);
    memcpy(claim.uuid, reading->uuid, sizeof(claim.uuid));
    if (state)
        claim.state = xeniommu_parse_state(state, strlen(state));
    if (claim.state == XENIOMMU_PROTECTED || claim.state == XENIOMMU_RELAXED ||
        claim.state == XENIOMMU_QUARANTINED)
        add_claim(reading, &claim);
    claim.state = XENIOMMU_UNKNOWN;
    claim.kind = CLAIM_SKIP;
    if (swiotlb && strcmp(swiotlb, "skip") == 0)
        add_claim(reading, &claim);
    claim.kind = CLAIM_RECORD;
    if (claim.tree > 0 && device[0] != '/')
        add_claim(reading, &claim);
    free(state);
    free(swiotlb);
    free(owner);
}

static void read_pci(struct reading *reading, const char *root)
{
    char dir[128], path[256], device[32];
    unsigned int count;
    char **names;

    snprintf(dir, sizeof(dir), "%s/pci", root);
    names = read_names(reading, dir, &count);
    for (unsigned int i = 0; i < count; i++) {
        uint32_t sbdf;

        if (xeniommu_pci_parse(names[i], strlen(names[i]), &sbdf))
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        snprintf(device, sizeof(device), "%04x:%02x:%02x.%x", sbdf >> 16, sbdf >> 8 & 0xff,
                 sbdf >> 3 & 0x1f, sbdf & 7);
        read_record(reading, path, device);
    }
    free(names);
}

/* A directory below dt/ that has a "state" is a record; there may be others below it. */
static void read_dt(struct reading *reading, const char *dir, size_t skipped)
{
    char path[XENIOMMU_KEY_SIZE + 128], device[DEVICE_SIZE];
    unsigned int count;
    char **names = read_names(reading, dir, &count);

    for (unsigned int i = 0; i < count; i++) {
        if (strcmp(names[i], "state") == 0 &&
            xeniommu_decode_path(dir + skipped, device, sizeof(device)) >= 0)
            read_record(reading, dir, device);
        if (xeniommu_is_field_(names[i], strlen(names[i])))
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        read_dt(reading, path, skipped);
    }
    free(names);
}

static void add_slot(struct reading *reading, const char *address, const char *device)
{
    struct slot slot = {.uuid = ""};
    struct tree *tree = reading->tree;

    memcpy(slot.uuid, reading->uuid, sizeof(slot.uuid));
    snprintf(slot.address, sizeof(slot.address), "%s", address);
    snprintf(slot.device, sizeof(slot.device), "%s", device);
    for (size_t i = 0; i < tree->slot_count; i++)
        if (memcmp(&tree->slots[i], &slot, sizeof(slot)) == 0)
            return;
    tree->slots = realloc(tree->slots, (tree->slot_count + 1) * sizeof(slot));
    if (!tree->slots)
        err(2, "no memory");
    tree->slots[tree->slot_count++] = slot;
}

/* Where the guest sees a device of its backend: pciback's word, or libxl's of an HVM guest. */
static void read_slot(struct reading *reading, const char *dir, const char *index)
{
    char name[64], address[32], *device, *vdev, *vdevfn;
    unsigned int seg, bus, dev, fn;

    snprintf(name, sizeof(name), "dev-%s", index);
    device = read_value(reading, dir, name);
    snprintf(name, sizeof(name), "vdev-%s", index);
    vdev = read_value(reading, dir, name);
    snprintf(name, sizeof(name), "vdevfn-%s", index);
    vdevfn = read_value(reading, dir, name);
    if (device && vdev && sscanf(vdev, "%x:%x:%x.%x", &seg, &bus, &dev, &fn) == 4) {
        snprintf(address, sizeof(address), "%04x:%02x:%02x.%x", seg & 0xffff, bus & 0xff,
                 dev & 0x1f, fn & 7);
        add_slot(reading, address, device);
    }
    if (device && vdevfn && sscanf(vdevfn, "%x", &dev) == 1) {
        snprintf(address, sizeof(address), "0000:00:%02x.%x", dev >> 3 & 0x1f, dev & 7);
        add_slot(reading, address, device);
    }
    free(device);
    free(vdev);
    free(vdevfn);
}

static void read_slots(struct reading *reading)
{
    unsigned int count, backends;
    char dir[128], path[256], **names, **backend;

    snprintf(dir, sizeof(dir), "/local/domain/0/backend/pci/%d", reading->tree->domid);
    backend = read_names(reading, dir, &backends);
    for (unsigned int i = 0; i < backends; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, backend[i]);
        names = read_names(reading, path, &count);
        for (unsigned int j = 0; j < count; j++)
            if (strncmp(names[j], "dev-", 4) == 0)
                read_slot(reading, path, names[j] + 4);
        free(names);
    }
    free(backend);
}

/* Whose home this is, and whether it is one at all. */
static void read_home(struct reading *reading)
{
    struct claim claim = {.kind = CLAIM_TREE, .tree = reading->tree->domid};
    char home[64], *vm, *domid, *name;

    snprintf(home, sizeof(home), "/local/domain/%d", reading->tree->domid);
    vm = read_value(reading, home, "vm");
    domid = read_value(reading, home, "domid");
    name = read_value(reading, home, "name");
    if (vm && strncmp(vm, "/vm/", 4) == 0)
        snprintf(reading->uuid, sizeof(reading->uuid), "%s", vm + 4);
    memcpy(claim.uuid, reading->uuid, sizeof(claim.uuid));
    claim.homeless = !vm && !domid && !name;
    add_claim(reading, &claim);
    free(vm);
    free(domid);
    free(name);
}

static void read_all(struct reading *reading)
{
    struct tree *tree = reading->tree;
    char root[64], dt[80], *status, *version;

    if (tree->domid == TREE_HOST)
        snprintf(root, sizeof(root), "%s", XENIOMMU_HOST_DIR);
    else
        snprintf(root, sizeof(root), "/local/domain/%d/%s", tree->domid, XENIOMMU_DIR);
    status = read_value(reading, root, "status");
    version = read_value(reading, root, "version");
    free(tree->generation);
    tree->generation = read_value(reading, root, "generation");
    if (tree->domid > 0 && (status || version || tree->generation))
        read_home(reading);
    if (tree->domid > 0)
        read_slots(reading);
    /* In any other state of the tree its records claim nothing: docs/xenstore.md */
    if (status && version && strcmp(version, XENIOMMU_ABI_VERSION) == 0 &&
        xeniommu_parse_ready(status, strlen(status))) {
        add_claim(reading, &(struct claim){.kind = CLAIM_READY, .tree = tree->domid});
        read_pci(reading, root);
        snprintf(dt, sizeof(dt), "%s/dt", root);
        read_dt(reading, dt, strlen(dt));
    }
    free(status);
    free(version);
}

static int read_once(struct tree *tree, struct store *store)
{
    struct reading reading = {.tree = tree, .store = store};

    tree->count = 0;
    reading.tx = store_begin(store);
    if (reading.tx == XBT_NULL)
        return -errno;
    read_all(&reading);
    if (!store_end(store, reading.tx, reading.error != 0) && !reading.error)
        reading.error = -errno;
    if (reading.error)
        tree->count = 0;
    return reading.error;
}

int tree_read(struct tree *tree, struct store *store)
{
    int rc = -EAGAIN;

    tree->standing = NULL;
    tree->size = 0;
    for (int attempt = 0; rc == -EAGAIN && attempt < ATTEMPTS; attempt++) {
        tree->read_at = now_ns();
        rc = read_once(tree, store);
    }
    tree->valid_from = tree->read_at;
    tree->valid_at = now_ns();
    return rc;
}

void tree_free(struct tree *tree)
{
    free(tree->generation);
    free(tree->standing);
    free(tree->slots);
}

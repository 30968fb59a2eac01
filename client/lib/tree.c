/* SPDX-License-Identifier: MIT */
#include "tree.h"
#include "guest_name.h"
#include "liveness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>
#include <xeniommu-schema.h>

/* A device is read again when the tree changed under it; each round needs a change within the
 * time of a few requests, so this many in a row do not happen by chance. */
#define READ_ATTEMPTS 16

#define PATH_SIZE (XENSTORE_ABS_PATH_MAX + 1)

void tree_clear_info(struct xeniommu_info *info)
{
    *info = (struct xeniommu_info){.state = XENIOMMU_UNKNOWN, .group = -1};
}

void tree_init(struct tree *tree, struct store *store, const char *root)
{
    *tree = (struct tree){.store = store};
    snprintf(tree->root, sizeof(tree->root), "%s", root);
}

static bool is_host(const struct tree *tree)
{
    return strcmp(tree->root, XENIOMMU_HOST_DIR) == 0;
}

/* Reads directory/name as a string of printable characters, "" where it holds anything else or
 * more than fits. -ENOENT: absent. */
static int read_node(struct tree *tree, const char *directory, const char *name, char *text,
                     size_t size)
{
    char path[PATH_SIZE + 16];
    struct store_value value;
    size_t i;
    int rc;

    text[0] = '\0';
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    rc = store_read(tree->store, path, &value);
    if (rc != 0)
        return rc;
    for (i = 0; i < value.len && value.data[i] > ' ' && value.data[i] < 0x7f; i++)
        continue;
    if (i == value.len && value.len < size)
        memcpy(text, value.data, value.len + 1);
    free(value.data);
    return 0;
}

/* As read_node(), but an absent node is "" as well. */
static int read_optional(struct tree *tree, const char *directory, const char *name, char *text,
                         size_t size)
{
    int rc = read_node(tree, directory, name, text, size);

    return rc == -ENOENT ? 0 : rc;
}

static int read_head(struct tree *tree)
{
    int rc;

    /* The generation comes first, so that whatever is read later is not older. */
    rc = read_optional(tree, tree->root, "generation", tree->generation, sizeof(tree->generation));
    if (rc == 0)
        rc = read_optional(tree, tree->root, "version", tree->version, sizeof(tree->version));
    if (rc == 0)
        rc = read_optional(tree, tree->root, "status", tree->status, sizeof(tree->status));
    if (rc == 0 && is_host(tree))
        rc = read_optional(tree, tree->root, "iommu", tree->iommu, sizeof(tree->iommu));
    return rc;
}

int tree_refresh(struct tree *tree)
{
    int rc = read_head(tree);

    tree->gone = false;
    if (rc != 0)
        return rc;
    if (tree->version[0] == '\0')
        return -EAGAIN;
    if (strcmp(tree->version, XENIOMMU_ABI_VERSION) != 0)
        return -EPROTO;
    if (tree->generation[0] == '\0' || !xeniommu_parse_ready(tree->status, strlen(tree->status)))
        return -EAGAIN;
    rc = tree->doubts ? liveness_check(tree->store) : 0;
    tree->gone = rc == -EAGAIN;
    return rc;
}

/* 1 if the tree is as it was at the last tree_refresh(), 0 if not, or an error. */
static int is_unchanged(struct tree *tree)
{
    char generation[sizeof(tree->generation)];
    int rc = read_optional(tree, tree->root, "generation", generation, sizeof(generation));

    return rc != 0 ? rc : strcmp(generation, tree->generation) == 0;
}

static int32_t parse_group(const char *text)
{
    int64_t value = 0;

    if (*text == '\0')
        return -1;
    for (; *text >= '0' && *text <= '9' && value <= INT32_MAX; text++)
        value = value * 10 + (*text - '0');
    return *text == '\0' && value <= INT32_MAX ? (int32_t)value : -1;
}

/* The device's directory, with the key's own first component replaced by the tree's root. */
static int device_directory(const struct tree *tree, const struct xeniommu_device *device,
                            char path[PATH_SIZE])
{
    char key[XENIOMMU_KEY_SIZE];
    int len = device->bus == XENIOMMU_BUS_PCI
                  ? xeniommu_pci_key(device->sbdf, NULL, key, sizeof(key))
                  : xeniommu_dt_key(device->path, NULL, key, sizeof(key));

    if (len < 0)
        return -EINVAL;
    len = snprintf(path, PATH_SIZE, "%s%s", tree->root, key + strlen(XENIOMMU_DIR));
    /* The longest field must still fit below it. */
    return len <= XENSTORE_REL_PATH_MAX - (int)sizeof("/swiotlb") ? 0 : -EINVAL;
}

static int read_fields(struct tree *tree, const char *directory, struct tree_record *record)
{
    struct xeniommu_info *info = &record->info;
    char text[64];
    int rc;

    rc = read_node(tree, directory, "state", text, sizeof(text));
    if (rc != 0)
        return rc;
    info->state = xeniommu_parse_state(text, strlen(text));
    rc = read_optional(tree, directory, "swiotlb", text, sizeof(text));
    info->skip_swiotlb = xeniommu_parse_skip(info->state, text, strlen(text));
    if (rc == 0)
        rc = read_optional(tree, directory, "group", text, sizeof(text));
    info->group = parse_group(text);
    if (rc == 0)
        rc = read_optional(tree, directory, "reason", info->reason, sizeof(info->reason));
    return rc;
}

/* A list that makes no sense must not look like an empty one: there are limits. */
static void note_limits(const struct store_value *value, char *text, size_t size)
{
    size_t i;

    for (i = 0; i < value->len && value->data[i] >= ' ' && value->data[i] < 0x7f; i++)
        continue;
    if (i == value->len && value->len < size)
        memcpy(text, value->data, value->len + 1);
    else
        snprintf(text, size, DETAILS_MALFORMED);
}

/* Only these leave something out; no other is worth a request. */
static bool has_limits(const struct xeniommu_info *info)
{
    return info->state == XENIOMMU_PROTECTED || info->state == XENIOMMU_RELAXED;
}

static int read_limits(struct tree *tree, const char *directory, struct tree_record *record)
{
    struct xeniommu_info *info = &record->info;
    char path[PATH_SIZE + 16];
    struct store_value value;
    int rc;

    if (!has_limits(info) && record->details == NULL)
        return 0;
    snprintf(path, sizeof(path), "%s/" XENIOMMU_LIMITS_NODE, directory);
    rc = store_read(tree->store, path, &value);
    if (rc != 0)
        return rc == -ENOENT ? 0 : rc;
    if (has_limits(info))
        info->limits = xeniommu_parse_limits(value.data, value.len);
    if (record->details != NULL)
        note_limits(&value, record->details->limits, sizeof(record->details->limits));
    free(value.data);
    return 0;
}

/* The facts are words for people, but for this one. */
static int read_guest(struct tree *tree, const char *directory, enum xeniommu_bus bus,
                      struct device_details *details)
{
    char path[PATH_SIZE + 16];
    struct store_value facts;
    int rc;

    snprintf(path, sizeof(path), "%s/facts", directory);
    rc = store_read(tree->store, path, &facts);
    if (rc != 0)
        return rc == -ENOENT ? 0 : rc;
    details->has_guest = guest_name_find(facts.data, facts.len, bus, &details->guest,
                                         tree->guest_path, sizeof(tree->guest_path));
    free(facts.data);
    return 0;
}

/* A domain's number, which is not dom0's. */
static bool is_guest(const char *owner)
{
    return owner[0] >= '1' && owner[0] <= '9' && owner[strspn(owner, "0123456789")] == '\0';
}

static int read_details(struct tree *tree, const char *directory, enum xeniommu_bus bus,
                        struct device_details *details)
{
    int rc;

    if (!is_host(tree))
        return 0;
    rc = read_optional(tree, directory, "owner", details->owner, sizeof(details->owner));
    if (rc == 0)
        rc = read_optional(tree, directory, "iommu", details->iommu, sizeof(details->iommu));
    return rc == 0 && is_guest(details->owner) ? read_guest(tree, directory, bus, details) : rc;
}

static void clear_record(struct tree_record *record, const struct xeniommu_device *device)
{
    record->device = *device;
    record->absent = false;
    tree_clear_info(&record->info);
    if (record->details != NULL)
        *record->details = (struct device_details){0};
}

/* The fields are separate nodes, and a downgrade may be committed between two reads. It moves the
 * generation in the same transaction, so if that reads the same before and after, no change fell
 * between: neither a half-written record nor a status that belongs to another moment. A transaction
 * of our own would prove the same at the price of two more requests, and a guest has few of them.
 */
int tree_read(struct tree *tree, const struct xeniommu_device *device, struct tree_record *record)
{
    char directory[PATH_SIZE];
    int attempt, found, rc;

    clear_record(record, device);
    rc = device_directory(tree, device, directory);
    for (attempt = 0; rc == 0 && attempt < READ_ATTEMPTS; attempt++) {
        found = read_fields(tree, directory, record);
        if (found == 0)
            found = read_limits(tree, directory, record);
        if (found == 0 && record->details != NULL)
            found = read_details(tree, directory, device->bus, record->details);
        rc = found == 0 || found == -ENOENT ? is_unchanged(tree) : found;
        if (rc == 1 && found == 0)
            return 0;
        rc = rc == 1 ? found : rc;
        clear_record(record, device);
        if (rc == 0)
            rc = tree_refresh(tree);
    }
    return rc == 0 ? -EAGAIN : rc;
}

/* Whether tree_load() was asked for this device; 1, 0, or an error. One read in place of the
 * record's eight. */
static int is_wanted(struct tree *tree, const struct xeniommu_device *device)
{
    char directory[PATH_SIZE], owner[sizeof(tree->only_owner)];
    int rc;

    if (tree->only_owner[0] == '\0')
        return 1;
    rc = device_directory(tree, device, directory);
    if (rc == 0)
        rc = read_optional(tree, directory, "owner", owner, sizeof(owner));
    return rc != 0 ? rc : strcmp(owner, tree->only_owner) == 0;
}

/* Reads a device and adds it; one that went meanwhile is left out. */
static int load_device(struct tree *tree, const struct xeniommu_device *device,
                       struct tree_list *list)
{
    struct device_details details;
    struct tree_record record = {.details = tree->detailed ? &details : NULL};
    int rc = is_wanted(tree, device);

    if (rc != 1)
        return rc;
    rc = tree_read(tree, device, &record);
    if (rc == 0)
        return tree_list_add(list, &record);
    return rc == -ENOENT ? 0 : rc;
}

static int load_pci(struct tree *tree, struct tree_list *list)
{
    struct xeniommu_device device = {.bus = XENIOMMU_BUS_PCI};
    char path[PATH_SIZE];
    char **names = NULL;
    unsigned int count, i;
    int rc;

    snprintf(path, sizeof(path), "%s/pci", tree->root);
    rc = store_list(tree->store, path, &names, &count);
    for (i = 0; rc == 0 && i < count; i++)
        if (xeniommu_pci_parse(names[i], strlen(names[i]), &device.sbdf) == 0)
            rc = load_device(tree, &device, list);
    free(names);
    return rc == -ENOENT ? 0 : rc;
}

static int load_dt_device(struct tree *tree, const char *encoded, struct tree_list *list)
{
    struct xeniommu_device device = {.bus = XENIOMMU_BUS_DT};
    char decoded[XENIOMMU_KEY_SIZE];

    if (xeniommu_decode_path(encoded, decoded, sizeof(decoded)) < 0)
        return 0;
    device.path = decoded;
    return load_device(tree, &device, list);
}

/* path, of length len, is a directory below root/dt; a device if it has a state. A longer path than
 * the buffer holds cannot exist in XenStore. */
static int load_dt(struct tree *tree, char path[PATH_SIZE], size_t len, struct tree_list *list)
{
    size_t top = strlen(tree->root) + strlen("/dt/");
    char **names = NULL;
    unsigned int count, i;
    int rc;

    rc = store_list(tree->store, path, &names, &count);
    for (i = 0; rc == 0 && i < count; i++) {
        size_t child_len = len + 1 + strlen(names[i]);

        if (len > top && strcmp(names[i], "state") == 0) {
            rc = load_dt_device(tree, path + top, list);
        } else if (!xeniommu_is_field_(names[i], strlen(names[i])) && child_len < PATH_SIZE) {
            snprintf(path + len, PATH_SIZE - len, "/%s", names[i]);
            rc = load_dt(tree, path, child_len, list);
            path[len] = '\0';
        }
    }
    free(names);
    return rc == -ENOENT ? 0 : rc;
}

/* The names came over another connection, and may be ahead of the events of this one; behind one
 * more answer they are not. What was read may be of several generations: then tree says the last.
 */
static int finish_load(struct tree *tree)
{
    int rc = is_unchanged(tree);

    if (rc == 0)
        return tree_refresh(tree);
    return rc < 0 ? rc : 0;
}

int tree_load(struct tree *tree, struct tree_list *list)
{
    char path[PATH_SIZE];
    int len, rc;

    *list = (struct tree_list){0};
    rc = tree_refresh(tree);
    if (rc == 0)
        rc = load_pci(tree, list);
    if (rc == 0) {
        len = snprintf(path, sizeof(path), "%s/dt", tree->root);
        rc = load_dt(tree, path, (size_t)len, list);
    }
    if (rc == 0)
        rc = finish_load(tree);
    if (rc != 0) {
        tree_list_free(list);
        return rc;
    }
    tree_list_trim(list);
    return 0;
}

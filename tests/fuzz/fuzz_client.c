/* SPDX-License-Identifier: MIT */
/* What a tree holds, as hostile bytes, and what the library and the header make of it. Each line is
 * "PATH=VALUE", relative to the tree. */
#include "fuzz.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "fake_store.h"
#include "tree.h"

#define LINES_MAX 64
#define DT_PATH   "/soc/nic@1000"

static const struct xeniommu_device devices[] = {
    {.bus = XENIOMMU_BUS_PCI, .sbdf = 0x20},
    {.bus = XENIOMMU_BUS_DT, .path = DT_PATH},
};

static void require_printable(const char *text, size_t size)
{
    require(memchr(text, '\0', size) != NULL);
    for (; *text; text++)
        require(*text >= ' ' && *text < 0x7f);
}

static bool is_plain_unknown(const struct xeniommu_info *info)
{
    return info->state == XENIOMMU_UNKNOWN && !info->skip_swiotlb && info->group == -1 &&
           !info->reason[0];
}

/* A name that can be told in the guest's own tree. */
static void check_guest(enum xeniommu_bus bus, const struct xeniommu_device *guest)
{
    char key[XENIOMMU_KEY_SIZE + sizeof(XENIOMMU_DIR "/dt/")];

    require(guest->bus == bus && (bus == XENIOMMU_BUS_DT) == (guest->path != NULL));
    require(bus == XENIOMMU_BUS_PCI || xeniommu_dt_key(guest->path, NULL, key, sizeof(key)) > 0);
}

static void check_record(const struct tree_record *record)
{
    const struct xeniommu_info *info = &record->info;
    const struct device_details *details = record->details;

    require(info->state <= XENIOMMU_QUARANTINED && info->group >= -1 && !record->absent);
    require(!info->skip_swiotlb || info->state == XENIOMMU_PROTECTED);
    require_printable(info->reason, sizeof(info->reason));
    require_printable(details->limits, sizeof(details->limits));
    require_printable(details->owner, sizeof(details->owner));
    require_printable(details->iommu, sizeof(details->iommu));
    require(details->has_guest || !details->guest.path);
    if (details->has_guest)
        check_guest(record->device.bus, &details->guest);
}

static int read_one(struct tree *tree, const struct xeniommu_device *device,
                    struct tree_record *record, struct device_details *details)
{
    int rc;

    memset(record, 0x5a, sizeof(*record));
    record->details = details;
    rc = tree_read(tree, device, record);
    if (rc != 0)
        require(is_plain_unknown(&record->info));
    else
        check_record(record);
    return rc;
}

/* ------------------------------------------------------------- the header's own way */

static int read_node(void *arg, const char *path, char *value, size_t size)
{
    struct store_value found;
    int rc = store_read(arg, path, &found);

    if (rc != 0)
        return rc;
    memcpy(value, found.data, found.len < size ? found.len : size);
    free(found.data);
    return (int)found.len;
}

/* What the header believes the library does, and says so of the same device. */
static void compare(struct store *store, int ready, int rc, const struct tree_record *record)
{
    struct xeniommu_verdict verdict = {XENIOMMU_PROTECTED, true};
    char key[XENIOMMU_KEY_SIZE];
    int length, answer;

    if (record->device.bus == XENIOMMU_BUS_PCI)
        length = xeniommu_pci_key(record->device.sbdf, NULL, key, sizeof(key));
    else
        length = xeniommu_dt_key(record->device.path, NULL, key, sizeof(key));
    require(length > 0);
    answer = xeniommu_ask(read_node, store, key, sizeof(key), &verdict);
    if (answer == 0) {
        require(ready == 0 && rc == 0);
        require(verdict.state == record->info.state && verdict.skip == record->info.skip_swiotlb);
    } else {
        require(verdict.state == XENIOMMU_UNKNOWN && !verdict.skip);
    }
}

/* ------------------------------------------------------------- the codec */

/* Nothing but what the encoder writes can be decoded. */
static void decode(const char *text)
{
    char path[XENIOMMU_KEY_SIZE], again[XENIOMMU_KEY_SIZE], name[XENIOMMU_PCI_NAME_SIZE];
    uint32_t sbdf;

    if (xeniommu_decode_path(text, path, sizeof(path)) > 0)
        require(xeniommu_encode_path(path, again, sizeof(again)) > 0 && strcmp(text, again) == 0);
    if (xeniommu_pci_parse(text, strlen(text), &sbdf) == 0) {
        xeniommu_pci_name(sbdf, name);
        require(strcmp(text, name) == 0);
    }
}

static void encode(const char *text)
{
    char path[XENIOMMU_KEY_SIZE], encoded[XENIOMMU_KEY_SIZE];

    if (xeniommu_encode_path(text, encoded, sizeof(encoded)) < 0)
        return;
    require(strspn(encoded, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                            "-/_@") == strlen(encoded));
    require(xeniommu_decode_path(encoded, path, sizeof(path)) > 0 && strcmp(path, text) == 0);
}

static void check_limits(const char *text)
{
    unsigned int limits = xeniommu_parse_limits(text, strlen(text));
    char again[XENIOMMU_LIMITS_SIZE];

    require(xeniommu_format_limits(limits, again, sizeof(again)) >= 0);
    require(xeniommu_parse_limits(again, strlen(again)) ==
            (limits & ~(unsigned int)XENIOMMU_LIMIT_UNKNOWN));
}

/* ------------------------------------------------------------- the tree */

static void take_line(const char *root, struct fuzz_text line)
{
    char path[256], *text = fuzz_string(line);
    struct fuzz_text value;

    decode(text);
    encode(text);
    check_limits(text);
    free(text);
    snprintf(path, sizeof(path), "%s/", root);
    if (fuzz_node(line, path + strlen(path), sizeof(path) - strlen(path), &value))
        fake_store_set_bytes(path, value.bytes, value.size);
}

/* Every one of the list is what is read of it alone. */
static void check_list(struct tree *tree, const struct tree_list *list)
{
    struct device_details details;
    struct tree_record record;

    for (size_t i = 0; i < list->count; i++) {
        const struct tree_record *listed = &list->records[i];

        require(i == 0 || tree_compare(&listed[-1].device, &listed->device) < 0);
        require(tree_list_find(list, &listed->device) == listed);
        check_record(listed);
        require(read_one(tree, &listed->device, &record, &details) == 0);
        require(record.info.state == listed->info.state &&
                record.info.skip_swiotlb == listed->info.skip_swiotlb &&
                record.info.group == listed->info.group &&
                strcmp(record.info.reason, listed->info.reason) == 0);
    }
}

static void check_tree(struct store *store, const char *root)
{
    struct device_details details;
    struct tree_record record;
    struct tree_list list;
    struct tree tree;
    int ready, rc;

    tree_init(&tree, store, root);
    tree.detailed = true;
    ready = tree_refresh(&tree);
    require(ready == 0 || ready == -EAGAIN || ready == -EPROTO);
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        rc = ready ? ready : read_one(&tree, &devices[i], &record, &details);
        record.device = devices[i];
        if (strcmp(root, XENIOMMU_DIR) == 0)
            compare(store, ready, rc, &record);
    }
    rc = tree_load(&tree, &list);
    require(rc == ready && (rc == 0 || list.count == 0));
    check_list(&tree, &list);
    tree_list_free(&list);
}

/* The same lines as a domain's tree and as the host's. */
static void take_tree(const char *root, const uint8_t *data, size_t size)
{
    struct fuzz_text rest = {(const char *)data, size}, line;
    struct store store;

    fake_store_reset();
    for (int i = 0; i < LINES_MAX && fuzz_cut(&rest, '\n', &line); i++)
        take_line(root, line);
    store_init(&store);
    require(store_connect(&store) == 0);
    check_tree(&store, root);
    store_close(&store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    take_tree(XENIOMMU_DIR, data, size);
    take_tree(XENIOMMU_HOST_DIR, data, size);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* dump DTB: what the daemon's walker makes of a device tree, one line for each node and alias, with
 * tabs between the fields; errors go to stderr. Checks that each path survives the codec. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xeniommu-schema.h>

#include "parse/devicetree.h"

static const char *const relevances[] = {"not-a-device", "no-dma", "unknown", "capable"};
static const char *const streams[] = {"none", "known", "unread"};
static const char *const claims[] = {"none", "iommu-el2", "xen-iommu"};

static void *read_file(const char *name, size_t *size)
{
    FILE *file = fopen(name, "rb");
    char *bytes = malloc(DEVICETREE_MAX_SIZE + 1);

    if (file && bytes)
        *size = fread(bytes, 1, DEVICETREE_MAX_SIZE + 1, file);
    if (!file || !bytes || ferror(file)) {
        fprintf(stderr, "dump: %s: %s\n", name, strerror(errno));
        exit(2);
    }
    fclose(file);
    return bytes;
}

/* The path as XenStore would hold it. */
static const char *encode(const char *path)
{
    static char encoded[XENIOMMU_KEY_SIZE], decoded[DEVICETREE_PATH_MAX];

    if (xeniommu_encode_path(path, encoded, sizeof(encoded)) < 0 ||
        xeniommu_decode_path(encoded, decoded, sizeof(decoded)) < 0 || strcmp(decoded, path) != 0) {
        fprintf(stderr, "dump: %s does not survive the codec: '%s' '%s'\n", path, encoded, decoded);
        exit(1);
    }
    return encoded;
}

/* The first by path of those that it shares streams with, itself counted; "-" when there is none.
 */
static const char *first_of_group(const struct devicetree *tree, const struct dt_device *device)
{
    size_t i = 0;

    while (device->group && tree->devices[i].group != device->group)
        i++;
    return device->group ? tree->devices[i].path : "-";
}

static void print_device(const struct devicetree *tree, const struct dt_device *device)
{
    printf("node\t%s\t%s\t%s\t%s\t%s\t%s\t%s", device->path, encode(device->path),
           device->compatible, device->iommu ? device->iommu : "-", relevances[device->relevance],
           claims[device->claim], device->enabled ? "enabled" : "disabled");
    printf("\t%s\t%s", streams[device->streams], first_of_group(tree, device));
    printf("%s%s%s%s%s%s%s%s%s%s\n", device->dma_coherent ? "\tcoherent" : "",
           device->is_iommu ? "\tis-iommu" : "", device->iommu_disabled ? "\tiommu-disabled" : "",
           device->dangling ? "\tdangling" : "", device->grant_dma ? "\tgrant-dma" : "",
           device->grant_dma_stub ? "\tstub" : "", device->virtio_iommu ? "\tvirtio-iommu" : "",
           device->pci_host ? "\tpci-host" : "", device->passthrough ? "\tpassthrough" : "",
           device->force_assign ? "\tforce-assign" : "");
}

int main(int argc, char **argv)
{
    struct devicetree *tree;
    size_t i, size = 0;
    void *bytes;
    int rc;

    if (argc != 2) {
        fprintf(stderr, "usage: dump DTB\n");
        return 2;
    }
    bytes = read_file(argv[1], &size);
    rc = devicetree_parse(bytes, size, &tree);
    free(bytes);
    if (rc) {
        fprintf(stderr, "dump: %s: %s\n", argv[1], strerror(-rc));
        return 1;
    }
    for (i = 0; i < tree->count; i++)
        print_device(tree, &tree->devices[i]);
    for (i = 0; i < tree->alias_count; i++)
        printf("alias\t%s\t%s\n", tree->aliases[i].name, tree->aliases[i].path);
    for (i = 0; i < tree->error_count; i++)
        fprintf(stderr, "%s\n", tree->errors[i]);
    devicetree_free(tree);
    return 0;
}

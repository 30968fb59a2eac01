/* SPDX-License-Identifier: MIT */
#include "overlay.h"

#include <errno.h>
#include <libfdt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* The overlay's only phandle. Who applies it adds what makes it unique there, and does the same to
 * each place that __local_fixups__ names. */
#define PHANDLE 1

#define FIRST_SIZE 4096

/* A tree that is written from front to back; after an error nothing more happens. */
struct sequence {
    void *fdt;
    int rc; /* 0 or libfdt's */
};

static void begin(struct sequence *tree, const char *name)
{
    if (tree->rc == 0)
        tree->rc = fdt_begin_node(tree->fdt, name);
}

static void begin_fragment(struct sequence *tree, size_t number)
{
    char name[32];

    snprintf(name, sizeof(name), "fragment@%zu", number);
    begin(tree, name);
}

static void end(struct sequence *tree)
{
    if (tree->rc == 0)
        tree->rc = fdt_end_node(tree->fdt);
}

static void put_string(struct sequence *tree, const char *name, const char *value)
{
    if (tree->rc == 0)
        tree->rc = fdt_property_string(tree->fdt, name, value);
}

static void put_cell(struct sequence *tree, const char *name, uint32_t value)
{
    if (tree->rc == 0)
        tree->rc = fdt_property_u32(tree->fdt, name, value);
}

static void put_iommu(struct sequence *tree)
{
    begin_fragment(tree, 0);
    put_string(tree, "target-path", "/");
    begin(tree, "__overlay__");
    begin(tree, "xen-iommu");
    put_string(tree, "compatible", "xen,iommu-el2-v1");
    put_cell(tree, "#iommu-cells", 0);
    put_cell(tree, "phandle", PHANDLE);
    end(tree);
    end(tree);
    end(tree);
}

static void put_device(struct sequence *tree, size_t number, const char *path, bool by_phandle)
{
    begin_fragment(tree, number);
    put_string(tree, "target-path", path);
    begin(tree, "__overlay__");
    if (by_phandle)
        put_cell(tree, "iommus", PHANDLE);
    else
        put_string(tree, "xen,iommu", "on");
    end(tree);
    end(tree);
}

/* Where the phandle is used: at offset 0 of each device's iommus. */
static void put_fixups(struct sequence *tree, size_t count)
{
    size_t i;

    begin(tree, "__local_fixups__");
    for (i = 1; i <= count; i++) {
        begin_fragment(tree, i);
        begin(tree, "__overlay__");
        put_cell(tree, "iommus", 0);
        end(tree);
        end(tree);
    }
    end(tree);
}

static int write_tree(const struct overlay *overlay, void *fdt, int size)
{
    bool by_phandle = overlay->binding == OVERLAY_IOMMU_EL2_V1 && overlay->count > 0;
    struct sequence tree = {fdt, fdt_create(fdt, size)};
    size_t i;

    if (tree.rc == 0)
        tree.rc = fdt_finish_reservemap(fdt);
    begin(&tree, "");
    if (by_phandle)
        put_iommu(&tree);
    for (i = 0; i < overlay->count; i++)
        put_device(&tree, i + by_phandle, overlay->paths[i], by_phandle);
    if (by_phandle)
        put_fixups(&tree, overlay->count);
    end(&tree);
    return tree.rc != 0 ? tree.rc : fdt_finish(fdt);
}

int overlay_to_dtbo(const struct overlay *overlay, char **data, size_t *size)
{
    int room, rc = -FDT_ERR_NOSPACE;

    *data = NULL;
    for (room = FIRST_SIZE; rc == -FDT_ERR_NOSPACE && room <= INT_MAX / 2; room *= 2) {
        free(*data);
        *data = calloc(1, (size_t)room);
        if (*data == NULL)
            return -ENOMEM;
        rc = write_tree(overlay, *data, room);
    }
    if (rc != 0) {
        free(*data);
        *data = NULL;
        return -EFBIG;
    }
    *size = fdt_totalsize(*data);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Who shares a stream with whom, by the tree's word. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libfdt.h>

#include "devicetree_builder.h"
#include "unit.h"

static bool memory_is_short;

void *__wrap_reallocarray(void *old, size_t count, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return memory_is_short ? NULL : __real_reallocarray(old, count, size);
}

/* Phandles of the units that every tree here begins with. */
enum { V3 = 1, V2, V2_MASK, MASKED, IPMMU, WHOLE, OTHER, OTHER2, OTHER3, V3B, GRANTS, VIRTIO };
enum { NO_NODE = 0x99 };

static void units(struct tree_builder *builder)
{
    tree_begin(builder);
    tree_iommu(builder, "v3", "arm,smmu-v3", V3, 1);
    tree_iommu(builder, "v3b", "arm,smmu-v3", V3B, 1);
    tree_iommu(builder, "v2", "arm,mmu-500", V2, 1);
    tree_iommu(builder, "v2-mask", "arm,smmu-v2", V2_MASK, 2);
    tree_device(builder, "masked", "arm,mmu-500");
    CELLS(builder, "phandle", MASKED);
    CELLS(builder, "#iommu-cells", 1);
    CELLS(builder, "stream-match-mask", 0x7c00);
    tree_end(builder);
    tree_iommu(builder, "ipmmu", "renesas,ipmmu-vmsa", IPMMU, 1);
    tree_iommu(builder, "whole", "rockchip,iommu", WHOLE, 0);
    tree_iommu(builder, "other", "v,iommu", OTHER, 1);
    tree_iommu(builder, "other2", "v,iommu", OTHER2, 2);
    tree_iommu(builder, "other3", "v,iommu", OTHER3, 3);
    tree_iommu(builder, "grants", "xen,grant-dma", GRANTS, 1);
    tree_iommu(builder, "virtio", "virtio,mmio", VIRTIO, 1);
}

static void device(struct tree_builder *builder, const char *name, const char *list,
                   const uint32_t *cells, size_t count)
{
    tree_device(builder, name, "v,dev");
    tree_cells(builder, list, cells, count);
    tree_end(builder);
}

#define DEVICE(builder, name, list, ...)                                                           \
    device(builder, name, list, (const uint32_t[]){__VA_ARGS__},                                   \
           sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
#define MASTER(builder, name, ...) DEVICE(builder, name, "iommus", __VA_ARGS__)

static void expect_streams(const struct devicetree *tree, const char *path, enum dt_streams streams)
{
    if (device_at(tree, path)->streams != streams)
        fail_msg("%s: streams %d, not %d", path, (int)device_at(tree, path)->streams, (int)streams);
}

/* All streams are known, and /a and /b are of one group or alone. */
static void expect_pair(struct tree_builder *builder, bool together)
{
    const struct dt_device *a, *b;
    struct devicetree *tree;

    tree_finish(builder);
    tree = PARSE_GOOD(builder);
    a = device_at(tree, "/a");
    b = device_at(tree, "/b");
    assert_true(tree->streams_told);
    expect_streams(tree, "/a", DT_STREAMS_KNOWN);
    expect_streams(tree, "/b", DT_STREAMS_KNOWN);
    assert_int_equal(a->group, b->group);
    assert_int_equal(a->group != 0, together);
    devicetree_free(tree);
}

struct pair {
    uint32_t a[4], b[4]; /* phandle and cells */
    bool together;
};

static const struct {
    size_t cells;
    struct pair pair;
} specifiers[] = {
    {2, {{V3, 0x42}, {V3, 0x42}, true}},
    {2, {{V3, 0x42}, {V3, 0x43}, false}},
    {2, {{V3, 0x42}, {V3B, 0x42}, false}},
    /* Version 3 has IDs of 32 bits, the older ones of 15 in Xen. */
    {2, {{V3, 0x42}, {V3, 0x8042}, false}},
    {2, {{V2, 0x42}, {V2, 0x8042}, true}},
    {2, {{V2, 0x42}, {V2, 0x43}, false}},
    {3, {{V2_MASK, 0x42, 0}, {V2_MASK, 0x42, 0}, true}},
    {3, {{V2_MASK, 0x42, 0}, {V2_MASK, 0x43, 0}, false}},
    {3, {{V2_MASK, 0x40, 7}, {V2_MASK, 0x47, 0}, true}},
    {3, {{V2_MASK, 0x40, 7}, {V2_MASK, 0x48, 0}, false}},
    {3, {{V2_MASK, 0x43, 7}, {V2_MASK, 0x40, 0}, true}},
    /* Masks with holes, one on each side of what they leave open. */
    {3, {{V2_MASK, 0x01, 0x10}, {V2_MASK, 0x11, 0}, true}},
    {3, {{V2_MASK, 0x01, 0x10}, {V2_MASK, 0x09, 0}, false}},
    {3, {{V2_MASK, 0x01, 0x14}, {V2_MASK, 0x10, 0x05}, true}},
    {3, {{V2_MASK, 0x01, 0x14}, {V2_MASK, 0x12, 0x05}, false}},
    {3, {{V2_MASK, 0, 0x7fff}, {V2_MASK, 0x1234, 0}, true}},
    {3, {{V2_MASK, 0, 0x7ffe}, {V2_MASK, 1, 0}, false}},
    {2, {{MASKED, 0x0401}, {MASKED, 0x0801}, true}},
    {2, {{MASKED, 0x0401}, {MASKED, 0x0802}, false}},
    {2, {{IPMMU, 3}, {IPMMU, 3}, true}},
    {2, {{IPMMU, 3}, {IPMMU, 4}, false}},
    {1, {{WHOLE}, {WHOLE}, true}},
    {2, {{OTHER, 1}, {OTHER, 1}, true}},
    {2, {{OTHER, 1}, {OTHER, 0x8001}, false}},
    {3, {{OTHER2, 1, 2}, {OTHER2, 1, 2}, true}},
    {3, {{OTHER2, 1, 2}, {OTHER2, 1, 3}, false}},
    {3, {{OTHER2, 1, 2}, {OTHER2, 2, 2}, false}},
    {4, {{V3, 1, V3B, 9}, {V3B, 9, V3, 7}, true}},
};

static void pairs_of_specifiers(void **state)
{
    struct tree_builder builder;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(specifiers) / sizeof(*specifiers); i++) {
        units(&builder);
        device(&builder, "a", "iommus", specifiers[i].pair.a, specifiers[i].cells);
        device(&builder, "b", "iommus", specifiers[i].pair.b, specifiers[i].cells);
        expect_pair(&builder, specifiers[i].pair.together);
    }
}

static void chains(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;
    uint32_t group;

    (void)state;
    units(&builder);
    MASTER(&builder, "a", V3, 1, V3, 2);
    MASTER(&builder, "b", V3, 7);
    MASTER(&builder, "c", V3, 2, V2, 3);
    MASTER(&builder, "d", V2, 3);
    MASTER(&builder, "e", V3, 8, V3, 9);
    MASTER(&builder, "f", V3, 9);
    tree_finish(&builder);
    tree = PARSE_GOOD(&builder);
    group = device_at(tree, "/a")->group;
    assert_int_not_equal(group, 0);
    assert_int_equal(device_at(tree, "/b")->group, 0);
    assert_int_equal(device_at(tree, "/c")->group, group);
    assert_int_equal(device_at(tree, "/d")->group, group);
    assert_int_not_equal(device_at(tree, "/e")->group, group);
    assert_int_not_equal(device_at(tree, "/e")->group, 0);
    assert_int_equal(device_at(tree, "/f")->group, device_at(tree, "/e")->group);
    devicetree_free(tree);
}

static void disabled_ones_count(void **state)
{
    struct tree_builder builder;

    (void)state;
    units(&builder);
    tree_device(&builder, "a", "v,dev");
    CELLS(&builder, "iommus", V3, 5);
    tree_string(&builder, "status", "disabled");
    tree_end(&builder);
    MASTER(&builder, "b", V3, 5);
    expect_pair(&builder, true);
}

static void maps(void **state)
{
    static const struct {
        uint32_t map[4], device[2];
        bool together;
    } rows[] = {
        {{0, V3, 0x100, 0x10}, {V3, 0x100}, true},
        {{0, V3, 0x100, 0x10}, {V3, 0x10f}, true},
        {{0, V3, 0x100, 0x10}, {V3, 0x110}, false},
        {{0, V3, 0x100, 0x10}, {V3, 0xff}, false},
        {{0, V3, 0x100, 0x10}, {V3B, 0x100}, false},
        {{0x50, V3, 0, 1}, {V3, 0}, true},
        {{0, V2, 0x100, 0x10}, {V2, 0x10f}, true},
        {{0, V2, 0x100, 0x10000}, {V2, 5}, true}, /* beyond its IDs: which, is not told */
        {{0, MASKED, 0x3ff, 2}, {MASKED, 0x7c00}, true},
        {{0, MASKED, 0x3ff, 2}, {MASKED, 0x7fff}, true},
        {{0, MASKED, 0x3ff, 2}, {MASKED, 0x7c01}, false},
        {{0, WHOLE, 0, 1}, {WHOLE}, true},
        {{0, OTHER, 0, 2}, {OTHER, 1}, true},
    };
    struct tree_builder builder;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        units(&builder);
        tree_device(&builder, "a", "pci-host-ecam-generic");
        tree_string(&builder, "device_type", "pci");
        tree_cells(&builder, "iommu-map", rows[i].map, 4);
        tree_end(&builder);
        device(&builder, "b", "iommus", rows[i].device, rows[i].device[0] == WHOLE ? 1 : 2);
        expect_pair(&builder, rows[i].together);
    }
}

static void smmu_with_masters(struct tree_builder *builder, const uint32_t *cells, size_t count)
{
    tree_begin(builder);
    tree_device(builder, "smmu", "arm,smmu-v2");
    tree_cells(builder, "mmu-masters", cells, count);
    CELLS(builder, "phandle", 1);
    CELLS(builder, "#iommu-cells", 1);
    tree_end(builder);
    tree_device(builder, "a", "v,dev");
    CELLS(builder, "phandle", 10);
    CELLS(builder, "#stream-id-cells", 2);
    tree_end(builder);
    tree_device(builder, "b", "v,dev");
    CELLS(builder, "phandle", 11);
    CELLS(builder, "#stream-id-cells", 1);
    tree_end(builder);
}

#define SMMU_WITH(builder, ...)                                                                    \
    smmu_with_masters(builder, (const uint32_t[]){__VA_ARGS__},                                    \
                      sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void old_masters(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    SMMU_WITH(&builder, 10, 1, 2, 11, 2);
    expect_pair(&builder, true);
    SMMU_WITH(&builder, 10, 1, 2, 11, 3);
    expect_pair(&builder, false);
    /* Both bindings name IDs of the same unit. */
    SMMU_WITH(&builder, 10, 1, 2, 11, 3);
    MASTER(&builder, "c", 1, 2);
    tree_finish(&builder);
    tree = PARSE_GOOD(&builder);
    assert_int_not_equal(device_at(tree, "/a")->group, 0);
    assert_int_equal(device_at(tree, "/a")->group, device_at(tree, "/c")->group);
    devicetree_free(tree);
    /* Whom the rest of the list names, and what it does, is not known. */
    SMMU_WITH(&builder, 10, 1, 2, 77, 3);
    MASTER(&builder, "c", 1, 5);
    tree_finish(&builder);
    tree = PARSE_BAD(&builder, "/smmu: mmu-masters: a phandle that no node has");
    expect_streams(tree, "/a", DT_STREAMS_UNREAD);
    expect_streams(tree, "/c", DT_STREAMS_UNREAD);
    expect_streams(tree, "/b", DT_STREAMS_NONE);
    devicetree_free(tree);
}

static void nothing_is_told(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    units(&builder);
    tree_device(&builder, "a", "v,dev");
    tree_end(&builder);
    MASTER(&builder, "b", GRANTS, 1);
    MASTER(&builder, "c", VIRTIO, 1);
    tree_finish(&builder);
    tree = PARSE_GOOD(&builder);
    assert_false(tree->streams_told);
    expect_streams(tree, "/a", DT_STREAMS_NONE);
    expect_streams(tree, "/b", DT_STREAMS_NONE);
    expect_streams(tree, "/c", DT_STREAMS_NONE);
    assert_int_equal(device_at(tree, "/b")->group, 0);
    devicetree_free(tree);
}

/* /a has what cannot be read, of the unit of /b or of one that is not known; /c is elsewhere. */
static void expect_unread(struct devicetree *tree, bool of_b)
{
    expect_streams(tree, "/a", DT_STREAMS_UNREAD);
    expect_streams(tree, "/b", DT_STREAMS_KNOWN);
    expect_streams(tree, "/c", DT_STREAMS_KNOWN);
    assert_int_equal(device_at(tree, "/b")->group != 0, of_b);
    assert_int_equal(device_at(tree, "/a")->group, device_at(tree, "/b")->group);
    assert_int_equal(device_at(tree, "/c")->group, 0);
    devicetree_free(tree);
}

static void with_b_and_c(struct tree_builder *builder, uint32_t b, size_t cells)
{
    device(builder, "b", "iommus", (const uint32_t[]){b, 5, 6, 7}, 1 + cells);
    MASTER(builder, "c", V3B, 5);
    tree_finish(builder);
}

static void what_cannot_be_read(void **state)
{
    struct tree_builder builder;

    (void)state;
    units(&builder);
    MASTER(&builder, "a", NO_NODE, 1);
    with_b_and_c(&builder, V3, 1);
    expect_unread(PARSE_GOOD(&builder), false);

    units(&builder);
    MASTER(&builder, "a", V3, 1, V3);
    with_b_and_c(&builder, V3, 1);
    expect_unread(PARSE_BAD(&builder, "/a: iommus: ends within the 1 cells of 0x1"), true);

    units(&builder);
    tree_device(&builder, "a", "v,dev");
    tree_property(&builder, "iommus", "\0\0\0\1\0", 5);
    tree_end(&builder);
    with_b_and_c(&builder, V3, 1);
    expect_unread(PARSE_BAD(&builder, "/a: iommus: no whole number of cells"), false);

    /* Nobody knows what three cells of a unit that is not known mean. */
    units(&builder);
    MASTER(&builder, "a", OTHER3, 1, 2, 3);
    MASTER(&builder, "b", V3, 5);
    MASTER(&builder, "c", V3B, 5);
    tree_finish(&builder);
    expect_unread(PARSE_GOOD(&builder), false);
}

static void maps_that_cannot_be_read(void **state)
{
    static const struct {
        uint32_t map[5];
        size_t cells;
        const char *error;
    } rows[] = {
        {{0, V3, 0, 0}, 4, NULL}, /* for the firmware to fill in */
        {{0, V3, 0xffffffff, 2}, 4, "entry 0 reaches beyond the last ID"},
        {{0, V3, 0, 1, 0}, 5, "5 cells are no entries of four"},
    };
    struct tree_builder builder;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        units(&builder);
        device(&builder, "a", "iommu-map", rows[i].map, rows[i].cells);
        with_b_and_c(&builder, V3, 1);
        expect_unread(parse_tree(&builder, &rows[i].error, rows[i].error != NULL), true);
    }
    units(&builder);
    DEVICE(&builder, "a", "iommu-map", 0, NO_NODE, 0, 1);
    with_b_and_c(&builder, V3, 1);
    expect_unread(PARSE_GOOD(&builder), false);
}

/* A mate of whose owner nobody will know: a PCI function, an IOMMU. */
static void mates_without_an_owner(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    units(&builder);
    tree_device(&builder, "pci", "v,host");
    tree_string(&builder, "device_type", "pci");
    MASTER(&builder, "nic@0", V3, 1);
    tree_end(&builder);
    MASTER(&builder, "a", V3, 1);
    MASTER(&builder, "b", V3, 2);
    tree_device(&builder, "unit", "v,iommu");
    CELLS(&builder, "#iommu-cells", 1);
    CELLS(&builder, "iommus", V3, 3);
    tree_end(&builder);
    MASTER(&builder, "c", V3, 3);
    tree_finish(&builder);
    tree = PARSE_GOOD(&builder);
    expect_streams(tree, "/a", DT_STREAMS_UNREAD);
    expect_streams(tree, "/b", DT_STREAMS_KNOWN);
    expect_streams(tree, "/c", DT_STREAMS_UNREAD);
    devicetree_free(tree);
}

static void a_tree_with_parts_missing(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    units(&builder);
    MASTER(&builder, "a", V3, 1);
    MASTER(&builder, "b", V3, 2);
    MASTER(&builder, "b", V3, 1);
    tree_finish(&builder);
    tree = PARSE_BAD(&builder, "/b: there twice, the first one counts");
    expect_streams(tree, "/a", DT_STREAMS_UNREAD);
    expect_streams(tree, "/b", DT_STREAMS_UNREAD);
    devicetree_free(tree);
    units(&builder);
    MASTER(&builder, "a", V3, 1);
    tree_finish(&builder);
    /* The structure ends before the last node does. */
    fdt_set_size_dt_struct(builder.bytes, fdt_size_dt_struct(builder.bytes) - 8);
    tree = PARSE_BAD(&builder, "/: structure cut off or damaged");
    expect_streams(tree, "/a", DT_STREAMS_UNREAD);
    devicetree_free(tree);
}

/* Masks that split into more intervals than there may be cover the whole unit, and many devices
 * take no time. */
static void many(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;
    char name[16];
    clock_t start;
    uint32_t i;

    (void)state;
    units(&builder);
    for (i = 0; i < 1500; i++) {
        snprintf(name, sizeof(name), "d%u", i);
        MASTER(&builder, name, V2_MASK, i, 0x3ffe);
    }
    MASTER(&builder, "last", V2_MASK, 0x7fff, 0); /* which none of them has */
    MASTER(&builder, "alone", V3, 1);
    tree_finish(&builder);
    start = clock();
    tree = PARSE_GOOD(&builder);
    assert_true(clock() - start < 10 * CLOCKS_PER_SEC);
    assert_int_not_equal(device_at(tree, "/last")->group, 0);
    assert_int_equal(device_at(tree, "/alone")->group, 0);
    devicetree_free(tree);
}

static void without_memory(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    units(&builder);
    MASTER(&builder, "a", V3, 1);
    tree_finish(&builder);
    memory_is_short = true;
    assert_int_equal(devicetree_parse(builder.bytes, builder.size, &tree), -ENOMEM);
    memory_is_short = false;
    assert_null(tree);
    tree_free(&builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_of_specifiers),
        cmocka_unit_test(chains),
        cmocka_unit_test(disabled_ones_count),
        cmocka_unit_test(maps),
        cmocka_unit_test(old_masters),
        cmocka_unit_test(nothing_is_told),
        cmocka_unit_test(what_cannot_be_read),
        cmocka_unit_test(maps_that_cannot_be_read),
        cmocka_unit_test(mates_without_an_owner),
        cmocka_unit_test(a_tree_with_parts_missing),
        cmocka_unit_test(many),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

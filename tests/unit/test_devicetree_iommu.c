/* SPDX-License-Identifier: MIT */
/* Which IOMMU a device is behind by the tree's word, and what else the tree claims. */
#include <stdio.h>
#include <string.h>

#include "devicetree_builder.h"
#include "unit.h"

/* Phandles of the units that every tree here begins with. */
enum { SMMU = 1, SECOND, OFF, EL2, GRANTS, STUB, VIRTIO_MMIO, VIRTIO_PCI, NONE = 0x99 };

static void units(struct tree_builder *builder)
{
    tree_begin(builder);
    tree_iommu(builder, "smmu", "arm,smmu-v3", SMMU, 1);
    tree_iommu(builder, "second", "renesas,ipmmu-vmsa", SECOND, 2);
    tree_node(builder, "off");
    tree_string(builder, "status", "disabled");
    tree_iommu(builder, "smmu", "arm,mmu-500", OFF, 1);
    tree_end(builder);
    tree_iommu(builder, "el2", "xen,iommu-el2-v1", EL2, 0);
    tree_iommu(builder, "grants", "xen,grant-dma", GRANTS, 1);
    tree_iommu(builder, "stub", "xen,grant-dma", STUB, 0);
    tree_iommu(builder, "virtio-mmio", "virtio,mmio", VIRTIO_MMIO, 1);
    tree_node(builder, "pcie");
    tree_string(builder, "device_type", "pci");
    tree_iommu(builder, "iommu@8", "virtio,pci-iommu", VIRTIO_PCI, 1);
    tree_end(builder);
}

/* A tree of the units, and of the device /dev with one property of these cells. */
static void units_and_list(struct tree_builder *builder, const char *name, const uint32_t *cells,
                           size_t count)
{
    units(builder);
    tree_device(builder, "dev", "v,dev");
    tree_cells(builder, name, cells, count);
    tree_end(builder);
    tree_finish(builder);
}

#define TREE_WITH(builder, name, ...)                                                              \
    units_and_list(builder, name, (const uint32_t[]){__VA_ARGS__},                                 \
                   sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* What /dev is expected to be. */
struct expected {
    const char *iommu;
    enum dt_claims claim;
    bool iommu_disabled;
    bool dangling;
    bool grant_dma;
    bool grant_dma_stub;
    bool virtio_iommu;
};

static void check(struct devicetree *tree, struct expected expected)
{
    const struct dt_device *device = device_at(tree, "/dev");

    expect_iommu(tree, "/dev", expected.iommu);
    assert_int_equal(device->claim, expected.claim);
    assert_int_equal(device->iommu_disabled, expected.iommu_disabled);
    assert_int_equal(device->dangling, expected.dangling);
    assert_int_equal(device->grant_dma, expected.grant_dma);
    assert_int_equal(device->grant_dma_stub, expected.grant_dma_stub);
    assert_int_equal(device->virtio_iommu, expected.virtio_iommu);
    assert_false(device->is_iommu);
    assert_int_equal(device->relevance, DT_DMA_CAPABLE);
    devicetree_free(tree);
}

#define CHECK_GOOD(builder, ...) check(PARSE_GOOD(builder), (struct expected){__VA_ARGS__})

static void one_row_for_each_unit(void **state)
{
    struct tree_builder builder;

    (void)state;
    TREE_WITH(&builder, "iommus", SMMU, 0x42);
    CHECK_GOOD(&builder, .iommu = "/smmu");
    TREE_WITH(&builder, "iommus", SECOND, 1, 2);
    CHECK_GOOD(&builder, .iommu = "/second");
    TREE_WITH(&builder, "iommus", OFF, 1);
    CHECK_GOOD(&builder, .iommu_disabled = true);
    TREE_WITH(&builder, "iommus", EL2);
    CHECK_GOOD(&builder, .claim = DT_CLAIMS_IOMMU_EL2);
    TREE_WITH(&builder, "iommus", GRANTS, 1);
    CHECK_GOOD(&builder, .grant_dma = true);
    TREE_WITH(&builder, "iommus", STUB);
    CHECK_GOOD(&builder, .grant_dma = true, .grant_dma_stub = true);
    TREE_WITH(&builder, "iommus", VIRTIO_MMIO, 1);
    CHECK_GOOD(&builder, .virtio_iommu = true);
    TREE_WITH(&builder, "iommus", VIRTIO_PCI, 1);
    CHECK_GOOD(&builder, .virtio_iommu = true);
    TREE_WITH(&builder, "iommus", NONE, 1);
    CHECK_GOOD(&builder, .dangling = true);
}

static void several_in_one_list(void **state)
{
    struct tree_builder builder;

    (void)state;
    TREE_WITH(&builder, "iommus", SECOND, 1, 2, SMMU, 1);
    CHECK_GOOD(&builder, .iommu = "/second");
    TREE_WITH(&builder, "iommus", OFF, 1, SMMU, 1);
    CHECK_GOOD(&builder, .iommu = "/smmu", .iommu_disabled = true);
    TREE_WITH(&builder, "iommus", EL2, STUB, VIRTIO_MMIO, 1, SMMU, 1);
    CHECK_GOOD(&builder, .iommu = "/smmu", .claim = DT_CLAIMS_IOMMU_EL2, .grant_dma = true,
               .grant_dma_stub = true, .virtio_iommu = true);
    /* How many cells a dangling phandle takes is not known: the rest cannot be read. */
    TREE_WITH(&builder, "iommus", SMMU, 1, NONE, SECOND, 1, 2);
    CHECK_GOOD(&builder, .iommu = "/smmu", .dangling = true);
    TREE_WITH(&builder, "iommus", NONE, SMMU, 1);
    CHECK_GOOD(&builder, .dangling = true);
}

static void the_claim_of_the_device_itself(void **state)
{
    const struct {
        const char *value;
        enum dt_claims claim;
    } rows[] = {{"on", DT_CLAIMS_XEN_IOMMU}, {"off", DT_NO_CLAIM}, {"On", DT_NO_CLAIM},
                {"on ", DT_NO_CLAIM},        {"", DT_NO_CLAIM},    {"1", DT_NO_CLAIM}};
    struct tree_builder builder;
    struct devicetree *tree;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        tree_begin(&builder);
        tree_device(&builder, "dev", "v,dev");
        tree_string(&builder, "xen,iommu", rows[i].value);
        tree_end(&builder);
        tree_finish(&builder);
        tree = PARSE_GOOD(&builder);
        assert_int_equal(device_at(tree, "/dev")->claim, rows[i].claim);
        assert_null(device_at(tree, "/dev")->iommu);
        devicetree_free(tree);
    }
}

static void both_claims_at_once(void **state)
{
    struct tree_builder builder;

    (void)state;
    units(&builder);
    tree_device(&builder, "dev", "v,dev");
    tree_string(&builder, "xen,iommu", "on");
    CELLS(&builder, "iommus", EL2);
    tree_end(&builder);
    tree_finish(&builder);
    CHECK_GOOD(&builder, .claim = DT_CLAIMS_IOMMU_EL2);
}

/* The tree of the machine that the objection was reproduced on. */
static void the_static_bindings_side_by_side(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    tree_iommu(&builder, "xen-iommu", "xen,iommu-el2-v1", 0x8100, 0);
    tree_device(&builder, "virtio_mmio@a003c00", "virtio,mmio");
    tree_flag(&builder, "dma-coherent");
    tree_string(&builder, "xen,iommu", "on");
    tree_end(&builder);
    tree_device(&builder, "virtio_mmio@a003e00", "virtio,mmio");
    tree_flag(&builder, "dma-coherent");
    CELLS(&builder, "iommus", 0x8100);
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_GOOD(&builder);
    assert_int_equal(tree->count, 3);
    assert_int_equal(device_at(tree, "/virtio_mmio@a003c00")->claim, DT_CLAIMS_XEN_IOMMU);
    assert_int_equal(device_at(tree, "/virtio_mmio@a003e00")->claim, DT_CLAIMS_IOMMU_EL2);
    assert_true(device_at(tree, "/xen-iommu")->is_iommu);
    assert_int_equal(device_at(tree, "/xen-iommu")->relevance, DT_NO_DMA);
    expect_iommu(tree, "/virtio_mmio@a003c00", NULL);
    expect_iommu(tree, "/virtio_mmio@a003e00", NULL);
    devicetree_free(tree);
}

static void maps(void **state)
{
    struct tree_builder builder;

    (void)state;
    TREE_WITH(&builder, "iommu-map", 0, SMMU, 0, 0x10000);
    CHECK_GOOD(&builder, .iommu = "/smmu");
    /* Four cells for a unit of two, too. */
    TREE_WITH(&builder, "iommu-map", 0, SECOND, 0, 8, 8, SMMU, 8, 8);
    CHECK_GOOD(&builder, .iommu = "/second");
    TREE_WITH(&builder, "iommu-map", 0, OFF, 0, 8, 8, GRANTS, 0, 8, 0x10, VIRTIO_PCI, 0, 8);
    CHECK_GOOD(&builder, .iommu_disabled = true, .grant_dma = true, .virtio_iommu = true);
    /* What Xen leaves of a host bridge's map. A dangling entry is as long as any. */
    TREE_WITH(&builder, "iommu-map", 0, NONE, 0, 0x10000);
    CHECK_GOOD(&builder, .dangling = true);
    TREE_WITH(&builder, "iommu-map", 0, NONE, 0, 8, 8, SMMU, 8, 8);
    CHECK_GOOD(&builder, .iommu = "/smmu", .dangling = true);
    /* A length for the firmware to fill in, and one up to the last ID. */
    TREE_WITH(&builder, "iommu-map", 0, SMMU, 0, 0);
    CHECK_GOOD(&builder, .iommu = "/smmu");
    TREE_WITH(&builder, "iommu-map", 0xffffff00, SMMU, 0xffffff00, 0x100);
    CHECK_GOOD(&builder, .iommu = "/smmu");
}

static void bad_maps(void **state)
{
    struct tree_builder builder;

    (void)state;
    TREE_WITH(&builder, "iommu-map", 0, SMMU, 0);
    check(PARSE_BAD(&builder, "/dev: iommu-map: 3 cells are no entries of four"),
          (struct expected){0});
    TREE_WITH(&builder, "iommu-map", 0, SMMU, 0, 8, 8);
    check(PARSE_BAD(&builder, "/dev: iommu-map: 5 cells"), (struct expected){0});
    TREE_WITH(&builder, "iommu-map", 0xffffff00, SMMU, 0, 0x101, 0, SECOND, 0, 1);
    check(PARSE_BAD(&builder, "/dev: iommu-map: entry 0 reaches beyond the last ID"),
          (struct expected){.iommu = "/second"});
    TREE_WITH(&builder, "iommu-map", 0, SECOND, 0, 1, 0, SMMU, 0xffffffff, 2);
    check(PARSE_BAD(&builder, "/dev: iommu-map: entry 1 reaches beyond the last ID"),
          (struct expected){.iommu = "/second"});
}

/* A map behind a mask, in a tree of the units. */
static void masked(struct tree_builder *builder, uint32_t mask, uint32_t first)
{
    units(builder);
    tree_device(builder, "dev", "v,dev");
    CELLS(builder, "iommu-map-mask", mask);
    CELLS(builder, "iommu-map", first, SMMU, 0, 8);
    tree_end(builder);
    tree_finish(builder);
}

static void map_masks(void **state)
{
    struct tree_builder builder;

    (void)state;
    masked(&builder, 0xfff8, 0x8);
    CHECK_GOOD(&builder, .iommu = "/smmu");
    masked(&builder, 0, 0);
    CHECK_GOOD(&builder, .iommu = "/smmu");
    masked(&builder, 0xfff8, 0x4);
    check(PARSE_BAD(&builder, "/dev: iommu-map: entry 0 begins at an ID that iommu-map-mask rules"),
          (struct expected){0});
}

static void map_masks_of_the_wrong_length(void **state)
{
    struct tree_builder builder;

    (void)state;
    units(&builder);
    tree_device(&builder, "dev", "v,dev");
    CELLS(&builder, "iommu-map-mask", 0, 0);
    CELLS(&builder, "iommu-map", 4, SMMU, 0, 8);
    tree_end(&builder);
    tree_finish(&builder);
    /* As if it were not there, like in Linux. */
    check(PARSE_BAD(&builder, "/dev: iommu-map-mask: not one cell in 8 bytes"),
          (struct expected){.iommu = "/smmu"});
}

static void iommus_come_before_the_map(void **state)
{
    struct tree_builder builder;

    (void)state;
    units(&builder);
    tree_device(&builder, "dev", "v,dev");
    CELLS(&builder, "iommu-map", 0, SMMU, 0, 8);
    CELLS(&builder, "iommus", SECOND, 1, 2);
    tree_end(&builder);
    tree_finish(&builder);
    CHECK_GOOD(&builder, .iommu = "/second");
}

/* The old binding: an SMMU that names its masters, these with so many cells each. */
static void old_binding(struct tree_builder *builder, const char *status, const uint32_t *masters,
                        size_t count)
{
    tree_begin(builder);
    tree_device(builder, "first", "v,dev");
    CELLS(builder, "phandle", 1);
    CELLS(builder, "#stream-id-cells", 2);
    tree_end(builder);
    tree_device(builder, "second", "v,dev");
    CELLS(builder, "phandle", 2);
    CELLS(builder, "#stream-id-cells", 0);
    tree_end(builder);
    tree_device(builder, "without", "v,dev");
    CELLS(builder, "phandle", 3);
    tree_end(builder);
    tree_device(builder, "smmu", "arm,mmu-400");
    tree_string(builder, "status", status);
    tree_cells(builder, "mmu-masters", masters, count);
    tree_end(builder);
    tree_finish(builder);
}

#define MASTERS(...)                                                                               \
    (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

static void masters_of_an_old_smmu(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    old_binding(&builder, "okay", MASTERS(1, 0xd01d, 0xd01e, 2));
    tree = PARSE_GOOD(&builder);
    assert_true(device_at(tree, "/smmu")->is_iommu);
    expect_iommu(tree, "/first", "/smmu");
    expect_iommu(tree, "/second", "/smmu");
    expect_iommu(tree, "/without", NULL);
    expect_iommu(tree, "/smmu", NULL);
    assert_int_equal(device_at(tree, "/second")->relevance, DT_DMA_CAPABLE);
    assert_int_equal(device_at(tree, "/without")->relevance, DT_DMA_UNKNOWN);
    devicetree_free(tree);

    old_binding(&builder, "disabled", MASTERS(2));
    tree = PARSE_GOOD(&builder);
    expect_iommu(tree, "/second", NULL);
    assert_true(device_at(tree, "/second")->iommu_disabled);
    assert_int_equal(device_at(tree, "/second")->relevance, DT_DMA_CAPABLE);
    devicetree_free(tree);
}

static void bad_masters(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    old_binding(&builder, "okay", MASTERS(2, 3, 1, 0, 0));
    tree = PARSE_BAD(&builder, "/smmu: mmu-masters: 0x3 has no #stream-id-cells");
    expect_iommu(tree, "/second", "/smmu");
    expect_iommu(tree, "/first", NULL);
    devicetree_free(tree);

    old_binding(&builder, "okay", MASTERS(2, 1, 0));
    tree = PARSE_BAD(&builder, "/smmu: mmu-masters: ends within the 2 cells of 0x1");
    expect_iommu(tree, "/second", "/smmu");
    expect_iommu(tree, "/first", NULL);
    devicetree_free(tree);

    old_binding(&builder, "okay", MASTERS(2, NONE, 1, 0, 0));
    tree = PARSE_BAD(&builder, "/smmu: mmu-masters: a phandle that no node has");
    expect_iommu(tree, "/second", "/smmu");
    expect_iommu(tree, "/first", NULL);
    assert_false(device_at(tree, "/smmu")->dangling);
    devicetree_free(tree);
}

static void units_without_cells_are_none(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    tree_device(&builder, "fake", "arm,smmu-v3");
    CELLS(&builder, "phandle", 1);
    tree_end(&builder);
    tree_device(&builder, "list", "v,dev");
    CELLS(&builder, "iommus", 1, 2);
    tree_end(&builder);
    tree_device(&builder, "map", "v,dev");
    CELLS(&builder, "iommu-map", 0, 1, 0, 8);
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_BAD(&builder, "/list: iommus: 0x1 has no #iommu-cells",
                     "/map: iommu-map: 0x1 has no #iommu-cells");
    assert_false(device_at(tree, "/fake")->is_iommu);
    expect_iommu(tree, "/list", NULL);
    expect_iommu(tree, "/map", NULL);
    assert_false(device_at(tree, "/list")->dangling);
    devicetree_free(tree);
}

static void lists_that_end_too_early(void **state)
{
    struct tree_builder builder;

    (void)state;
    TREE_WITH(&builder, "iommus", SMMU);
    check(PARSE_BAD(&builder, "/dev: iommus: ends within the 1 cells of 0x1"),
          (struct expected){0});
    TREE_WITH(&builder, "iommus", SMMU, 1, SECOND, 1);
    check(PARSE_BAD(&builder, "/dev: iommus: ends within the 2 cells of 0x2"),
          (struct expected){.iommu = "/smmu"});
}

static void phandles_in_any_order(void **state)
{
    const uint32_t phandles[] = {0x80000001, 7, 0xfffffffe, 1, 0x7fffffff, 300};
    enum { COUNT = sizeof(phandles) / sizeof(*phandles) };
    struct tree_builder builder;
    struct devicetree *tree;
    char name[32];
    size_t i;

    (void)state;
    tree_begin(&builder);
    for (i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "iommu@%x", phandles[i]);
        tree_iommu(&builder, name, "v,iommu", phandles[i], 0);
        snprintf(name, sizeof(name), "dev@%x", phandles[i]);
        tree_device(&builder, name, "v,dev");
        CELLS(&builder, "iommus", phandles[i]);
        tree_end(&builder);
    }
    tree_finish(&builder);
    tree = PARSE_GOOD(&builder);
    for (i = 0; i < COUNT; i++) {
        char path[32];

        snprintf(path, sizeof(path), "/dev@%x", phandles[i]);
        snprintf(name, sizeof(name), "/iommu@%x", phandles[i]);
        expect_iommu(tree, path, name);
    }
    devicetree_free(tree);
}

static void the_other_names(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    tree_node(&builder, "old-phandle");
    tree_property(&builder, "compatible", "v,special\0ARM,SMMU-V3", 22);
    CELLS(&builder, "linux,phandle", 1);
    CELLS(&builder, "#iommu-cells", 0);
    tree_end(&builder);
    tree_node(&builder, "both-phandles");
    tree_property(&builder, "compatible", "v,special\0XEN,Grant-DMA", 24);
    CELLS(&builder, "phandle", 2);
    CELLS(&builder, "linux,phandle", 2);
    CELLS(&builder, "#iommu-cells", 0);
    tree_end(&builder);
    tree_iommu(&builder, "pci-virtio", "pci1af4,1057", 3, 0);
    tree_device(&builder, "dev", "v,dev");
    CELLS(&builder, "iommus", 1, 2, 3);
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_GOOD(&builder);
    expect_iommu(tree, "/dev", "/old-phandle");
    assert_true(device_at(tree, "/dev")->grant_dma_stub);
    assert_true(device_at(tree, "/dev")->virtio_iommu);
    devicetree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_row_for_each_unit),
        cmocka_unit_test(several_in_one_list),
        cmocka_unit_test(the_claim_of_the_device_itself),
        cmocka_unit_test(both_claims_at_once),
        cmocka_unit_test(the_static_bindings_side_by_side),
        cmocka_unit_test(maps),
        cmocka_unit_test(bad_maps),
        cmocka_unit_test(map_masks),
        cmocka_unit_test(map_masks_of_the_wrong_length),
        cmocka_unit_test(iommus_come_before_the_map),
        cmocka_unit_test(masters_of_an_old_smmu),
        cmocka_unit_test(bad_masters),
        cmocka_unit_test(units_without_cells_are_none),
        cmocka_unit_test(lists_that_end_too_early),
        cmocka_unit_test(phandles_in_any_order),
        cmocka_unit_test(the_other_names),
    };

    return cmocka_run_group_tests_name("devicetree_iommu", tests, NULL, NULL);
}

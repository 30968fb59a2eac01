/* SPDX-License-Identifier: MIT */
/* Trees with something wrong in them: an error that names the place, and the rest still counts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "devicetree_builder.h"
#include "unit.h"

enum { HEADER = sizeof(struct fdt_header) };

/* Something of everything, and no error in it. */
static void good_tree(struct tree_builder *builder)
{
    tree_begin(builder);
    tree_node(builder, "aliases");
    tree_string(builder, "net0", "/soc/net@1");
    tree_end(builder);
    tree_iommu(builder, "smmu", "arm,smmu-v3", 1, 1);
    tree_device(builder, "soc", "simple-bus");
    CELLS(builder, "#size-cells", 1);
    tree_device(builder, "net@1", "v,net");
    CELLS(builder, "iommus", 1, 7);
    tree_string(builder, "status", "okay");
    tree_end(builder);
    tree_device(builder, "pcie@2", "v,host");
    tree_string(builder, "device_type", "pci");
    CELLS(builder, "iommu-map-mask", 0xfff8);
    CELLS(builder, "iommu-map", 0, 1, 0, 8);
    tree_end(builder);
    tree_device(builder, "video@3", "v,video");
    CELLS(builder, "phandle", 3);
    CELLS(builder, "#interconnect-cells", 0);
    CELLS(builder, "interconnects", 3);
    tree_string(builder, "interconnect-names", "read");
    tree_end(builder);
    tree_node(builder, "leds");
    tree_string(builder, "compatible", "gpio-leds");
    tree_end(builder);
    tree_end(builder);
    tree_device(builder, "last", "v,dev");
    tree_flag(builder, "dma-coherent");
    tree_end(builder);
    tree_finish(builder);
}

static void expect_refused(const void *bytes, size_t size)
{
    struct devicetree *tree = (struct devicetree *)&tree;

    assert_int_equal(devicetree_parse(bytes, size, &tree), -EINVAL);
    assert_null(tree);
}

static void not_a_tree_at_all(void **state)
{
    struct tree_builder builder;
    uint8_t *large;
    size_t size;

    (void)state;
    good_tree(&builder);
    for (size = 0; size < HEADER; size++)
        expect_refused(builder.bytes, size);
    fdt_set_magic(builder.bytes, 0xd00dfeee);
    expect_refused(builder.bytes, builder.size);
    fdt_set_magic(builder.bytes, FDT_MAGIC);
    fdt_set_last_comp_version(builder.bytes, 18);
    fdt_set_version(builder.bytes, 18);
    expect_refused(builder.bytes, builder.size);
    fdt_set_version(builder.bytes, 1);
    fdt_set_last_comp_version(builder.bytes, 1);
    expect_refused(builder.bytes, builder.size);
    tree_free(&builder);

    good_tree(&builder);
    large = calloc(1, DEVICETREE_MAX_SIZE + 1);
    assert_non_null(large);
    memcpy(large, builder.bytes, builder.size);
    fdt_set_totalsize(large, DEVICETREE_MAX_SIZE + 1);
    expect_refused(large, DEVICETREE_MAX_SIZE + 1);
    free(large);
    tree_free(&builder);
}

static void bytes_after_the_tree(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;
    uint8_t *padded = calloc(1, DEVICETREE_MAX_SIZE + 1);

    (void)state;
    assert_non_null(padded);
    good_tree(&builder);
    memcpy(padded, builder.bytes, builder.size);
    memset(padded + builder.size, 0xff, 4096);
    tree = parse_bytes(padded, DEVICETREE_MAX_SIZE + 1, NULL, 0);
    assert_int_equal(tree->count, 8);
    devicetree_free(tree);
    free(padded);
    tree_free(&builder);
}

/* A node that mattered must not become one that does not, or get another IOMMU. */
static void expect_no_better(const struct devicetree *whole, const struct devicetree *part)
{
    size_t i;

    expect_sane(part);
    for (i = 0; i < part->count; i++) {
        const struct dt_device *now = &part->devices[i], *before = device_at(whole, now->path);

        assert_true(now->relevance >= DT_DMA_UNKNOWN || before->relevance < DT_DMA_UNKNOWN);
        if (now->iommu)
            expect_iommu(whole, now->path, now->iommu);
        assert_true(now->claim == DT_NO_CLAIM || now->claim == before->claim);
    }
}

static void cut_everywhere(const struct tree_builder *builder)
{
    struct devicetree *whole = parse_bytes(builder->bytes, builder->size, NULL, 0), *part;
    size_t size, most = 0;

    for (size = HEADER; size < builder->size; size++) {
        uint8_t *copy = malloc(size);

        assert_non_null(copy);
        memcpy(copy, builder->bytes, size);
        assert_int_equal(devicetree_parse(copy, size, &part), 0);
        free(copy);
        assert_non_null(strstr(part->errors[0], "the header says"));
        expect_no_better(whole, part);
        assert_true(part->count >= most);
        most = part->count;
        devicetree_free(part);
    }
    assert_int_equal(most, whole->count);
    devicetree_free(whole);
}

/* Moves the strings before the structure, so that the names outlive a cut. */
static void strings_first(struct tree_builder *builder)
{
    uint8_t *fdt = builder->bytes;
    uint32_t strings = (fdt_size_dt_strings(fdt) + 7) & ~7u, structure = fdt_size_dt_struct(fdt);
    uint8_t *moved = calloc(1, HEADER + strings + structure);

    assert_non_null(moved);
    memcpy(moved, fdt, HEADER);
    memcpy(moved + HEADER, fdt + fdt_off_dt_strings(fdt), fdt_size_dt_strings(fdt));
    memcpy(moved + HEADER + strings, fdt + fdt_off_dt_struct(fdt), structure);
    fdt_set_off_dt_strings(moved, HEADER);
    fdt_set_off_dt_struct(moved, HEADER + strings);
    fdt_set_totalsize(moved, HEADER + strings + structure);
    builder->size = HEADER + strings + structure;
    builder->bytes = moved;
    free(fdt);
}

static void cut_at_every_length(void **state)
{
    struct tree_builder builder;

    (void)state;
    good_tree(&builder);
    cut_everywhere(&builder);
    strings_first(&builder);
    cut_everywhere(&builder);
    tree_free(&builder);
}

/* Parses the tree, strings first, up to that many bytes before the end of a property's value. */
static struct devicetree *cut_in(const char *path, const char *property, size_t bytes,
                                 const char *error)
{
    const char *const errors[] = {"the header says", "structure not all in the tree", error};
    struct tree_builder builder;
    struct devicetree *tree;
    const char *value;
    int size;

    good_tree(&builder);
    strings_first(&builder);
    value = fdt_getprop(builder.bytes, fdt_path_offset(builder.bytes, path), property, &size);
    assert_non_null(value);
    tree = parse_bytes(builder.bytes,
                       (size_t)((const uint8_t *)value - builder.bytes) + (size_t)size - bytes,
                       errors, 3);
    assert_true(tree->incomplete);
    tree_free(&builder);
    return tree;
}

static void what_came_before_the_cut_counts(void **state)
{
    struct devicetree *tree;

    (void)state;
    tree = cut_in("/soc/net@1", "iommus", 1,
                  "/soc/net@1: iommus: structure cut off or damaged: nothing");
    expect_iommu(tree, "/soc/net@1", NULL);
    assert_string_equal(device_at(tree, "/soc/net@1")->compatible, "v,net");
    assert_true(device_at(tree, "/soc/net@1")->damaged);
    assert_false(device_at(tree, "/soc")->damaged);
    assert_false(device_at(tree, "/smmu")->damaged);
    assert_null(devicetree_find(tree, "/soc/pcie@2"));
    assert_string_equal(devicetree_alias(tree, "net0"), "/soc/net@1");
    devicetree_free(tree);

    tree = cut_in("/soc/net@1", "iommus", 0, "/soc/net@1: structure cut off or damaged: nothing");
    expect_iommu(tree, "/soc/net@1", "/smmu");
    assert_true(device_at(tree, "/soc/net@1")->damaged);
    devicetree_free(tree);
}

/* One field of the header, wrong. */
static void lie(void (*set)(void *fdt, uint32_t value), uint32_t value, const char *error,
                bool incomplete)
{
    struct tree_builder builder;
    struct devicetree *tree;

    good_tree(&builder);
    set(builder.bytes, value);
    assert_int_equal(devicetree_parse(builder.bytes, builder.size, &tree), 0);
    expect_sane(tree);
    if (error && (!tree->error_count || !strstr(tree->errors[0], error)))
        fail_msg("'%s' instead of '%s'", tree->error_count ? tree->errors[0] : "", error);
    if (!error)
        assert_int_equal(tree->error_count, 0);
    assert_int_equal(tree->incomplete, incomplete);
    devicetree_free(tree);
    tree_free(&builder);
}

static void lying_headers(void **state)
{
    (void)state;
    lie(fdt_set_totalsize, 0, "the header says 0 bytes", false);
    lie(fdt_set_totalsize, HEADER - 1, "the header says 39 bytes", false);
    lie(fdt_set_totalsize, HEADER, "structure not all in the tree", true);
    lie(fdt_set_totalsize, 200, "structure not all in the tree", true);
    lie(fdt_set_totalsize, UINT32_MAX, "the header says 4294967295 bytes", false);
    lie(fdt_set_off_dt_struct, UINT32_MAX, "structure not all in the tree", true);
    lie(fdt_set_off_dt_struct, 0, "structure not all in the tree", true);
    lie(fdt_set_off_dt_struct, HEADER, "nothing after it can be read", true);
    lie(fdt_set_off_dt_struct, HEADER + 2, "nothing after it can be read", true);
    lie(fdt_set_size_dt_struct, UINT32_MAX, "structure not all in the tree", false);
    lie(fdt_set_size_dt_struct, 0, "nothing after it can be read", true);
    lie(fdt_set_off_dt_strings, UINT32_MAX, "strings not all in the tree", false);
    lie(fdt_set_size_dt_strings, UINT32_MAX, "strings not all in the tree", false);
    lie(fdt_set_size_dt_strings, 0, "property without a name", false);
    /* Nobody reads these two. */
    lie(fdt_set_off_mem_rsvmap, UINT32_MAX, NULL, false);
    lie(fdt_set_boot_cpuid_phys, UINT32_MAX, NULL, false);
}

static void a_tree_of_version_16(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    good_tree(&builder);
    fdt_set_version(builder.bytes, 16);
    fdt_set_size_dt_struct(builder.bytes, UINT32_MAX); /* not a field yet */
    tree = PARSE_GOOD(&builder);
    assert_int_equal(tree->count, 8);
    devicetree_free(tree);
}

static void values_of_the_wrong_form(void **state)
{
    const struct {
        const char *name;
        const char *value;
        size_t size;
        const char *error;
    } rows[] = {
        {"compatible", "", 0, "no string in 0 bytes"},
        {"compatible", "v,dev", 5, "no string in 5 bytes"},
        {"status", "okay", 4, "no string in 4 bytes"},
        {"device_type", "pci", 3, "no string in 3 bytes"},
        {"interconnect-names", "dma-mem", 7, "no string in 7 bytes"},
        {"xen,iommu", "on", 2, "no string in 2 bytes"},
        {"xen,path", "/a", 2, "no string in 2 bytes"},
        {"phandle", "\0\0\0", 3, "not one cell in 3 bytes"},
        {"phandle", "\0\0\0\1\0\0\0\1", 8, "not one cell in 8 bytes"},
        {"linux,phandle", "", 0, "not one cell in 0 bytes"},
        {"iommu-map-mask", "\0\0", 2, "not one cell in 2 bytes"},
        {"iommus", "", 0, "no whole number of cells in 0 bytes"},
        {"iommus", "\0\0\0\1\0", 5, "no whole number of cells in 5 bytes"},
        {"iommu-map", "\0", 1, "no whole number of cells in 1 bytes"},
        {"mmu-masters", "\0\0\0", 3, "no whole number of cells in 3 bytes"},
        {"interconnects", "\0\0\0\0\0\0", 6, "no whole number of cells in 6 bytes"},
        {"#iommu-cells", "\0\0\0", 3, "not one cell in 3 bytes"},
        {"#iommu-cells", "\0\0\0\x11", 4, "more cells than any specifier has in 4 bytes"},
        {"#iommu-cells", "\xff\xff\xff\xff", 4, "more cells than any specifier has"},
        {"#stream-id-cells", "\x80\0\0\0", 4, "more cells than any specifier has"},
        {"#size-cells", "", 0, "not one cell in 0 bytes"},
        {"#interconnect-cells", "\1\0\0\0", 4, "more cells than any specifier has"},
        {"#dma-cells", "\1\0\0\0", 4, "more cells than any specifier has"},
        {"#vendor-cells", "\1\0\0\0", 4, "more cells than any specifier has"},
        {"#address-cells", "\0\0\0\0\0\0\0\2", 8, "not one cell in 8 bytes"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tree_builder builder;
        struct devicetree *tree;
        char error[128];

        tree_begin(&builder);
        tree_node(&builder, "bad@1");
        tree_property(&builder, rows[i].name, rows[i].value, rows[i].size);
        tree_end(&builder);
        tree_device(&builder, "good", "v,dev");
        tree_end(&builder);
        tree_finish(&builder);
        snprintf(error, sizeof(error), "/bad@1: %s: %s", rows[i].name, rows[i].error);
        tree = PARSE_BAD(&builder, error);
        assert_int_equal(device_at(tree, "/good")->relevance, DT_DMA_UNKNOWN);
        assert_false(device_at(tree, "/good")->damaged);
        devicetree_free(tree);
    }
}

static void values_that_only_look_wrong(void **state)
{
    const struct {
        const char *name;
        const char *value;
        size_t size;
    } rows[] = {
        {"#iommu-cells", "\0\0\0\x10", 4},
        {"#-cells", "\0\0\0\x10", 4},
        {"vendor-cells", "\1\0\0\0\1", 5},
        {"#vendor-count", "\1\0\0\0\1", 5},
        {"#cells", "\1\0\0\0\1", 5},
        {"-cells", "\1\0\0\0\1", 5},
        {"reg", "", 0},
        {"dma-coherent", "no", 2},
        {"status", "a\0b", 4},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tree_builder builder;

        tree_begin(&builder);
        tree_property(&builder, rows[i].name, rows[i].value, rows[i].size);
        tree_finish(&builder);
        devicetree_free(PARSE_GOOD(&builder));
    }
}

static void lists_with_a_bad_target(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    tree_device(&builder, "iommu", "v,iommu");
    CELLS(&builder, "phandle", 1);
    CELLS(&builder, "#iommu-cells", 0x40000000);
    tree_end(&builder);
    tree_device(&builder, "dev", "v,dev");
    CELLS(&builder, "iommus", 1, 2);
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_BAD(&builder, "/iommu: #iommu-cells: more cells than any specifier has",
                     "/dev: iommus: 0x1 has no #iommu-cells");
    expect_iommu(tree, "/dev", NULL);
    assert_true(device_at(tree, "/iommu")->is_iommu);
    devicetree_free(tree);
}

static void phandles_that_are_none(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    tree_iommu(&builder, "zero", "v,iommu", 0, 0);
    tree_iommu(&builder, "unresolved", "v,iommu", UINT32_MAX, 0);
    tree_device(&builder, "dev", "v,dev");
    CELLS(&builder, "iommus", 0);
    tree_end(&builder);
    tree_device(&builder, "overlay", "v,dev");
    CELLS(&builder, "iommus", UINT32_MAX);
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_BAD(&builder, "/zero: phandle: 0x0 is no phandle",
                     "/unresolved: phandle: 0xffffffff is no phandle");
    assert_true(device_at(tree, "/dev")->dangling);
    assert_true(device_at(tree, "/overlay")->dangling);
    devicetree_free(tree);
}

static void what_is_there_twice(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    tree_node(&builder, "aliases");
    tree_string(&builder, "a", "/first");
    tree_string(&builder, "a", "/second");
    tree_end(&builder);
    tree_iommu(&builder, "first", "v,iommu", 1, 0);
    tree_iommu(&builder, "second", "v,iommu", 1, 0);
    tree_device(&builder, "dev", "v,dev");
    CELLS(&builder, "iommus", 1);
    CELLS(&builder, "iommus", 2);
    tree_end(&builder);
    tree_device(&builder, "dev", "v,other");
    tree_flag(&builder, "xen,passthrough");
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_BAD(&builder, "/dev: iommus: there twice, the first one counts",
                     "/second: phandle: 0x1 is that of first too, which counts",
                     "/dev: there twice, the first one counts", "a: an alias that is there twice");
    assert_int_equal(tree->count, 4);
    expect_iommu(tree, "/dev", "/first");
    assert_string_equal(device_at(tree, "/dev")->compatible, "v,dev");
    assert_false(device_at(tree, "/dev")->passthrough);
    assert_string_equal(devicetree_alias(tree, "a"), "/first");
    devicetree_free(tree);
}

/* IOMMUs behind each other in a circle of that many, and one device behind the first. */
static struct devicetree *circle_of(uint32_t count, const char *error)
{
    struct tree_builder builder;
    uint32_t i;

    tree_begin(&builder);
    for (i = 1; i <= count; i++) {
        char name[16];

        snprintf(name, sizeof(name), "iommu@%u", i);
        tree_device(&builder, name, "v,iommu");
        CELLS(&builder, "phandle", i);
        CELLS(&builder, "#iommu-cells", 0);
        CELLS(&builder, "iommus", i % count + 1);
        tree_end(&builder);
    }
    tree_device(&builder, "dev", "v,dev");
    CELLS(&builder, "iommus", 1);
    tree_end(&builder);
    tree_finish(&builder);
    return PARSE_BAD(&builder, error);
}

static void circles_of_iommus(void **state)
{
    struct devicetree *tree;

    (void)state;
    tree = circle_of(1, "/iommu@1: iommus: leads back to iommu@1 in a circle");
    expect_iommu(tree, "/dev", "/iommu@1");
    expect_iommu(tree, "/iommu@1", NULL);
    devicetree_free(tree);
    tree = circle_of(2, "/iommu@2: iommus: leads back to iommu@1 in a circle");
    expect_iommu(tree, "/iommu@1", "/iommu@2");
    expect_iommu(tree, "/iommu@2", NULL);
    devicetree_free(tree);
    tree = circle_of(99, "/iommu@99: iommus: leads back to iommu@1 in a circle");
    expect_iommu(tree, "/iommu@98", "/iommu@99");
    expect_iommu(tree, "/iommu@99", NULL);
    expect_iommu(tree, "/dev", "/iommu@1");
    devicetree_free(tree);
}

static void circles_of_interconnects(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    tree_flag(&builder, "dma-coherent");
    tree_device(&builder, "a", "v,noc");
    CELLS(&builder, "phandle", 1);
    CELLS(&builder, "#interconnect-cells", 0);
    CELLS(&builder, "interconnects", 2);
    tree_string(&builder, "interconnect-names", "dma-mem");
    tree_device(&builder, "b", "v,noc");
    CELLS(&builder, "phandle", 2);
    CELLS(&builder, "#interconnect-cells", 0);
    tree_end(&builder);
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_BAD(&builder, "/a/b: interconnects: leads back to a in a circle");
    assert_false(device_at(tree, "/a")->dma_coherent);
    devicetree_free(tree);
}

static void bad_interconnects(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    tree_flag(&builder, "dma-coherent");
    tree_device(&builder, "noc", "v,noc");
    CELLS(&builder, "phandle", 1);
    tree_end(&builder);
    tree_device(&builder, "dev", "v,dev");
    CELLS(&builder, "interconnects", 1);
    tree_string(&builder, "interconnect-names", "dma-mem");
    tree_end(&builder);
    tree_device(&builder, "fewer", "v,dev");
    tree_string(&builder, "interconnect-names", "dma-mem");
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_BAD(&builder, "/dev: interconnects: 0x1 has no #interconnect-cells");
    assert_true(device_at(tree, "/dev")->dma_coherent);
    assert_true(device_at(tree, "/fewer")->dma_coherent);
    devicetree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_a_tree_at_all),
        cmocka_unit_test(bytes_after_the_tree),
        cmocka_unit_test(cut_at_every_length),
        cmocka_unit_test(what_came_before_the_cut_counts),
        cmocka_unit_test(lying_headers),
        cmocka_unit_test(a_tree_of_version_16),
        cmocka_unit_test(values_of_the_wrong_form),
        cmocka_unit_test(values_that_only_look_wrong),
        cmocka_unit_test(lists_with_a_bad_target),
        cmocka_unit_test(phandles_that_are_none),
        cmocka_unit_test(what_is_there_twice),
        cmocka_unit_test(circles_of_iommus),
        cmocka_unit_test(circles_of_interconnects),
        cmocka_unit_test(bad_interconnects),
    };

    return cmocka_run_group_tests_name("devicetree_malformed", tests, NULL, NULL);
}

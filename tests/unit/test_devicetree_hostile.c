/* SPDX-License-Identifier: MIT */
/* Trees that no tool would write: damaged structure, any bytes. No crash, and what can be read
 * still counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "devicetree_builder.h"
#include "unit.h"

enum { CELL = 4, MUTANTS = 20000 };

/* A tree of three nodes: /a, which is damaged at will, and what is before and after it. */
static void three_nodes(struct tree_builder *builder)
{
    tree_begin(builder);
    tree_device(builder, "before", "v,dev");
    tree_end(builder);
    tree_node(builder, "a");
    tree_string(builder, "compatible", "gpio-leds");
    CELLS(builder, "value", 1);
    tree_end(builder);
    tree_device(builder, "after", "v,dev");
    tree_end(builder);
    tree_finish(builder);
}

/* The cells of a property's token: FDT_PROP, length, offset of the name, value. */
static fdt32_t *token_of(struct tree_builder *builder, const char *path, const char *property)
{
    int node = fdt_path_offset(builder->bytes, path), len;
    const struct fdt_property *found = fdt_get_property(builder->bytes, node, property, &len);

    assert_non_null(found);
    return (fdt32_t *)(builder->bytes + ((const uint8_t *)found - builder->bytes));
}

/* Parses a tree whose structure cannot be followed in or after /a. */
static void expect_the_rest_lost(struct tree_builder *builder, const char *error)
{
    struct devicetree *tree = PARSE_BAD(builder, error);

    assert_true(tree->incomplete);
    assert_int_equal(device_at(tree, "/before")->relevance, DT_DMA_UNKNOWN);
    assert_false(device_at(tree, "/before")->damaged);
    assert_null(devicetree_find(tree, "/after"));
    devicetree_free(tree);
}

static void lengths_that_libfdt_computes_with(void **state)
{
    const uint32_t lengths[] = {0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffff4, 0xfffffff5,
                                0xfffffff8, 0xfffffffc, 0xffffffff, 0x00100000};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        struct tree_builder builder;

        three_nodes(&builder);
        fdt32_st(token_of(&builder, "/a", "value") + 1, lengths[i]);
        expect_the_rest_lost(&builder, "/a: value: structure");
    }
}

static void tokens_that_are_none(void **state)
{
    const uint32_t tokens[] = {0, 5, 8, 10, 0x01000000, UINT32_MAX};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
        struct tree_builder builder;

        three_nodes(&builder);
        fdt32_st(token_of(&builder, "/a", "value"), tokens[i]);
        expect_the_rest_lost(&builder, "/a: structure cut off or damaged");
    }
}

static void an_end_in_the_middle(void **state)
{
    struct tree_builder builder;

    (void)state;
    three_nodes(&builder);
    fdt32_st(token_of(&builder, "/a", "value"), FDT_END);
    expect_the_rest_lost(&builder, "/a: end of the tree before that of its nodes");
}

static void a_damaged_node_is_not_harmless(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    three_nodes(&builder);
    tree = parse_bytes(builder.bytes, builder.size, NULL, 0);
    assert_int_equal(device_at(tree, "/a")->relevance, DT_NO_DMA);
    devicetree_free(tree);
    fdt32_st(token_of(&builder, "/a", "value"), FDT_END);
    tree = PARSE_BAD(&builder, "/a: end of the tree");
    assert_int_equal(device_at(tree, "/a")->relevance, DT_DMA_UNKNOWN);
    devicetree_free(tree);
}

static void names_out_of_range(void **state)
{
    const uint32_t offsets[] = {0x7fffffff, UINT32_MAX, 4096};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
        struct tree_builder builder;
        struct devicetree *tree;

        three_nodes(&builder);
        fdt32_st(token_of(&builder, "/a", "value") + 2, offsets[i]);
        tree = PARSE_BAD(&builder, "/a: property without a name at 0x");
        assert_true(device_at(tree, "/a")->damaged);
        assert_int_equal(device_at(tree, "/a")->relevance, DT_DMA_UNKNOWN);
        assert_string_equal(device_at(tree, "/a")->compatible, "gpio-leds");
        assert_false(device_at(tree, "/after")->damaged);
        assert_false(tree->incomplete);
        devicetree_free(tree);
    }
}

static void a_node_that_ends_twice(void **state)
{
    struct tree_builder builder;
    fdt32_t *token;
    int i;

    (void)state;
    three_nodes(&builder);
    token = token_of(&builder, "/a", "value");
    for (i = 0; i < 4; i++)
        fdt32_st(token + i, FDT_END_NODE);
    expect_the_rest_lost(&builder, "end of a node that did not begin");

    three_nodes(&builder);
    token = token_of(&builder, "/a", "value");
    for (i = 0; i < 2; i++)
        fdt32_st(token + i, FDT_END_NODE);
    fdt32_st(token + 2, FDT_BEGIN_NODE);
    fdt32_st(token + 3, 0);
    expect_the_rest_lost(&builder, "second root");

    three_nodes(&builder);
    token = token_of(&builder, "/a", "compatible");
    for (i = 0; i < 6; i++)
        fdt32_st(token + i, i < 2 ? FDT_END_NODE : FDT_NOP);
    expect_the_rest_lost(&builder, "property outside the root");
}

static void a_node_that_does_not_end(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    three_nodes(&builder);
    fdt32_st(token_of(&builder, "/a", "value") + 4, FDT_NOP); /* its end */
    tree = PARSE_BAD(&builder, "/: end of the tree before that of its nodes");
    assert_non_null(devicetree_find(tree, "/a/after"));
    assert_true(tree->incomplete);
    devicetree_free(tree);
}

static void properties_after_nodes(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;
    fdt32_t *token;

    (void)state;
    tree_begin(&builder);
    tree_node(&builder, "a");
    CELLS(&builder, "hole", 1, 2, 3);
    tree_string(&builder, "compatible", "gpio-leds");
    tree_end(&builder);
    tree_finish(&builder);
    token = token_of(&builder, "/a", "hole");
    fdt32_st(token, FDT_BEGIN_NODE);
    memcpy(token + 1, "b\0\0", CELL);
    fdt32_st(token + 2, FDT_END_NODE);
    fdt32_st(token + 3, FDT_NOP);
    fdt32_st(token + 4, FDT_NOP);
    fdt32_st(token + 5, FDT_NOP);
    tree = PARSE_BAD(&builder, "/a: compatible: property after a node, which nobody reads");
    assert_non_null(devicetree_find(tree, "/a/b"));
    assert_string_equal(device_at(tree, "/a")->compatible, "");
    devicetree_free(tree);
}

static void names_that_are_none(void **state)
{
    const char *const names[] = {"", "x/y", "/", "//"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct tree_builder builder;
        struct devicetree *tree;

        tree_begin(&builder);
        tree_node(&builder, "a");
        tree_node(&builder, names[i]);
        tree_string(&builder, "compatible", "v,dev");
        tree_node(&builder, "below");
        CELLS(&builder, "phandle", 1);
        CELLS(&builder, "#iommu-cells", 0);
        tree_end(&builder);
        tree_end(&builder);
        tree_device(&builder, "b", "v,dev");
        CELLS(&builder, "iommus", 1);
        tree_end(&builder);
        tree_end(&builder);
        tree_finish(&builder);
        tree = PARSE_BAD(&builder, "/a: a node below it has the name \"");
        assert_int_equal(tree->count, 2);
        assert_true(device_at(tree, "/a/b")->dangling);
        devicetree_free(tree);
    }
}

static void places_too_long_to_name_whole(void **state)
{
    struct tree_builder builder;
    int i;

    (void)state;
    tree_begin(&builder);
    for (i = 0; i < 10; i++) {
        char name[16];

        snprintf(name, sizeof(name), "0123456789-%c", 'a' + i);
        tree_node(&builder, name);
    }
    tree_property(&builder, "status", "", 0);
    for (i = 0; i < 10; i++)
        tree_end(&builder);
    tree_finish(&builder);
    devicetree_free(PARSE_BAD(&builder, "...89-b/0123456789-c/0123456789-d/0123456789-e/"
                                        "0123456789-f/0123456789-g/0123456789-h/0123456789-i/"
                                        "0123456789-j: status: no string in 0 bytes"));
}

static void names_of_any_bytes(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    tree_node(&builder, "\x1b[2J\xff,_2f@ ~\x7f");
    tree_property(&builder, "status", "", 0);
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_BAD(&builder, "/?[2J?,_2f@ ~?: status: no string");
    assert_false(device_at(tree, "/\x1b[2J\xff,_2f@ ~\x7f")->enabled);
    devicetree_free(tree);
}

static uint32_t random_state = 0x2545f491;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

/* Something of everything. */
static void rich_tree(struct tree_builder *builder)
{
    tree_begin(builder);
    tree_node(builder, "aliases");
    tree_string(builder, "a", "/bus/dev");
    tree_end(builder);
    tree_iommu(builder, "iommu@1", "arm,smmu-v3", 1, 1);
    tree_iommu(builder, "iommu@2", "xen,grant-dma", 2, 0);
    tree_node(builder, "bus");
    tree_string(builder, "compatible", "simple-bus");
    CELLS(builder, "#size-cells", 0);
    tree_device(builder, "dev", "v,dev");
    CELLS(builder, "phandle", 3);
    CELLS(builder, "#stream-id-cells", 1);
    CELLS(builder, "#interconnect-cells", 1);
    CELLS(builder, "iommus", 1, 5, 2);
    CELLS(builder, "interconnects", 3, 0);
    tree_string(builder, "interconnect-names", "dma-mem");
    tree_string(builder, "xen,iommu", "on");
    tree_end(builder);
    tree_device(builder, "pcie", "v,host");
    tree_string(builder, "device_type", "pci");
    CELLS(builder, "iommu-map", 0, 1, 0, 8, 8, 2, 0, 8);
    CELLS(builder, "iommu-map-mask", 0xffff);
    tree_end(builder);
    tree_device(builder, "smmu", "arm,mmu-400");
    CELLS(builder, "mmu-masters", 3, 9);
    tree_string(builder, "status", "okay");
    tree_end(builder);
    tree_end(builder);
    tree_finish(builder);
}

static void mutate(uint8_t *bytes, size_t size)
{
    const uint32_t words[] = {0, 1, 2, 3, 4, 9, 0x7fffffff, 0x80000000, 0xfffffff4, 0xffffffff};
    uint32_t changes = next_random() % 8 + 1;

    while (changes--) {
        size_t at = next_random() % size;

        if (next_random() % 2)
            bytes[at] = (uint8_t)next_random();
        else if (at / CELL * CELL + CELL <= size)
            fdt32_st(bytes + at / CELL * CELL,
                     words[next_random() % (sizeof(words) / sizeof(*words))]);
    }
}

static void any_change(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;
    unsigned int i, read = 0;

    (void)state;
    rich_tree(&builder);
    for (i = 0; i < MUTANTS; i++) {
        uint8_t *copy = malloc(builder.size);

        assert_non_null(copy);
        memcpy(copy, builder.bytes, builder.size);
        mutate(copy, builder.size);
        if (devicetree_parse(copy, builder.size, &tree) == 0) {
            expect_sane(tree);
            devicetree_free(tree);
            read++;
        }
        free(copy);
    }
    tree_free(&builder);
    /* Most changes are not in the header. */
    assert_in_range(read, MUTANTS / 2, MUTANTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_that_libfdt_computes_with),
        cmocka_unit_test(tokens_that_are_none),
        cmocka_unit_test(an_end_in_the_middle),
        cmocka_unit_test(a_damaged_node_is_not_harmless),
        cmocka_unit_test(names_out_of_range),
        cmocka_unit_test(a_node_that_ends_twice),
        cmocka_unit_test(a_node_that_does_not_end),
        cmocka_unit_test(properties_after_nodes),
        cmocka_unit_test(names_that_are_none),
        cmocka_unit_test(places_too_long_to_name_whole),
        cmocka_unit_test(names_of_any_bytes),
        cmocka_unit_test(any_change),
    };

    return cmocka_run_group_tests_name("devicetree_hostile", tests, NULL, NULL);
}

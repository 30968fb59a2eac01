/* SPDX-License-Identifier: MIT */
/* Trees that are too much of something: the work stays in proportion to their size, the memory
 * bounded, and what is left out is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "devicetree_builder.h"
#include "unit.h"

enum { CELL = 4 };

/* A tree laid out by hand. */
struct raw {
    fdt32_t *fdt;
    fdt32_t *at; /* where the next token goes */
    size_t size;
};

/* A tree of that size, whose strings are its last bytes, with the root open. */
static void raw_begin(struct raw *raw, size_t size, const char *strings, size_t strings_size)
{
    uint32_t structure = sizeof(struct fdt_header), end = (uint32_t)(size - strings_size);

    raw->size = size;
    raw->fdt = calloc(1, size);
    assert_non_null(raw->fdt);
    raw->at = raw->fdt + structure / CELL;
    fdt_set_magic(raw->fdt, FDT_MAGIC);
    fdt_set_totalsize(raw->fdt, (uint32_t)size);
    fdt_set_version(raw->fdt, 17);
    fdt_set_last_comp_version(raw->fdt, 16);
    fdt_set_off_dt_struct(raw->fdt, structure);
    fdt_set_size_dt_struct(raw->fdt, end - structure);
    fdt_set_off_dt_strings(raw->fdt, end);
    fdt_set_size_dt_strings(raw->fdt, (uint32_t)strings_size);
    if (strings_size)
        memcpy((char *)raw->fdt + end, strings, strings_size);
    fdt32_st(raw->at++, FDT_BEGIN_NODE);
    raw->at++;
}

/* Begins a node; its name is so many times that letter. */
static void raw_node(struct raw *raw, char letter, size_t length)
{
    fdt32_st(raw->at++, FDT_BEGIN_NODE);
    memset(raw->at, letter, length);
    raw->at += length / CELL + 1;
}

/* A property without a value, whose name is at that offset. */
static void raw_property(struct raw *raw, uint32_t name)
{
    fdt32_st(raw->at, FDT_PROP);
    fdt32_st(raw->at + 2, name);
    raw->at += 3;
}

static void raw_end(struct raw *raw)
{
    fdt32_st(raw->at++, FDT_END_NODE);
}

static size_t raw_room(const struct raw *raw)
{
    size_t used = (size_t)(raw->at - raw->fdt) * CELL;

    return raw->size - fdt_size_dt_strings(raw->fdt) - used;
}

/* Closes the root and parses. */
static struct devicetree *raw_parse(struct raw *raw)
{
    struct devicetree *tree;

    raw_end(raw);
    fdt32_st(raw->at, FDT_END);
    assert_int_equal(devicetree_parse(raw->fdt, raw->size, &tree), 0);
    free(raw->fdt);
    expect_sane(tree);
    return tree;
}

/* So many nodes in each other, with names of that length. */
static struct devicetree *nested(size_t depth, size_t length)
{
    size_t node = (2 + length / CELL + 1) * CELL, i;
    struct raw raw;

    raw_begin(&raw, sizeof(struct fdt_header) + depth * node + 4 * CELL, NULL, 0);
    for (i = 0; i < depth; i++)
        raw_node(&raw, 'x', length);
    for (i = 0; i < depth; i++)
        raw_end(&raw);
    return raw_parse(&raw);
}

static void nesting(void **state)
{
    struct devicetree *tree;

    (void)state;
    tree = nested(1023, 1);
    assert_int_equal(tree->count, 1023);
    assert_int_equal(tree->error_count, 0);
    assert_false(tree->incomplete);
    assert_int_equal(strlen(tree->devices[1022].path), 2046);
    devicetree_free(tree);

    tree = nested(100000, 1);
    assert_int_equal(tree->count, 1023);
    assert_int_equal(tree->error_count, 1);
    assert_non_null(
        strstr(tree->errors[0], "/x/x: a path of 2048 bytes: left out, with all below"));
    assert_memory_equal(tree->errors[0], "...", 3);
    assert_true(tree->incomplete);
    devicetree_free(tree);
}

static void names_up_to_the_limit(void **state)
{
    struct devicetree *tree;

    (void)state;
    tree = nested(1, DEVICETREE_PATH_MAX - 2);
    assert_int_equal(tree->count, 1);
    assert_false(tree->incomplete);
    devicetree_free(tree);
    tree = nested(1, DEVICETREE_PATH_MAX - 1);
    assert_int_equal(tree->count, 0);
    assert_int_equal(tree->error_count, 1);
    assert_true(tree->incomplete);
    devicetree_free(tree);
    tree = nested(1, 100000);
    assert_int_equal(tree->count, 0);
    devicetree_free(tree);
}

static void more_paths_than_memory_for_them(void **state)
{
    struct devicetree *tree;
    struct raw raw;
    size_t total = 0, i;

    (void)state;
    raw_begin(&raw, DEVICETREE_MAX_SIZE, NULL, 0);
    raw_node(&raw, 'x', 1900);
    for (i = 0; raw_room(&raw) > 16 * CELL; i++) {
        /* Each with a name of its own. */
        char *name = (char *)(raw.at + 1);

        raw_node(&raw, 'n', 7);
        snprintf(name, 8, "%05zx", i);
        raw_end(&raw);
    }
    raw_end(&raw);
    assert_in_range(i, 100000, 200000);
    tree = raw_parse(&raw);
    for (i = 0; i < tree->count; i++)
        total += strlen(tree->devices[i].path) + 1;
    assert_in_range(total, 15 * 1024 * 1024, 16 * 1024 * 1024);
    assert_int_equal(tree->error_count, 1);
    assert_non_null(strstr(tree->errors[0], "bytes of paths: left out"));
    assert_true(tree->incomplete);
    devicetree_free(tree);
}

/* Two MiB: /aliases with as many properties as fit, whose names in turn are those in the strings at
 * these two offsets. */
static struct devicetree *crowded_aliases(const char *strings, size_t size, uint32_t first,
                                          uint32_t second)
{
    struct devicetree *tree;
    struct raw raw;
    size_t i;

    raw_begin(&raw, DEVICETREE_MAX_SIZE, strings, size);
    memcpy(raw.at + 1, "aliases", 2 * CELL);
    fdt32_st(raw.at, FDT_BEGIN_NODE);
    raw.at += 3;
    for (i = 0; raw_room(&raw) > 16 * CELL; i++)
        raw_property(&raw, i % 2 ? first : second);
    raw_end(&raw);
    tree = raw_parse(&raw);
    assert_false(tree->incomplete);
    return tree;
}

/* Each of these would take minutes if the work grew with the square of the size. */
static void names_that_are_shared(void **state)
{
    enum { SHARED = 1024 * 1024 };
    char *name = malloc(SHARED);
    struct devicetree *tree;

    (void)state;
    assert_non_null(name);
    memset(name, 'x', SHARED);
    name[SHARED - 1] = '\0';
    tree = crowded_aliases(name, SHARED, 0, 1);
    assert_int_equal(tree->error_count, DEVICETREE_ERRORS_MAX);
    assert_non_null(strstr(tree->errors[0], "/aliases: property without a name at 0x"));
    assert_int_equal(tree->alias_count, 0);
    devicetree_free(tree);
    free(name);
}

static void crowds_of_properties(void **state)
{
    struct devicetree *tree;

    (void)state;
    tree = crowded_aliases("a\0dma-coherent\0", 16, 0, 2);
    assert_int_equal(tree->error_count, DEVICETREE_ERRORS_MAX);
    assert_true(tree->errors_lost > 100000);
    devicetree_free(tree);
}

static void crowds_of_references(void **state)
{
    enum { LONG = 64 * 1024, MANY = 32 * 1024 };
    uint32_t *cells = malloc(MANY * sizeof(*cells));
    char *strings = calloc(1, LONG);
    struct tree_builder builder;
    struct devicetree *tree;
    size_t i;

    (void)state;
    assert_non_null(cells);
    assert_non_null(strings);
    for (i = 0; i < MANY; i++)
        cells[i] = 1;
    tree_begin(&builder);
    tree_node(&builder, "iommu");
    tree_property(&builder, "compatible", strings, LONG);
    CELLS(&builder, "phandle", 1);
    CELLS(&builder, "#iommu-cells", 0);
    tree_end(&builder);
    tree_node(&builder, "dev");
    tree_cells(&builder, "iommus", cells, MANY);
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_GOOD(&builder);
    expect_iommu(tree, "/dev", "/iommu");
    devicetree_free(tree);
    free(strings);
    free(cells);
}

static void more_errors_than_are_kept(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;
    size_t i;

    (void)state;
    tree_begin(&builder);
    for (i = 0; i < DEVICETREE_ERRORS_MAX + 10; i++) {
        char name[32];

        snprintf(name, sizeof(name), "dev@%zu", i);
        tree_node(&builder, name);
        tree_flag(&builder, "#a-property-whose-name-is-longer-than-any-that-is-in-use-cells");
        tree_end(&builder);
    }
    tree_finish(&builder);
    assert_int_equal(devicetree_parse(builder.bytes, builder.size, &tree), 0);
    tree_free(&builder);
    expect_sane(tree);
    assert_int_equal(tree->count, DEVICETREE_ERRORS_MAX + 10);
    assert_int_equal(tree->error_count, DEVICETREE_ERRORS_MAX);
    assert_int_equal(tree->errors_lost, 10);
    assert_string_equal(tree->errors[0], "/dev@0: #a-property-whose-name-is-longer: "
                                         "not one cell in 0 bytes");
    devicetree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nesting),
        cmocka_unit_test(names_up_to_the_limit),
        cmocka_unit_test(more_paths_than_memory_for_them),
        cmocka_unit_test(names_that_are_shared),
        cmocka_unit_test(crowds_of_properties),
        cmocka_unit_test(crowds_of_references),
        cmocka_unit_test(more_errors_than_are_kept),
    };

    return cmocka_run_group_tests_name("devicetree_limits", tests, NULL, NULL);
}

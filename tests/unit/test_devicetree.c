/* SPDX-License-Identifier: MIT */
/* What the device tree walker reads of a node, apart from IOMMUs and the rule of what matters. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devicetree_builder.h"
#include "unit.h"

/* The call that is to fail, counted down; 0 for none. */
static unsigned int failing_call;

void *__wrap_calloc(size_t count, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);

static bool fails_now(void)
{
    return failing_call && --failing_call == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

/* A node at that path with one property. */
static struct devicetree *with_property(const char *name, const void *value, size_t size)
{
    struct tree_builder builder;

    tree_begin(&builder);
    tree_device(&builder, "dev@0", "v,dev");
    tree_property(&builder, name, value, size);
    tree_end(&builder);
    tree_finish(&builder);
    return PARSE_GOOD(&builder);
}

static void nothing_but_a_root(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    tree_finish(&builder);
    tree = PARSE_GOOD(&builder);
    assert_int_equal(tree->count, 0);
    assert_int_equal(tree->alias_count, 0);
    assert_false(tree->incomplete);
    assert_null(devicetree_find(tree, "/"));
    assert_null(devicetree_find(tree, "/a"));
    assert_null(devicetree_alias(tree, "serial0"));
    devicetree_free(tree);
}

static void paths_of_any_depth_in_order(void **state)
{
    const char *const order[] = {
        "/a", "/a/b@1,2", "/a/b@1,2/c", "/a/b@1,2/c/d", "/a/b@1,2/c/d/e", "/a-first", "/b"};
    struct tree_builder builder;
    struct devicetree *tree;
    size_t i;

    (void)state;
    tree_begin(&builder);
    tree_node(&builder, "b");
    tree_end(&builder);
    tree_node(&builder, "a");
    tree_node(&builder, "b@1,2");
    tree_node(&builder, "c");
    tree_node(&builder, "d");
    tree_node(&builder, "e");
    for (i = 0; i < 5; i++)
        tree_end(&builder);
    tree_node(&builder, "a-first");
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_GOOD(&builder);
    assert_int_equal(tree->count, 7);
    /* In the order of strcmp(), where '-' comes before '/'. */
    assert_string_equal(tree->devices[0].path, order[0]);
    assert_string_equal(tree->devices[1].path, order[5]);
    for (i = 0; i < 7; i++)
        assert_string_equal(device_at(tree, order[i])->path, order[i]);
    assert_null(devicetree_find(tree, "/a/b"));
    assert_null(devicetree_find(tree, "/a/"));
    assert_null(devicetree_find(tree, ""));
    devicetree_free(tree);
}

static void aliases(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    tree_node(&builder, "aliases");
    CELLS(&builder, "phandle", 1);
    tree_string(&builder, "serial0", "/soc/uart@0");
    tree_string(&builder, "ethernet0", "/soc/gone@1");
    tree_property(&builder, "bad", "/soc", 4);
    tree_end(&builder);
    tree_node(&builder, "soc");
    tree_node(&builder, "aliases");
    tree_string(&builder, "serial1", "/not/this/node");
    tree_end(&builder);
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_BAD(&builder, "/aliases: bad: no string in 4 bytes");
    assert_int_equal(tree->alias_count, 2);
    assert_string_equal(devicetree_alias(tree, "serial0"), "/soc/uart@0");
    assert_string_equal(devicetree_alias(tree, "ethernet0"), "/soc/gone@1");
    assert_null(devicetree_alias(tree, "bad"));
    assert_null(devicetree_alias(tree, "serial1"));
    assert_null(devicetree_alias(tree, "phandle"));
    devicetree_free(tree);
}

static void compatible(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    tree_node(&builder, "none");
    tree_end(&builder);
    tree_node(&builder, "one");
    tree_string(&builder, "compatible", "v,one");
    tree_end(&builder);
    tree_node(&builder, "several");
    tree_property(&builder, "compatible", "v,special\0v,general", 20);
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_GOOD(&builder);
    assert_string_equal(device_at(tree, "/none")->compatible, "");
    assert_string_equal(device_at(tree, "/one")->compatible, "v,one");
    assert_string_equal(device_at(tree, "/several")->compatible, "v,special");
    devicetree_free(tree);
}

static void status_of_the_node(void **state)
{
    const struct {
        const char *status;
        bool enabled;
    } rows[] = {
        {"okay", true},   {"ok", true},        {"disabled", false}, {"reserved", false},
        {"fail", false},  {"fail-sss", false}, {"", false},         {"OKAY", false},
        {"okay ", false}, {"o", false},
    };
    struct devicetree *tree;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        tree = with_property("status", rows[i].status, strlen(rows[i].status) + 1);
        if (device_at(tree, "/dev@0")->enabled != rows[i].enabled)
            fail_msg("status '%s'", rows[i].status);
        devicetree_free(tree);
    }
    tree = with_property("other", "", 0);
    assert_true(device_at(tree, "/dev@0")->enabled);
    devicetree_free(tree);
}

static void status_of_those_above(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    tree_string(&builder, "status", "disabled"); /* the root's: nobody reads it */
    tree_node(&builder, "on");
    tree_node(&builder, "dev");
    tree_end(&builder);
    tree_end(&builder);
    tree_node(&builder, "off");
    tree_string(&builder, "status", "disabled");
    tree_node(&builder, "bus");
    tree_string(&builder, "status", "okay");
    tree_node(&builder, "dev");
    tree_end(&builder);
    tree_end(&builder);
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_GOOD(&builder);
    assert_true(device_at(tree, "/on/dev")->enabled);
    assert_false(device_at(tree, "/off")->enabled);
    assert_false(device_at(tree, "/off/bus")->enabled);
    assert_false(device_at(tree, "/off/bus/dev")->enabled);
    devicetree_free(tree);
}

static void what_xen_and_its_users_write(void **state)
{
    struct devicetree *tree;
    const struct dt_device *device;

    (void)state;
    tree = with_property("xen,passthrough", "", 0);
    device = device_at(tree, "/dev@0");
    assert_true(device->passthrough);
    assert_false(device->force_assign);
    assert_null(device->xen_path);
    devicetree_free(tree);

    tree = with_property("xen,force-assign-without-iommu", "\0\0\0\1", 4);
    device = device_at(tree, "/dev@0");
    assert_true(device->force_assign);
    assert_false(device->passthrough);
    devicetree_free(tree);

    tree = with_property("xen,path", "/soc/net@1", 11);
    assert_string_equal(device_at(tree, "/dev@0")->xen_path, "/soc/net@1");
    devicetree_free(tree);
}

static void host_bridges(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    tree_device(&builder, "pcie@0", "pci-host-ecam-generic");
    tree_string(&builder, "device_type", "pci");
    tree_device(&builder, "pci@0,0", "pci1af4,1000");
    tree_string(&builder, "device_type", "pci");
    tree_end(&builder);
    tree_end(&builder);
    tree_device(&builder, "pcie@1", "pci-host-ecam-generic");
    tree_string(&builder, "device_type", "pciex");
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_GOOD(&builder);
    assert_true(device_at(tree, "/pcie@0")->pci_host);
    assert_false(device_at(tree, "/pcie@0/pci@0,0")->pci_host);
    assert_false(device_at(tree, "/pcie@1")->pci_host);
    devicetree_free(tree);
}

static void coherence_comes_from_above(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    tree_node(&builder, "soc");
    tree_flag(&builder, "dma-coherent");
    tree_node(&builder, "a");
    tree_end(&builder);
    tree_node(&builder, "b");
    tree_flag(&builder, "dma-noncoherent");
    tree_node(&builder, "c");
    tree_end(&builder);
    tree_end(&builder);
    tree_node(&builder, "both");
    tree_flag(&builder, "dma-noncoherent");
    tree_flag(&builder, "dma-coherent");
    tree_end(&builder);
    tree_end(&builder);
    tree_node(&builder, "d");
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_GOOD(&builder);
    assert_true(device_at(tree, "/soc")->dma_coherent);
    assert_true(device_at(tree, "/soc/a")->dma_coherent);
    assert_false(device_at(tree, "/soc/b")->dma_coherent);
    assert_false(device_at(tree, "/soc/b/c")->dma_coherent);
    assert_true(device_at(tree, "/soc/both")->dma_coherent);
    assert_false(device_at(tree, "/d")->dma_coherent);
    devicetree_free(tree);
}

/* An interconnect, complete. */
static void interconnect(struct tree_builder *builder, const char *name, uint32_t phandle,
                         uint32_t cells, bool coherent)
{
    tree_device(builder, name, "v,noc");
    CELLS(builder, "phandle", phandle);
    CELLS(builder, "#interconnect-cells", cells);
    if (coherent)
        tree_flag(builder, "dma-coherent");
    tree_end(builder);
}

static void coherence_comes_by_the_way_of_dma(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    interconnect(&builder, "memory", 1, 2, true);
    interconnect(&builder, "other", 2, 0, false);
    tree_device(&builder, "early", "v,dev");
    CELLS(&builder, "interconnects", 3);
    tree_string(&builder, "interconnect-names", "dma-mem");
    tree_end(&builder);
    tree_node(&builder, "late");
    interconnect(&builder, "memory", 3, 0, true);
    tree_end(&builder);
    tree_device(&builder, "first", "v,dev");
    CELLS(&builder, "interconnects", 1, 7, 7);
    tree_string(&builder, "interconnect-names", "dma-mem");
    tree_end(&builder);
    tree_device(&builder, "second", "v,dev");
    CELLS(&builder, "interconnects", 2, 1, 7, 7);
    tree_property(&builder, "interconnect-names", "write\0dma-mem", 14);
    tree_end(&builder);
    tree_device(&builder, "unnamed", "v,dev");
    CELLS(&builder, "interconnects", 1, 7, 7);
    tree_end(&builder);
    tree_device(&builder, "dangling", "v,dev");
    CELLS(&builder, "interconnects", 9, 1, 7, 7);
    tree_property(&builder, "interconnect-names", "write\0dma-mem", 14);
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_GOOD(&builder);
    assert_true(device_at(tree, "/early")->dma_coherent);
    assert_false(device_at(tree, "/late")->dma_coherent);
    assert_true(device_at(tree, "/late/memory")->dma_coherent);
    assert_true(device_at(tree, "/first")->dma_coherent);
    assert_true(device_at(tree, "/second")->dma_coherent);
    assert_false(device_at(tree, "/unnamed")->dma_coherent);
    assert_false(device_at(tree, "/dangling")->dma_coherent);
    devicetree_free(tree);
}

static void a_tree_to_fail_with(struct tree_builder *builder)
{
    tree_begin(builder);
    tree_node(builder, "aliases");
    tree_string(builder, "net0", "/dev@0");
    tree_end(builder);
    tree_iommu(builder, "iommu@0", "arm,smmu-v3", 1, 1);
    tree_device(builder, "dev@0", "v,dev");
    CELLS(builder, "iommus", 1, 2);
    tree_end(builder);
    tree_finish(builder);
}

static void every_allocation_may_fail(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;
    unsigned int call;
    int rc = -ENOMEM;

    (void)state;
    a_tree_to_fail_with(&builder);
    for (call = 1; rc == -ENOMEM; call++) {
        assert_in_range(call, 1, 100);
        failing_call = call;
        rc = devicetree_parse(builder.bytes, builder.size, &tree);
        failing_call = 0;
        if (rc == -ENOMEM)
            assert_null(tree);
    }
    assert_int_equal(rc, 0);
    assert_in_range(call, 10, 100);
    devicetree_free(tree);
    tree_free(&builder);
}

static void bytes_at_any_address(void **state)
{
    struct tree_builder builder;
    struct devicetree *tree;
    uint8_t *moved;
    size_t shift;

    (void)state;
    a_tree_to_fail_with(&builder);
    moved = malloc(builder.size + 8);
    assert_non_null(moved);
    for (shift = 0; shift < 8; shift++) {
        memcpy(moved + shift, builder.bytes, builder.size);
        assert_int_equal(devicetree_parse(moved + shift, builder.size, &tree), 0);
        expect_iommu(tree, "/dev@0", "/iommu@0");
        devicetree_free(tree);
    }
    free(moved);
    tree_free(&builder);
    devicetree_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_but_a_root),
        cmocka_unit_test(paths_of_any_depth_in_order),
        cmocka_unit_test(aliases),
        cmocka_unit_test(compatible),
        cmocka_unit_test(status_of_the_node),
        cmocka_unit_test(status_of_those_above),
        cmocka_unit_test(what_xen_and_its_users_write),
        cmocka_unit_test(host_bridges),
        cmocka_unit_test(coherence_comes_from_above),
        cmocka_unit_test(coherence_comes_by_the_way_of_dma),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(bytes_at_any_address),
    };

    return cmocka_run_group_tests_name("devicetree", tests, NULL, NULL);
}

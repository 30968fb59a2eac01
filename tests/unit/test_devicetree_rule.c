/* SPDX-License-Identifier: MIT */
/* Which nodes are devices, and which of them matter: docs/devices.md, line by line. */
#include <string.h>

#include "devicetree_builder.h"
#include "unit.h"

#define NOTHING NULL

/* One node: where it is, what it says of itself, and what it is then. */
struct row {
    const char *compatible;
    bool has_reg;
    const char *property; /* one more, with one cell of the value 1 */
    enum dt_relevance relevance;
};

/* Writes the node and nothing below it. */
static void put(struct tree_builder *builder, const char *name, const struct row *row)
{
    tree_node(builder, name);
    if (row->compatible)
        tree_string(builder, "compatible", row->compatible);
    if (row->has_reg)
        CELLS(builder, "reg", 1, 1);
    if (row->property)
        CELLS(builder, row->property, 1);
    tree_end(builder);
}

/* Ends the tree, whose node at that path has to be so. */
static void judge(struct tree_builder *builder, const char *path, enum dt_relevance relevance)
{
    struct devicetree *tree;

    tree_finish(builder);
    tree = PARSE_GOOD(builder);
    if (device_at(tree, path)->relevance != relevance)
        fail_msg("%s: %s is %d, not %d", path, device_at(tree, path)->compatible,
                 device_at(tree, path)->relevance, relevance);
    devicetree_free(tree);
}

static void below_the_root(void **state)
{
    const struct row rows[] = {
        {"v,dev", true, NOTHING, DT_DMA_UNKNOWN},
        {"v,dev", false, NOTHING, DT_DMA_UNKNOWN},
        {"generic", true, NOTHING, DT_DMA_UNKNOWN},
        {"arm,pl011", true, NOTHING, DT_DMA_UNKNOWN},
        /* line 4 */
        {NULL, true, NOTHING, DT_NOT_A_DEVICE},
        {"operating-points-v2", false, NOTHING, DT_NOT_A_DEVICE},
        {"Operating-Points-V2", true, NOTHING, DT_NOT_A_DEVICE},
        /* line 7 */
        {"simple-bus", true, NOTHING, DT_NO_DMA},
        {"Simple-Bus", false, NOTHING, DT_NO_DMA},
        {"simple-pm-bus", true, NOTHING, DT_NO_DMA},
        {"simple-mfd", true, NOTHING, DT_NO_DMA},
        {"isa", true, NOTHING, DT_NO_DMA},
        {"arm,amba-bus", true, NOTHING, DT_NO_DMA},
        {"simple-bus-2", true, NOTHING, DT_DMA_UNKNOWN},
        /* line 8 */
        {"xen,xen", true, NOTHING, DT_NO_DMA},
        {"xenon,dev", true, NOTHING, DT_DMA_UNKNOWN},
        /* line 9 */
        {"gpio-leds", false, NOTHING, DT_NO_DMA},
        {"arm,psci-1.0", false, NOTHING, DT_NO_DMA},
        {"linux,spdif-dit", false, NOTHING, DT_NO_DMA},
        {"armada,dev", false, NOTHING, DT_DMA_UNKNOWN},
        {"", false, NOTHING, DT_DMA_UNKNOWN},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tree_builder builder;

        tree_begin(&builder);
        put(&builder, "node", &rows[i]);
        judge(&builder, "/node", rows[i].relevance);
    }
}

static void signs_of_dma(void **state)
{
    const struct row rows[] = {
        {"gpio-leds", false, "iommus", DT_DMA_CAPABLE},
        {NULL, false, "iommus", DT_DMA_CAPABLE},
        {"simple-bus", false, "iommus", DT_DMA_CAPABLE},
        {"v,dev", true, "dma-coherent", DT_DMA_CAPABLE},
        {"gpio-leds", false, "dma-coherent", DT_DMA_CAPABLE},
        {"v,dev", true, "dma-noncoherent", DT_DMA_CAPABLE},
        {"simple-bus", true, "dma-coherent", DT_NO_DMA},
        {"simple-bus", true, "dma-noncoherent", DT_NO_DMA},
        {"v,dma", true, "#dma-cells", DT_DMA_CAPABLE},
        {"v,dev", true, "dma-masters", DT_DMA_UNKNOWN},
        {"v,dev", true, "dmas", DT_DMA_UNKNOWN},
        {"v,dev", true, "memory-region", DT_DMA_UNKNOWN},
        {"virtio,mmio", true, NOTHING, DT_DMA_CAPABLE},
        {"Virtio,MMIO", false, NOTHING, DT_DMA_CAPABLE},
        {"virtio,device22", true, NOTHING, DT_DMA_UNKNOWN},
        {"gpio-leds", false, "xen,passthrough", DT_NO_DMA},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tree_builder builder;

        tree_begin(&builder);
        tree_iommu(&builder, "iommu", "v,iommu", 1, 0);
        put(&builder, "node", &rows[i]);
        judge(&builder, "/node", rows[i].relevance);
    }
}

static void signs_in_words(void **state)
{
    struct tree_builder builder;

    (void)state;
    tree_begin(&builder);
    tree_node(&builder, "node");
    tree_string(&builder, "compatible", "gpio-leds");
    tree_string(&builder, "xen,iommu", "on");
    tree_end(&builder);
    judge(&builder, "/node", DT_DMA_CAPABLE);

    tree_begin(&builder);
    tree_node(&builder, "node");
    tree_string(&builder, "compatible", "gpio-leds");
    tree_string(&builder, "xen,iommu", "off");
    tree_end(&builder);
    judge(&builder, "/node", DT_NO_DMA);

    tree_begin(&builder);
    tree_node(&builder, "node");
    tree_string(&builder, "compatible", "gpio-leds");
    tree_property(&builder, "interconnect-names", "write\0dma-mem", 14);
    tree_end(&builder);
    judge(&builder, "/node", DT_DMA_CAPABLE);

    tree_begin(&builder);
    tree_node(&builder, "node");
    tree_string(&builder, "compatible", "gpio-leds");
    tree_string(&builder, "interconnect-names", "dma-mem");
    tree_end(&builder);
    judge(&builder, "/node", DT_DMA_CAPABLE);

    tree_begin(&builder);
    tree_node(&builder, "node");
    tree_string(&builder, "compatible", "gpio-leds");
    tree_property(&builder, "interconnect-names", "write\0dma-memory", 17);
    tree_end(&builder);
    judge(&builder, "/node", DT_NO_DMA);

    tree_begin(&builder);
    tree_node(&builder, "node");
    tree_string(&builder, "device_type", "pci");
    tree_end(&builder);
    judge(&builder, "/node", DT_DMA_CAPABLE);

    tree_begin(&builder);
    tree_node(&builder, "node");
    CELLS(&builder, "iommu-map", 0, 9, 0, 1);
    tree_end(&builder);
    judge(&builder, "/node", DT_DMA_CAPABLE);
}

static void a_switch_in_front_of_dma_controllers(void **state)
{
    struct tree_builder builder;

    (void)state;
    tree_begin(&builder);
    tree_device(&builder, "node", "v,mux");
    CELLS(&builder, "#dma-cells", 2);
    CELLS(&builder, "dma-masters", 1);
    tree_end(&builder);
    judge(&builder, "/node", DT_DMA_UNKNOWN);
}

static void below_a_host_bridge(void **state)
{
    const struct row rows[] = {
        {"pci1af4,1000", true, NOTHING, DT_NOT_A_DEVICE},
        {"pci1af4,1000", true, "iommus", DT_NOT_A_DEVICE},
        {"virtio,pci-iommu", true, "#iommu-cells", DT_NOT_A_DEVICE},
    };
    const char *const paths[] = {"/pcie/direct", "/pcie/bridge/deep"};
    size_t i;

    (void)state;
    for (i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
        struct tree_builder builder;

        tree_begin(&builder);
        tree_iommu(&builder, "iommu", "v,iommu", 1, 0);
        tree_device(&builder, "pcie", "v,host");
        tree_string(&builder, "device_type", "pci");
        put(&builder, "direct", &rows[i / 2]);
        tree_node(&builder, "bridge");
        put(&builder, "deep", &rows[i / 2]);
        tree_end(&builder);
        tree_end(&builder);
        judge(&builder, paths[i % 2], rows[i / 2].relevance);
    }
}

/* Judges a node that has a reg and a compatible of its own, at node in a container without
 * compatible, below a node with this one (NULL: below the root). */
static void in_container(const char *above, const char *container, enum dt_relevance relevance)
{
    const struct row row = {"v,dev", true, NOTHING, DT_DMA_UNKNOWN};
    struct tree_builder builder;
    char path[64] = "/";

    tree_begin(&builder);
    if (above) {
        tree_device(&builder, "above", above);
        strcat(path, "above/");
    }
    tree_node(&builder, container);
    put(&builder, "node", &row);
    tree_end(&builder);
    if (above)
        tree_end(&builder);
    strcat(path, container);
    judge(&builder, strcat(path, "/node"), relevance);
}

static void in_containers(void **state)
{
    (void)state;
    in_container(NULL, "cpus", DT_NOT_A_DEVICE);
    in_container(NULL, "reserved-memory", DT_NOT_A_DEVICE);
    in_container(NULL, "firmware", DT_DMA_UNKNOWN);
    in_container("simple-bus", "ports", DT_NOT_A_DEVICE);
    in_container("simple-bus", "firmware", DT_NOT_A_DEVICE);
    in_container("v,remoteproc", "edge", DT_DMA_UNKNOWN);
    in_container("operating-points-v2", "table", DT_DMA_UNKNOWN);
}

static void in_containers_of_containers(void **state)
{
    const struct row row = {"arm,idle-state", true, NOTHING, DT_NOT_A_DEVICE};
    struct tree_builder builder;

    (void)state;
    tree_begin(&builder);
    tree_node(&builder, "cpus");
    tree_node(&builder, "idle-states");
    put(&builder, "node", &row);
    tree_end(&builder);
    tree_end(&builder);
    judge(&builder, "/cpus/idle-states/node", DT_NOT_A_DEVICE);
}

/* Judges a node two below one with this #size-cells. */
static void on_a_bus(uint32_t size_cells, const char *property, enum dt_relevance relevance)
{
    const struct row row = {"v,dev", true, property, relevance};
    struct tree_builder builder;

    tree_begin(&builder);
    tree_iommu(&builder, "iommu", "v,iommu", 1, 0);
    tree_device(&builder, "i2c", "v,i2c");
    CELLS(&builder, "#address-cells", 1);
    CELLS(&builder, "#size-cells", size_cells);
    tree_device(&builder, "pmic", "v,pmic");
    put(&builder, "node", &row);
    tree_end(&builder);
    tree_end(&builder);
    judge(&builder, "/i2c/pmic/node", relevance);
}

static void on_buses_without_memory(void **state)
{
    struct tree_builder builder;
    const struct row row = {"v,dev", true, NOTHING, DT_DMA_UNKNOWN};

    (void)state;
    on_a_bus(0, NOTHING, DT_NO_DMA);
    on_a_bus(1, NOTHING, DT_DMA_UNKNOWN);
    on_a_bus(0, "iommus", DT_DMA_CAPABLE);

    /* The root's word would take in everything. */
    tree_begin(&builder);
    CELLS(&builder, "#size-cells", 0);
    put(&builder, "node", &row);
    judge(&builder, "/node", DT_DMA_UNKNOWN);
}

/* Judges a node "v,dev" with one more property of these bytes, which cannot be read. */
static void damaged(const char *property, const void *value, size_t size, const char *compatible,
                    enum dt_relevance relevance)
{
    struct tree_builder builder;
    struct devicetree *tree;

    tree_begin(&builder);
    tree_node(&builder, "node");
    if (compatible)
        tree_string(&builder, "compatible", compatible);
    tree_property(&builder, property, value, size);
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_BAD(&builder, property);
    assert_true(device_at(tree, "/node")->damaged);
    assert_int_equal(device_at(tree, "/node")->relevance, relevance);
    devicetree_free(tree);
}

static void damaged_nodes_matter(void **state)
{
    (void)state;
    damaged("compatible", "gpio-leds", 9, NULL, DT_DMA_UNKNOWN);
    damaged("status", "okay", 4, "gpio-leds", DT_DMA_UNKNOWN);
    damaged("#size-cells", "\0\0\0\x11", 4, "gpio-leds", DT_DMA_UNKNOWN);
    damaged("iommus", "\0\0\0", 3, "gpio-leds", DT_DMA_CAPABLE);
    damaged("iommus", "", 0, "gpio-leds", DT_DMA_CAPABLE);
}

static void what_is_below_a_damaged_node_matters(void **state)
{
    const struct row row = {"v,dev", true, NOTHING, DT_DMA_UNKNOWN};
    struct tree_builder builder;
    struct devicetree *tree;

    (void)state;
    tree_begin(&builder);
    tree_node(&builder, "container");
    tree_property(&builder, "compatible", "v,driver", 8);
    put(&builder, "node", &row);
    tree_end(&builder);
    tree_finish(&builder);
    tree = PARSE_BAD(&builder, "/container: compatible: no string in 8 bytes");
    assert_int_equal(device_at(tree, "/container/node")->relevance, DT_DMA_UNKNOWN);
    devicetree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(below_the_root),
        cmocka_unit_test(signs_of_dma),
        cmocka_unit_test(signs_in_words),
        cmocka_unit_test(a_switch_in_front_of_dma_controllers),
        cmocka_unit_test(below_a_host_bridge),
        cmocka_unit_test(in_containers),
        cmocka_unit_test(in_containers_of_containers),
        cmocka_unit_test(on_buses_without_memory),
        cmocka_unit_test(damaged_nodes_matter),
        cmocka_unit_test(what_is_below_a_damaged_node_matters),
    };

    return cmocka_run_group_tests_name("devicetree_rule", tests, NULL, NULL);
}

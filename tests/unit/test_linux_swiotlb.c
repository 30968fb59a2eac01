/* SPDX-License-Identifier: MIT */
/* The Linux driver's swiotlb.c: which operations are swiotlb-xen's, for kernels that map pages and
 * for those that map physical addresses (XI_MAP_PHYS). */
#include "linux/fake.h"
#include "unit.h"
#include "xeniommu.h"

/* The operations that count, and those that do not. */
static const size_t known[] = {
    offsetof(struct dma_map_ops, dma_supported),
#ifdef XI_MAP_PHYS
    offsetof(struct dma_map_ops, map_phys),
    offsetof(struct dma_map_ops, unmap_phys),
#else
    offsetof(struct dma_map_ops, map_page),
    offsetof(struct dma_map_ops, unmap_page),
#endif
    offsetof(struct dma_map_ops, map_sg),
    offsetof(struct dma_map_ops, unmap_sg),
    offsetof(struct dma_map_ops, sync_single_for_cpu),
    offsetof(struct dma_map_ops, sync_single_for_device),
    offsetof(struct dma_map_ops, sync_sg_for_cpu),
    offsetof(struct dma_map_ops, sync_sg_for_device),
};

static kernel_dma_op **operation(struct dma_map_ops *ops, size_t i)
{
    return (kernel_dma_op **)(void *)((char *)ops + known[i]);
}

static int set_up(void **state)
{
    (void)state;
    fake_reset();
    return 0;
}

static void its_own_are_known(void **state)
{
    struct dma_map_ops ops = fake_swiotlb_xen();

    (void)state;
    assert_true(xi_is_swiotlb_xen(&ops));
}

static void none_are_not(void **state)
{
    struct dma_map_ops ops = {0};

    (void)state;
    assert_false(xi_is_swiotlb_xen(NULL));
    assert_false(xi_is_swiotlb_xen(&ops));
}

static void each_that_is_missing_is_missed(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(known); i++) {
        struct dma_map_ops ops;

        fake_reset();
        ops = fake_swiotlb_xen();
        *operation(&ops, i) = NULL;
        if (xi_is_swiotlb_xen(&ops))
            fail_msg("without operation %zu", i);
    }
}

static void check_other(size_t i, const char *name)
{
    struct dma_map_ops ops;

    fake_reset();
    ops = fake_swiotlb_xen();
    *operation(&ops, i) = fake_function(name);
    if (xi_is_swiotlb_xen(&ops))
        fail_msg("with operation %zu of the name %s", i, name != NULL ? name : "(none)");
}

/* A module's, another's, longer or shorter names, another of swiotlb-xen's own, none. */
static void each_that_is_anothers_is_seen(void **state)
{
    char names[8][128];
    size_t i, j;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(known); i++) {
        struct dma_map_ops ops = fake_swiotlb_xen();
        const char *name = fake_symbol(*operation(&ops, i));
        const char *next = fake_symbol(*operation(&ops, (i + 1) % ARRAY_SIZE(known)));

        snprintf(names[0], sizeof(names[0]), "%s [xeniommu]", name);
        snprintf(names[1], sizeof(names[1]), "%s2", name);
        snprintf(names[2], sizeof(names[2]), "%.*s", (int)strlen(name) - 1, name);
        snprintf(names[3], sizeof(names[3]), "%s", next);
        snprintf(names[4], sizeof(names[4]), "%s", strchr(name, '_') + 1);
        snprintf(names[5], sizeof(names[5]), "%s%0100d", name, 0);
        snprintf(names[6], sizeof(names[6]), "grant_dma_map");
        snprintf(names[7], sizeof(names[7]), "X%s", name + 1);
        for (j = 0; j < ARRAY_SIZE(names); j++)
            check_other(i, names[j]);
        check_other(i, NULL);
        fake_reset();
    }
}

/* A kernel without names, as with kptr_restrict or without kallsyms. */
static void without_names_nothing_is_known(void **state)
{
    struct dma_map_ops ops;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(known); i++)
        *operation(&ops, i) = fake_function(NULL);
    assert_false(xi_is_swiotlb_xen(&ops));
}

/* What maps in this kernel counts, not what the other kind of kernel has. */
static void the_other_kernels_operations_do_not_count(void **state)
{
    struct dma_map_ops ops = fake_swiotlb_xen();

    (void)state;
#ifdef XI_MAP_PHYS
    ops.map_phys = ops.unmap_phys = NULL;
    ops.map_page = fake_function("xen_swiotlb_map_page");
    ops.unmap_page = fake_function("xen_swiotlb_unmap_page");
#else
    ops.map_page = ops.unmap_page = NULL;
    ops.map_phys = fake_function("xen_swiotlb_map_phys");
    ops.unmap_phys = fake_function("xen_swiotlb_unmap_phys");
#endif
    assert_false(xi_is_swiotlb_xen(&ops));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(its_own_are_known, set_up),
        cmocka_unit_test_setup(none_are_not, set_up),
        cmocka_unit_test_setup(each_that_is_missing_is_missed, set_up),
        cmocka_unit_test_setup(each_that_is_anothers_is_seen, set_up),
        cmocka_unit_test_setup(without_names_nothing_is_known, set_up),
        cmocka_unit_test_setup(the_other_kernels_operations_do_not_count, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

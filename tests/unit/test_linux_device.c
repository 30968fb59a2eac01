/* SPDX-License-Identifier: MIT */
/*
 * The Linux driver from a bind to what is done, with all of it but main.c: which device it is. For
 * kernels whose devices have DMA operations of their own, by either name of the option, and for
 * those without.
 */
#include "linux/bind.h"
#include "linux/fake.h"
#include "unit.h"

#if defined(CONFIG_ARCH_HAS_DMA_OPS) || defined(CONFIG_DMA_OPS)

static void a_pv_domain_keeps_it(void **state)
{
    (void)state;
    fake.is_pv = true;
    check_not_asked(&video, "- kept swiotlb-xen-global");
    check_not_asked(&nic.dev, "- kept swiotlb-xen-global");
    fake.is_pv = false;
    check_taken_off(&video);
}

static void a_device_behind_the_kernels_iommu_keeps_it(void **state)
{
    (void)state;
    video.has_iommu_group = true;
    check_not_asked(&video, "- kept own-iommu");
    video.has_iommu_group = false;
    check_taken_off(&video);
}

static void other_operations_are_kept(void **state)
{
    (void)state;
    video.dma_ops = &other_ops;
    check_not_asked(&video, "- kept other-dma-ops");
    fake.system_ops = &other_ops;
    check_not_asked(&video, "- kept other-dma-ops");
    video.dma_ops = NULL;
    check_not_asked(&video, "- kept other-dma-ops");
    fake.system_ops = &swiotlb_xen; /* the whole system's: no device's to take */
    check_not_asked(&video, "- kept other-dma-ops");
    fake.system_ops = NULL;
    check_not_asked(&video, "- kept dma-direct");
    video.dma_ops = &swiotlb_xen;
    fake.system_ops = &other_ops; /* its own come first */
    check_taken_off(&video);
}

static void a_device_that_is_started_keeps_it(void **state)
{
    (void)state;
    video.driver_data = &other_ops;
    check_not_asked(&video, "- kept in-use");
    video.driver_data = NULL;
    check_taken_off(&video);
}

static void a_device_without_a_path_keeps_it(void **state)
{
    char path[XENIOMMU_KEY_SIZE + 16] = "/";
    char key[XENIOMMU_KEY_SIZE + 16];
    size_t longest = XENIOMMU_KEY_SIZE - sizeof("/swiotlb") - strlen("iommu/dt");

    (void)state;
    video.of_node = NULL;
    check_not_asked(&video, "- kept no-address");
    video.of_node = &video_node;
    video_node.path = "/";
    check_not_asked(&video, "- kept no-address");
    fake.unloading = true; /* nobody is asked about it, so nobody refuses */
    check_not_asked(&video, "- kept no-address");
    fake.unloading = false;
    video_node.path = path;
    memset(path + 1, 'a', longest - 1);
    snprintf(key, sizeof(key), "iommu/dt%s", path);
    fake_publish(key, "protected", "skip");
    check_taken_off(&video);
    for (; longest < sizeof(path) - 2; longest++) { /* first its fields do not fit, then itself */
        path[longest] = 'a';
        check_not_asked(&video, "- kept no-address");
    }
}

/* Neither the parent's record counts, nor a child's, nor one of almost the same name. */
static void another_node_is_not_this_one(void **state)
{
    static const char *const paths[] = {"/soc/video@fe00100",    "/soc/video@fe0010000",
                                        "/soc/video@fe001000/a", "/soc",
                                        "/video@fe001000",       "/soc/video",
                                        "/soc/Video@fe001000",   "/soc/video@fe001000,0"};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(paths); i++) {
        video_node.path = paths[i];
        check_kept(&video, "- kept no-record");
    }
    video_node.path = "/soc/video,a@fe001000";
    fake_publish("iommu/dt/soc/video_2ca@fe001000", "protected", "skip");
    check_taken_off(&video);
}

static void another_function_is_not_this_one(void **state)
{
    const struct pci_bus bus = nic_bus;
    const unsigned int devfn = nic.devfn;

    (void)state;
    nic.devfn = devfn + 1;
    check_kept(&nic.dev, "- kept no-record");
    nic.devfn = devfn + 8;
    check_kept(&nic.dev, "- kept no-record");
    nic.devfn = devfn;
    nic_bus.number++;
    check_kept(&nic.dev, "- kept no-record");
    nic_bus = bus;
    nic_bus.segment--;
    check_kept(&nic.dev, "- kept no-record");
    nic_bus = bus;
    check_taken_off(&nic.dev);
}

/* A host bridge whose segments are numbered in software, and one that has no number. */
static void a_segment_that_xen_cannot_know_keeps_it(void **state)
{
    (void)state;
    fake_publish("iommu/pci/0000-02-03-4", "protected", "skip");
    fake_publish("iommu/pci/ffff-02-03-4", "protected", "skip");
    nic_bus.segment = 0xffff;
    check_taken_off(&nic.dev);
    nic_bus.segment = 0x10000;
    check_not_asked(&nic.dev, "- kept no-address");
    nic_bus.segment = -1;
    check_not_asked(&nic.dev, "- kept no-address");
    nic_bus.segment = INT_MIN;
    check_not_asked(&nic.dev, "- kept no-address");
    nic_bus.segment = 0;
    check_taken_off(&nic.dev);
}

/* One that was bound before anybody looked, or whose driver was set without a probe. */
static void swiotlb_xen_of_a_bound_device_is_listed(void **state)
{
    (void)state;
    xi_bound(&video);
    assert_string_equal(fake_debugfs_show(), "platform fe001000.video - kept bound-before\n");
    assert_int_equal(fake.reads, 0);
    xi_record_forget(&video);
    xi_bind(&nic.dev); /* takes it off */
    xi_bound(&nic.dev);
    assert_string_equal(fake_debugfs_show(),
                        "pci 0001:02:03.4 protected/skip taken published-skip\n");
    xi_record_forget(&nic.dev);
    nic.dev.dma_ops = &swiotlb_xen;
}

static void a_bound_device_without_it_is_not_listed(void **state)
{
    (void)state;
    fake.is_pv = true;
    xi_bound(&video);
    fake.is_pv = false;
    video.has_iommu_group = true;
    xi_bound(&video);
    video.has_iommu_group = false;
    video.dma_ops = &other_ops;
    xi_bound(&video);
    video.dma_ops = NULL;
    fake.system_ops = &swiotlb_xen;
    xi_bound(&video);
    assert_string_equal(fake_debugfs_show(), "");
}

/* A PCI function may have a device tree node too; another device that looks like one is none. */
static void the_bus_says_which_address_counts(void **state)
{
    (void)state;
    nic.dev.of_node = &video_node;
    fake_publish(NIC_KEY, "relaxed", "keep");
    check_kept(&nic.dev, "relaxed/keep kept published-keep");
    nic.dev.bus = &platform_bus_type;
    check_taken_off(&nic.dev);
    fake_publish(NIC_KEY, "protected", "skip");
    nic.dev.of_node = NULL;
    check_not_asked(&nic.dev, "- kept no-address");
}

#else

static void without_operations_of_its_own_nothing_is_taken(void **state)
{
    (void)state;
    check_not_asked(&video, "- kept other-dma-ops");
    check_not_asked(&nic.dev, "- kept other-dma-ops");
    video.dma_ops = NULL;
    check_not_asked(&video, "- kept dma-direct");
    fake.system_ops = &swiotlb_xen;
    check_not_asked(&video, "- kept other-dma-ops");
    xi_bound(&video);
    assert_string_equal(fake_debugfs_show(), "");
}

#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, bind_set_up_opened, bind_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
#if defined(CONFIG_ARCH_HAS_DMA_OPS) || defined(CONFIG_DMA_OPS)
        TEST(a_pv_domain_keeps_it),
        TEST(a_device_behind_the_kernels_iommu_keeps_it),
        TEST(other_operations_are_kept),
        TEST(a_device_that_is_started_keeps_it),
        TEST(a_device_without_a_path_keeps_it),
        TEST(another_node_is_not_this_one),
        TEST(another_function_is_not_this_one),
        TEST(a_segment_that_xen_cannot_know_keeps_it),
        TEST(the_bus_says_which_address_counts),
        TEST(swiotlb_xen_of_a_bound_device_is_listed),
        TEST(a_bound_device_without_it_is_not_listed),
#else
        TEST(without_operations_of_its_own_nothing_is_taken),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

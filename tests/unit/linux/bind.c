/* SPDX-License-Identifier: MIT */
#include "bind.h"
#include "fake.h"
#include "unit.h"

struct device_node video_node;
struct device video;
struct pci_bus nic_bus;
struct pci_dev nic;
struct dma_map_ops swiotlb_xen, other_ops;

static void set_up_devices(void)
{
    swiotlb_xen = fake_swiotlb_xen();
    other_ops = swiotlb_xen;
    other_ops.map_sg = fake_function("xen_grant_dma_map_sg");
    video_node.path = "/soc/video@fe001000";
    video = (struct device){
        .name = "fe001000.video",
        .bus = &platform_bus_type,
        .of_node = &video_node,
        .dma_ops = &swiotlb_xen,
    };
    nic_bus = (struct pci_bus){.segment = 1, .number = 2};
    nic = (struct pci_dev){
        .bus = &nic_bus,
        .devfn = 3 << 3 | 4,
        .dev = {.name = "0001:02:03.4", .bus = &pci_bus_type, .dma_ops = &swiotlb_xen},
    };
}

int bind_set_up(void **state)
{
    (void)state;
    fake_reset();
    *kernel_param_observe = false;
    *kernel_param_wait_ms = 100;
    assert_int_equal(xi_ask_init(), 0);
    xi_record_init();
    set_up_devices();
    fake.while_waiting = fake_work_all;
    fake_publish_tree();
    fake_publish(VIDEO_KEY, "protected", "skip");
    fake_publish(NIC_KEY, "protected", "skip");
    return 0;
}

int bind_set_up_opened(void **state)
{
    xi_ask_opened();
    return bind_set_up(state);
}

int bind_tear_down(void **state)
{
    (void)state;
    xi_early_exit();
    xi_ask_exit();
    xi_record_exit();
    fake_reset();
    return 0;
}

/* Binds the device as its bus would, and forgets it. Returns what was decided. */
static const char *bind(struct device *dev)
{
    static char line[256];
    size_t name = strlen(dev->bus->name) + strlen(dev->name) + 2;

    xi_bind(dev);
    snprintf(line, sizeof(line), "%s", fake_debugfs_show());
    assert_in_range(strlen(line), name + 1, sizeof(line) - 2);
    line[strlen(line) - 1] = '\0';
    xi_record_forget(dev);
    return line + name;
}

void check_taken_off(struct device *dev)
{
    const struct dma_map_ops *before = dev->dma_ops;
    unsigned int lines = fake.log_lines;

    assert_string_equal(bind(dev), "protected/skip taken published-skip");
    assert_null(dev->dma_ops);
    assert_int_equal(fake.log_lines, lines + 1);
    dev->dma_ops = before;
}

void check_kept(struct device *dev, const char *decision)
{
    const struct dma_map_ops *before = dev->dma_ops;
    unsigned int lines = fake.log_lines;

    assert_string_equal(bind(dev), decision);
    assert_ptr_equal(dev->dma_ops, before);
    assert_int_equal(fake.log_lines, lines);
}

void check_not_asked(struct device *dev, const char *decision)
{
    unsigned int reads = fake.reads;

    check_kept(dev, decision);
    assert_int_equal(fake.reads, reads);
}

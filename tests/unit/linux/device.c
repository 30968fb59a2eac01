/* SPDX-License-Identifier: MIT */
/* Devices, buses, debugfs. */
#include "fake.h"

#define LISTENERS_MAX 8
#define FUNCTIONS_MAX 64
#define DEVICES_MAX   8

struct bus_type platform_bus_type = {"platform"};
struct bus_type amba_bustype = {"amba"};
struct bus_type pci_bus_type = {"pci"};

struct dentry {
    const char *name;
    const struct file_operations *operations;
};

static struct {
    const struct bus_type *bus;
    struct notifier_block *nb;
} listeners[LISTENERS_MAX];
static struct dentry directory, file;

static struct device *devices[DEVICES_MAX];
static size_t device_count;

/* A function's address is that of its place here; nobody calls it. */
static const char *functions[FUNCTIONS_MAX];
static size_t function_count;

const char *dev_name(const struct device *dev)
{
    return dev->name;
}

void *dev_get_drvdata(const struct device *dev)
{
    return dev->driver_data;
}

bool device_iommu_mapped(struct device *dev)
{
    return dev->has_iommu_group;
}

bool dev_is_pci(const struct device *dev)
{
    return dev->bus == &pci_bus_type;
}

int pci_domain_nr(struct pci_bus *bus)
{
    return bus->segment;
}

unsigned int pci_dev_id(struct pci_dev *pdev)
{
    return pdev->bus->number << 8 | pdev->devfn;
}

void dev_info(const struct device *dev, const char *format, ...)
{
    int len = snprintf(fake.log, sizeof(fake.log), "%s %s: ", dev->bus->name, dev->name);
    va_list args;

    va_start(args, format);
    vsnprintf(fake.log + len, sizeof(fake.log) - (size_t)len, format, args);
    va_end(args);
    fake.log_lines++;
}

const struct dma_map_ops *get_dma_ops(struct device *dev)
{
    return dev->dma_ops != NULL ? dev->dma_ops : fake.system_ops;
}

void set_dma_ops(struct device *dev, const struct dma_map_ops *ops)
{
    dev->dma_ops = ops;
}

kernel_dma_op *fake_function(const char *name)
{
    if (function_count == FUNCTIONS_MAX)
        fake_bug("too many functions");
    functions[function_count] = name;
    return (kernel_dma_op *)(uintptr_t)&functions[function_count++];
}

const char *fake_symbol(kernel_dma_op *function)
{
    size_t i;

    for (i = 0; i < function_count; i++)
        if ((uintptr_t)function == (uintptr_t)&functions[i] && functions[i] != NULL)
            return functions[i];
    return function == NULL ? "0x0" : "0xffff800080123456";
}

struct dma_map_ops fake_swiotlb_xen(void)
{
    return (struct dma_map_ops){
        .dma_supported = fake_function("xen_swiotlb_dma_supported"),
#ifdef XI_MAP_PHYS
        .map_phys = fake_function("xen_swiotlb_map_phys"),
        .unmap_phys = fake_function("xen_swiotlb_unmap_phys"),
#else
        .map_page = fake_function("xen_swiotlb_map_page"),
        .unmap_page = fake_function("xen_swiotlb_unmap_page"),
#endif
        .map_sg = fake_function("xen_swiotlb_map_sg"),
        .unmap_sg = fake_function("xen_swiotlb_unmap_sg"),
        .sync_single_for_cpu = fake_function("xen_swiotlb_sync_single_for_cpu"),
        .sync_single_for_device = fake_function("xen_swiotlb_sync_single_for_device"),
        .sync_sg_for_cpu = fake_function("xen_swiotlb_sync_sg_for_cpu"),
        .sync_sg_for_device = fake_function("xen_swiotlb_sync_sg_for_device"),
    };
}

bool device_trylock(struct device *dev)
{
    if (dev->locked)
        return false;
    dev->locked = true;
    return true;
}

void device_unlock(struct device *dev)
{
    if (!dev->locked)
        fake_bug("%s is not locked", dev->name);
    dev->locked = false;
}

void fake_add_device(struct device *dev)
{
    if (device_count == DEVICES_MAX)
        fake_bug("too many devices");
    devices[device_count++] = dev;
}

int bus_for_each_dev(struct bus_type *bus, struct device *start, void *data,
                     int (*fn)(struct device *dev, void *data))
{
    size_t i;
    int rc = 0;

    fake_may_sleep("bus_for_each_dev()");
    if (start != NULL)
        fake_bug("bus_for_each_dev(): from %s on", start->name);
    for (i = 0; rc == 0 && i < device_count; i++)
        if (devices[i]->bus == bus)
            rc = fn(devices[i], data);
    return rc;
}

/* ---- notifiers ---- */

int bus_register_notifier(struct bus_type *bus, struct notifier_block *nb)
{
    size_t i;

    if (fake.failing_bus > 0 && --fake.failing_bus == 0)
        return -ENOMEM;
    for (i = 0; i < LISTENERS_MAX && listeners[i].bus != NULL; i++)
        if (listeners[i].nb == nb)
            fake_bug("a listener listens twice");
    if (i == LISTENERS_MAX)
        fake_bug("too many listeners");
    listeners[i].bus = bus;
    listeners[i].nb = nb;
    return 0;
}

int bus_unregister_notifier(struct bus_type *bus, struct notifier_block *nb)
{
    size_t i;

    for (i = 0; i < LISTENERS_MAX; i++)
        if (listeners[i].bus == bus && listeners[i].nb == nb) {
            listeners[i].bus = NULL;
            listeners[i].nb = NULL;
            return 0;
        }
    fake_bug("no such listener");
}

int fake_bus_event(const struct bus_type *bus, unsigned long action, struct device *dev)
{
    size_t i;

    for (i = 0; i < LISTENERS_MAX; i++)
        if (listeners[i].bus == bus)
            return listeners[i].nb->notifier_call(listeners[i].nb, action, dev);
    fake_bug("nobody listens to %s", bus->name);
}

unsigned int fake_bus_listeners(void)
{
    unsigned int count = 0;
    size_t i;

    for (i = 0; i < LISTENERS_MAX; i++)
        count += listeners[i].bus != NULL;
    return count;
}

/* ---- sysfs ---- */

static struct kobject kernel_directory = {true}, early_directory;
struct kobject *kernel_kobj = &kernel_directory;
static const struct attribute *early_file;

struct kobject *kobject_create_and_add(const char *name, struct kobject *parent)
{
    if (parent != kernel_kobj || strcmp(name, "xeniommu") != 0 || early_directory.exists)
        fake_bug("another directory in sysfs: %s", name);
    if (fake.no_kobject)
        return NULL;
    early_directory.exists = true;
    return &early_directory;
}

int sysfs_create_file(struct kobject *kobj, const struct attribute *attr)
{
    if (kobj != &early_directory || strcmp(attr->name, "early") != 0 || attr->mode != 0200)
        fake_bug("another file in sysfs: %s", attr->name);
    if (fake.no_sysfs_file)
        return -ENOMEM;
    early_file = attr;
    return 0;
}

void kobject_put(struct kobject *kobj)
{
    if (kobj == NULL)
        return;
    if (!kobj->exists)
        fake_bug("a directory in sysfs is put twice");
    kobj->exists = false;
    early_file = NULL;
}

/* Only what was written may be looked at; the kernel puts a NUL behind it. */
ssize_t fake_write_early(const char *text, size_t size)
{
    struct kobj_attribute *attribute;
    char *copy;
    ssize_t written;

    if (early_file == NULL)
        return -ENOENT;
    copy = malloc(size + 1);
    if (copy == NULL)
        fake_bug("out of memory");
    memcpy(copy, text, size);
    copy[size] = '\0';
    attribute = container_of(early_file, struct kobj_attribute, attr);
    written = attribute->store(&early_directory, attribute, copy, size);
    free(copy);
    return written;
}

/* ---- debugfs ---- */

void seq_printf(struct seq_file *seq, const char *format, ...)
{
    size_t room = sizeof(seq->text) - seq->len;
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(seq->text + seq->len, room, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= room)
        fake_bug("debugfs shows too much");
    seq->len += (size_t)len;
}

void seq_puts(struct seq_file *seq, const char *text)
{
    seq_printf(seq, "%s", text);
}

struct dentry *debugfs_create_dir(const char *name, struct dentry *parent)
{
    if (strcmp(name, "xeniommu") != 0 || parent != NULL || directory.name != NULL)
        fake_bug("debugfs: another directory %s", name);
    directory.name = name;
    return &directory;
}

struct dentry *debugfs_create_file(const char *name, unsigned int mode, struct dentry *parent,
                                   void *data, const struct file_operations *operations)
{
    if (strcmp(name, "devices") != 0 || mode != 0444 || parent != &directory || data != NULL)
        fake_bug("debugfs: another file %s", name);
    file.name = name;
    file.operations = operations;
    return &file;
}

void debugfs_remove_recursive(struct dentry *dentry)
{
    if (dentry != &directory || directory.name == NULL)
        fake_bug("debugfs: what is removed is not there");
    directory = (struct dentry){0};
    file = (struct dentry){0};
}

const char *fake_debugfs_show(void)
{
    static struct seq_file seq;

    if (file.operations == NULL)
        return NULL;
    seq.len = 0;
    seq.text[0] = '\0';
    if (file.operations->show(&seq, NULL) != 0)
        fake_bug("debugfs: an error");
    return seq.text;
}

void fake_device_reset(void)
{
    if (fake_bus_listeners() > 0)
        fake_bug("somebody still listens to a bus");
    if (directory.name != NULL || file.name != NULL)
        fake_bug("debugfs: something was left");
    function_count = 0;
    device_count = 0;
}

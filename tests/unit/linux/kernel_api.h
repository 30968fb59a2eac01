/* SPDX-License-Identifier: MIT */
/*
 * What the Linux driver uses of the kernel, for its unit tests in user space. What stands for a
 * kernel header includes this one (CMakeLists.txt makes them). Names and meanings are the kernel's,
 * what lies behind them is as little as the tests need; in kernel.c, device.c and xen.c.
 *
 * One thing happens at a time: a worker runs only where a test lets it. What no caller may do (to
 * sleep under a spinlock, to put what was not taken) ends the program, with a word on stderr.
 */
#ifndef XI_TESTS_LINUX_KERNEL_API_H
#define XI_TESTS_LINUX_KERNEL_API_H

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* ---- types, memory, strings ---- */

typedef uint32_t u32;

#define U16_MAX          0xffff
#define ARRAY_SIZE(a)    (sizeof(a) / sizeof((a)[0]))
#define READ_ONCE(x)     (x)
#define WRITE_ONCE(x, v) ((x) = (v))

#define min_t(type, a, b) ((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define container_of(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define GFP_KERNEL 0

void *kmalloc(size_t size, int flags);
void *kzalloc(size_t size, int flags);
void kfree(const void *memory);
const char *kstrdup_const(const char *string, int flags);
void kfree_const(const void *memory);

/* Knows "%pOF" alone. */
char *kasprintf(int flags, const char *format, ...);

/* Knows "%ps" alone; the driver calls it snprintf(). */
int kernel_snprintf(char *out, size_t size, const char *format, ...);
#ifdef XI_LINUX_DRIVER
#undef snprintf
#define snprintf kernel_snprintf
#endif

ssize_t strscpy(char *to, const char *from, size_t size);

static inline bool IS_ERR(const void *pointer)
{
    return (uintptr_t)pointer >= (uintptr_t)-4095;
}

static inline long PTR_ERR(const void *pointer)
{
    return (long)(intptr_t)pointer;
}

static inline void *ERR_PTR(long error)
{
    return (void *)(intptr_t)error;
}

/* ---- lists ---- */

struct list_head {
    struct list_head *next, *prev;
};

#define LIST_HEAD(name) struct list_head name = {&(name), &(name)}

static inline bool list_empty(const struct list_head *head)
{
    return head->next == head;
}

void list_add_tail(struct list_head *entry, struct list_head *head);
void list_del(struct list_head *entry);

#define list_for_each_entry(pos, head, member)                                                     \
    for ((pos) = container_of((head)->next, __typeof__(*(pos)), member); &(pos)->member != (head); \
         (pos) = container_of((pos)->member.next, __typeof__(*(pos)), member))
#define list_for_each_entry_safe(pos, following, head, member)                                     \
    for ((pos) = container_of((head)->next, __typeof__(*(pos)), member);                           \
         (following) = container_of((pos)->member.next, __typeof__(*(pos)), member),               \
        &(pos)->member != (head);                                                                  \
         (pos) = (following))

/* ---- locks ---- */

struct mutex {
    bool held;
};

typedef struct spinlock {
    bool held;
} spinlock_t;

#define DEFINE_MUTEX(name)    struct mutex name
#define DEFINE_SPINLOCK(name) spinlock_t name

void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
void spin_lock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);

/* ---- references, workers, time ---- */

struct kref {
    int count;
};

void kref_init(struct kref *kref);
void kref_get(struct kref *kref);
int kref_put(struct kref *kref, void (*release)(struct kref *kref));

struct completion {
    bool ready, done;
};

void init_completion(struct completion *completion);
void complete(struct completion *completion);

/* A jiffy is a millisecond. */
unsigned long msecs_to_jiffies(unsigned int ms);
void msleep(unsigned int ms);
long long ktime_get_boottime_seconds(void);
unsigned long wait_for_completion_timeout(struct completion *completion, unsigned long jiffies);

struct work_struct {
    void (*function)(struct work_struct *work);
};

struct workqueue_struct;

#define WQ_UNBOUND         2
#define INIT_WORK(work, f) ((work)->function = (f))

struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int max_active);
bool queue_work(struct workqueue_struct *queue, struct work_struct *work);
void destroy_workqueue(struct workqueue_struct *queue);

/* ---- modules ---- */

struct module {
    int users;
};

extern struct module kernel_module;

#define THIS_MODULE (&kernel_module)
#define __init
#define __exit

bool try_module_get(struct module *module);
void module_put(struct module *module);

/* What the tests call. */
int kernel_module_init(void);
void kernel_module_exit(void);

#define module_init(function)                                                                      \
    int kernel_module_init(void)                                                                   \
    {                                                                                              \
        return function();                                                                         \
    }
#define module_exit(function)                                                                      \
    void kernel_module_exit(void)                                                                  \
    {                                                                                              \
        function();                                                                                \
    }

/* Lets the tests reach the parameter, as kernel_param_NAME. */
#define module_param(name, type, mode)                                                             \
    extern type *const kernel_param_##name;                                                        \
    type *const kernel_param_##name = &(name)

#define MODULE_INFO_(name, text)     _Static_assert(sizeof(text) > 1, "")
#define MODULE_PARM_DESC(name, text) MODULE_INFO_(name, text)
#define MODULE_DESCRIPTION(text)     MODULE_INFO_(description, text)
#define MODULE_VERSION(text)         MODULE_INFO_(version, text)
#define MODULE_LICENSE(text)         MODULE_INFO_(license, text)

/* ---- devices ---- */

struct bus_type {
    const char *name;
};

extern struct bus_type platform_bus_type, amba_bustype, pci_bus_type;

struct device_node {
    const char *path;
};

struct device {
    const char *name;
    const struct bus_type *bus;
    struct device_node *of_node;
    const struct dma_map_ops *dma_ops;
    void *driver_data;
    bool has_iommu_group;
    void *driver;
    bool locked;
};

struct pci_bus {
    int segment;
    unsigned int number;
};

struct pci_dev {
    struct pci_bus *bus;
    unsigned int devfn;
    struct device dev;
};

#define to_pci_dev(device) container_of(device, struct pci_dev, dev)

const char *dev_name(const struct device *dev);
bool device_trylock(struct device *dev);
void device_unlock(struct device *dev);

/* Those that fake_add_device() has put on it. */
int bus_for_each_dev(struct bus_type *bus, struct device *start, void *data,
                     int (*fn)(struct device *dev, void *data));
void *dev_get_drvdata(const struct device *dev);
bool device_iommu_mapped(struct device *dev);
bool dev_is_pci(const struct device *dev);
int pci_domain_nr(struct pci_bus *bus);
unsigned int pci_dev_id(struct pci_dev *pdev);
void dev_info(const struct device *dev, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

typedef void kernel_dma_op(void);

struct dma_map_ops {
    kernel_dma_op *dma_supported, *map_page, *unmap_page, *map_phys, *unmap_phys, *map_sg,
        *unmap_sg, *sync_single_for_cpu, *sync_single_for_device, *sync_sg_for_cpu,
        *sync_sg_for_device;
};

/* The device's own, or the system's. */
const struct dma_map_ops *get_dma_ops(struct device *dev);
void set_dma_ops(struct device *dev, const struct dma_map_ops *ops);

/* ---- notifiers ---- */

struct notifier_block {
    int (*notifier_call)(struct notifier_block *nb, unsigned long action, void *data);
};

#define NOTIFY_DONE 0

/* The values are as good as any others. */
enum {
    BUS_NOTIFY_ADD_DEVICE = 1,
    BUS_NOTIFY_DEL_DEVICE,
    BUS_NOTIFY_REMOVED_DEVICE,
    BUS_NOTIFY_BIND_DRIVER,
    BUS_NOTIFY_BOUND_DRIVER,
    BUS_NOTIFY_UNBIND_DRIVER,
    BUS_NOTIFY_UNBOUND_DRIVER,
    BUS_NOTIFY_DRIVER_NOT_BOUND,
    BUS_NOTIFY_LAST,
};

int bus_register_notifier(struct bus_type *bus, struct notifier_block *nb);
int bus_unregister_notifier(struct bus_type *bus, struct notifier_block *nb);

/* ---- debugfs ---- */

struct seq_file {
    char text[8192];
    size_t len;
};

struct file_operations {
    int (*show)(struct seq_file *file, void *unused);
};

struct dentry;

#define DEFINE_SHOW_ATTRIBUTE(name)                                                                \
    static const struct file_operations name##_fops = {.show = name##_show}

void seq_printf(struct seq_file *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void seq_puts(struct seq_file *file, const char *text);
struct dentry *debugfs_create_dir(const char *name, struct dentry *parent);
struct dentry *debugfs_create_file(const char *name, unsigned int mode, struct dentry *parent,
                                   void *data, const struct file_operations *operations);
void debugfs_remove_recursive(struct dentry *dentry);

/* ---- sysfs: one file, which the tests write ---- */

struct attribute {
    const char *name;
    unsigned int mode;
};

struct kobject {
    bool exists;
};

struct kobj_attribute {
    struct attribute attr;
    ssize_t (*store)(struct kobject *kobj, struct kobj_attribute *attr, const char *text,
                     size_t size);
};

#define __ATTR_WO(file)                                                                            \
    {                                                                                              \
        .attr = {.name = #file, .mode = 0200}, .store = file##_store,                              \
    }

extern struct kobject *kernel_kobj;

struct kobject *kobject_create_and_add(const char *name, struct kobject *parent);
int sysfs_create_file(struct kobject *kobj, const struct attribute *attr);
void kobject_put(struct kobject *kobj);

/* ---- Xen ---- */

struct xenbus_transaction {
    u32 id;
};

#define XBT_NIL ((struct xenbus_transaction){0})

bool xen_domain(void);
bool xen_pv_domain(void);
bool xen_initial_domain(void);
void *xenbus_read(struct xenbus_transaction transaction, const char *directory, const char *node,
                  unsigned int *len);
char **xenbus_directory(struct xenbus_transaction transaction, const char *directory,
                        const char *node, unsigned int *count);
int register_xenstore_notifier(struct notifier_block *nb);
void unregister_xenstore_notifier(struct notifier_block *nb);

#endif

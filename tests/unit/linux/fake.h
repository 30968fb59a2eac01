/* SPDX-License-Identifier: MIT */
/* The kernel that kernel_api.h stands for, as tests set it up and look at it. */
#ifndef XI_TESTS_LINUX_FAKE_H
#define XI_TESTS_LINUX_FAKE_H

#include "kernel_api.h"

struct fake {
    /* What the machine is. */
    bool not_xen, is_pv, is_guest;
    const struct dma_map_ops *system_ops;

    /* Memory: of the next allocations the one that fails, counted from 1; 0: none. */
    unsigned int failing_allocation;
    unsigned int allocated; /* blocks that are not given back */

    /* Modules: nobody gets the module any more. */
    bool unloading;

    /* Workers. */
    bool no_workqueue;
    bool works_at_once;          /* who queues something finds it done */
    void (*while_waiting)(void); /* called by whoever waits; NULL: nothing happens */
    unsigned long waited;        /* jiffies, by the latest one at most */
    bool timed_out;              /* the latest one was not woken */
    int max_workers;

    /* Time: since the start, and what was slept. */
    long long uptime; /* s */
    unsigned int slept_ms;
    void (*while_sleeping)(void);

    /* XenStore. */
    void (*before_read)(const char *path);
    unsigned int reads;
    const char *domains; /* that /local/domain lists, separated by blanks; NULL: it is not there */
    int domains_error;
    bool xenstore_is_up; /* who registers is called at once, and is not registered */

    /* The bus at which a listener is refused, counted from 1; 0: none. */
    unsigned int failing_bus;

    /* sysfs: no directory, no file. */
    bool no_kobject, no_sysfs_file;

    /* The log: lines, and the latest one. */
    unsigned int log_lines;
    char log[256];
};

extern struct fake fake;

/* All as at the start: a Xen that is not PV, an empty XenStore; nothing may be left over. */
void fake_reset(void);

/* Ends the program with a message. */
void fake_bug(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* For what may sleep. */
void fake_may_sleep(const char *who);

/* A worker takes what waits longest, and goes on to its end, or to a read without an answer. */
void fake_work(void);

/* The same for all that waits. */
void fake_work_all(void);

/* How many are in the queue, and how many are stuck in a read. */
unsigned int fake_queued(void);
unsigned int fake_stuck(void);

/* Whether a worker calls. */
bool fake_is_worker(void);

/* For before_read: the worker stops here until fake_answer(). */
void fake_get_stuck(void);

/* The read that is stuck for longest gets its answer, and its worker goes on. */
void fake_answer(void);

/* What is in XenStore. A value of NULL takes the node away. */
void fake_store_set(const char *path, const char *value);
void fake_store_set_bytes(const char *path, const char *value, size_t len);

/* From now on a read of the path fails; 0: no longer. */
void fake_store_fail(const char *path, int error);

void fake_store_reset(void);

/* A tree by which the daemon stands; and a device in it. NULL: the node is absent. */
void fake_publish_tree(void);
void fake_publish(const char *key, const char *state, const char *swiotlb);

/* xenstored comes up: whoever has registered is called. */
void fake_store_up(void);
bool fake_is_waiting_for_xenstored(void);

/* What the debugfs file "xeniommu/devices" shows; NULL where it is not there. Until the next call.
 */
const char *fake_debugfs_show(void);

/* sysfs: what becomes of a write to /sys/kernel/xeniommu/early: its size, or a negative errno;
 * -ENOENT where the file is not there. */
ssize_t fake_write_early(const char *text, size_t size);

/* An event on the bus; returns what the driver does. Without a listener the program ends. */
int fake_bus_event(const struct bus_type *bus, unsigned long action, struct device *dev);
unsigned int fake_bus_listeners(void);

/* Puts a device on its bus, until fake_reset(); it may be locked by somebody. */
void fake_add_device(struct device *dev);

/* A function that "%ps" prints so; each call gives another. NULL: one without a name. */
kernel_dma_op *fake_function(const char *name);

/* What "%ps" prints for it. */
const char *fake_symbol(kernel_dma_op *function);

/* swiotlb-xen's operations. */
struct dma_map_ops fake_swiotlb_xen(void);

/* Ends the program where something of devices is left over. */
void fake_device_reset(void);

#endif

/* SPDX-License-Identifier: MIT */
/* A folder with made /sys and /proc, and what stands for the kernel where a device is unbound and
 * bound. */
#ifndef XI_TESTS_UNIT_MADE_TREE_H
#define XI_TESTS_UNIT_MADE_TREE_H

#include <stdbool.h>

#define VIRTIO_DEVICE "/sys/devices/platform/a003800.virtio_mmio"
#define VIRTIO_DISK   VIRTIO_DEVICE "/virtio1/block/vda"
#define NIC_DEVICE    "/sys/devices/pci0000:00/0000:00:04.0"
#define NIC_INTERFACE NIC_DEVICE "/net/eth0"

/* The root, until the next tree_make(). */
extern char tree_root[64];

/* Two devices with swiotlb-xen that nobody uses: a virtio disk with a partition, and a network
 * card. */
void tree_make(void);
void tree_remove(void);

/* Writes a file, makes a folder or a symbolic link, with the folders above; paths begin with "/".
 */
void tree_put(const char *path, const char *text);
void tree_folder(const char *path);
void tree_link(const char *path, const char *target);

/* A folder of a device below another, of that subsystem. */
void tree_device(const char *path, const char *subsystem);

/* Removes a file or link, or a folder and what is in it. */
void tree_drop(const char *path);

/* A process that has what the link names open. */
void tree_process(const char *pid, const char *target);

/* The kernel, which is asked to bind or unbind. */
struct fake_driver {
    char calls[512];    /* "unbind NAME", "bind NAME", ... "; " behind each */
    int unbind_error;   /* of each; 0: it succeeds */
    int bind_error;     /* likewise */
    int bind_failures;  /* how many binds fail with it; negative: all */
    bool takes_nothing; /* the Linux driver keeps swiotlb-xen */
    bool binds_late;    /* when bind_error was answered once, and somebody waits */
};

extern struct fake_driver fake_driver;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Who uses a device: what would notice if its driver let go of it. Told from what lies below it in
 * sysfs, of which only what is known to show its users there counts as unused.
 */
#ifndef XI_CLIENT_CLI_USE_H
#define XI_CLIENT_CLI_USE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define USE_NAME_SIZE 64

/* A device node below the device. */
struct use_node {
    bool is_block;
    bool is_disk; /* block: a whole one, no partition */
    dev_t dev;
    char name[USE_NAME_SIZE]; /* below /dev */
};

/* What was found. */
struct use {
    const char *root;   /* before every path: "" but for tests */
    const char *reason; /* a token of xen-iommu(1)'s list, constant; NULL: nobody uses it */
    char detail[192];   /* which part of the device, or by whom; "" with NULL */
    struct use_node *nodes;
    size_t count;
    bool told; /* something below the device shows its users */
};

/* Looks at the device whose folder in sysfs, an absolute path that names no link, is folder. Free
 * it in any case. 0, or -ENOMEM; what else cannot be read is a reason. */
int use_find(struct use *use, const char *root, const char *folder);

void use_free(struct use *use);

/* ---- between the files of it; each returns 0, 1: a reason was found, or -ENOMEM ---- */

/* Notes a reason. Always 1. */
int use_because(struct use *use, const char *reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* use_walk.c: what lies below the folder. */
int use_walk(struct use *use, const char *folder);

/* use_block.c: who uses the nodes of disks without having them open. */
int use_find_block(struct use *use);

/* use_process.c: processes that have a node open or mapped, or a file system of it mounted. */
int use_find_process(struct use *use);

/* The node of that number, or NULL. */
const struct use_node *use_node_of(const struct use *use, bool is_block, dev_t dev);

/* The disk or partition that a path names, by its number or as /dev/NAME; NULL: none of the
 * device's. */
const struct use_node *use_block_at(const struct use *use, const char *path);

/* "MAJOR:MINOR" in decimal; false: it is none. */
bool use_parse_dev(const char *text, dev_t *dev);

#endif

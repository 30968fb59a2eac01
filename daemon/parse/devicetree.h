/* SPDX-License-Identifier: MIT */
/* What a flattened device tree says of devices and their DMA. Pure; the tree is hostile input.
 * docs/devices.md holds the rules. Nothing in here is evidence of protection: under Xen a tree only
 * ever names and claims. */
#ifndef XI_PARSE_DEVICETREE_H
#define XI_PARSE_DEVICETREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../facts.h"

#define DEVICETREE_MAX_SIZE   (2U * 1024 * 1024) /* bytes; arm64 Linux and Xen take no more */
#define DEVICETREE_PATH_MAX   2048 /* bytes of a path with its NUL; deeper is left out */
#define DEVICETREE_ERRORS_MAX 64
#define DEVICETREE_ERROR_SIZE 256

/* Does the node matter. Of these UNKNOWN and CAPABLE do. */
enum dt_relevance {
    DT_NOT_A_DEVICE, /* nothing is bound at this path, or it is published as a PCI function */
    DT_NO_DMA,       /* a device that cannot do DMA of its own */
    DT_DMA_UNKNOWN,
    DT_DMA_CAPABLE,
};

/* What the tree tells of the stream IDs by which IOMMUs know a device. */
enum dt_streams {
    DT_STREAMS_NONE,   /* nothing: it is behind no IOMMU, or the tree has them taken out */
    DT_STREAMS_KNOWN,  /* all of them, and all who share them */
    DT_STREAMS_UNREAD, /* it may have more, or share them with what cannot be told */
};

/* All strings belong to the tree. They hold any bytes but NUL: not fit for a terminal as they are.
 */
struct dt_device {
    const char *path;       /* full path, "/soc/video@fe001000" */
    const char *compatible; /* its first string, or "" */
    const char *iommu;      /* path of the first real, enabled IOMMU it or its bus is behind */
    /* xen,path: the host's path of a node in a partial tree. NULL where there is none, or no single
     * absolute path. */
    const char *xen_path;
    bool enabled;         /* its status and those of all above it are absent, "okay" or "ok" */
    bool passthrough;     /* xen,passthrough */
    bool force_assign;    /* xen,force-assign-without-iommu */
    bool dma_coherent;    /* as Linux decides: the nearest word on the way its DMA takes */
    bool pci_host;        /* device_type = "pci", and not below another one */
    bool is_iommu;        /* has #iommu-cells or mmu-masters */
    bool iommu_disabled;  /* names a real IOMMU whose status is not okay */
    bool dangling;        /* names an IOMMU by a phandle that no node has */
    bool grant_dma;       /* names a node compatible with "xen,grant-dma" */
    bool grant_dma_stub;  /* ... whose #iommu-cells is 0 */
    bool virtio_iommu;    /* names an IOMMU that is "virtio,pci-iommu" or "virtio,mmio" */
    bool damaged;         /* a part of the node could not be read */
    enum dt_claims claim; /* the first, of a device that makes two */
    enum dt_relevance relevance;
    enum dt_streams streams;
    uint32_t group; /* those with the same number share streams; 0: with nobody that is known */
};

struct dt_alias {
    const char *name;
    const char *path; /* as written there; the node may not exist */
};

struct devicetree {
    struct dt_device *devices; /* every node but the root, sorted by path (strcmp), no path twice */
    size_t count;
    struct dt_alias *aliases; /* sorted by name, no name twice */
    size_t alias_count;
    bool streams_told; /* some device's stream IDs stand in it: not in the tree that Xen makes */
    bool doubled;      /* a path was there twice */
    bool incomplete;   /* nodes may be missing: the structure is damaged, or too large */
    /* "/path: property: cause", printable; those beyond DEVICETREE_ERRORS_MAX are only counted. */
    char errors[DEVICETREE_ERRORS_MAX][DEVICETREE_ERROR_SIZE];
    size_t error_count;
    size_t errors_lost;
    void *blob;  /* private: a copy of the bytes, which strings point into */
    char *paths; /* private: all paths */
};

/* Reads the tree in the size bytes at blob; they are copied. 0, also when parts were bad: see
 * errors. -EINVAL: not a flattened tree of version 16 or 17, or more than
 * DEVICETREE_MAX_SIZE bytes of it. -ENOMEM. On an error *tree is NULL. The caller frees *tree. */
int devicetree_parse(const void *blob, size_t size, struct devicetree **tree);

void devicetree_free(struct devicetree *tree); /* NULL is allowed */

/* The node with exactly this path, or NULL. */
const struct dt_device *devicetree_find(const struct devicetree *tree, const char *path);

/* The path that /aliases gives this name, or NULL. */
const char *devicetree_alias(const struct devicetree *tree, const char *name);

#endif

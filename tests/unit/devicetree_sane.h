/* SPDX-License-Identifier: MIT */
/* What holds of everything that the device tree walker makes, whatever it was given. */
#ifndef XI_TESTS_DEVICETREE_SANE_H
#define XI_TESTS_DEVICETREE_SANE_H

#include <string.h>

#include "parse/devicetree.h"

static inline const char *devicetree_device_fault(const struct devicetree *tree, size_t i)
{
    const struct dt_device *device = &tree->devices[i];

    if (device->path[0] != '/' || strlen(device->path) >= DEVICETREE_PATH_MAX)
        return "a path that is none";
    if (i && strcmp(tree->devices[i - 1].path, device->path) >= 0)
        return "paths not in order";
    if (devicetree_find(tree, device->path) != device)
        return "a path that is not found";
    if (device->iommu && !devicetree_find(tree, device->iommu))
        return "behind an IOMMU that is not there";
    /* Of a path that is there twice, the other node may be the IOMMU. */
    if (device->iommu && !tree->doubled && !devicetree_find(tree, device->iommu)->is_iommu)
        return "behind something else";
    if (device->grant_dma_stub && !device->grant_dma)
        return "a stub of nothing";
    if (device->claim > DT_CLAIMS_XEN_IOMMU || device->relevance > DT_DMA_CAPABLE)
        return "an enumeration out of range";
    if (device->damaged && device->relevance == DT_NO_DMA)
        return "a judgement on what could not be read";
    if (device->streams > DT_STREAMS_UNREAD)
        return "streams out of range";
    if (device->streams == DT_STREAMS_KNOWN && (!tree->streams_told || tree->incomplete))
        return "streams that nobody told, or not all";
    if (device->group && device->streams == DT_STREAMS_NONE)
        return "streams to share, but none";
    return device->compatible ? NULL : "no compatible";
}

static inline const char *devicetree_error_fault(const char *error)
{
    const char *end = memchr(error, '\0', DEVICETREE_ERROR_SIZE);

    if (!end || end == error)
        return "an error without text or end";
    for (; error < end; error++)
        if (*error < ' ' || *error > '~')
            return "an error that is not printable";
    return NULL;
}

/* What is wrong with it, or NULL. */
static inline const char *devicetree_fault(const struct devicetree *tree)
{
    const char *fault = NULL;
    size_t i;

    for (i = 0; !fault && i < tree->count; i++)
        fault = devicetree_device_fault(tree, i);
    for (i = 0; !fault && i < tree->alias_count; i++)
        if (devicetree_alias(tree, tree->aliases[i].name) != tree->aliases[i].path)
            fault = "an alias that is not found";
    if (tree->error_count > DEVICETREE_ERRORS_MAX)
        return "too many errors";
    for (i = 0; !fault && i < tree->error_count; i++)
        fault = devicetree_error_fault(tree->errors[i]);
    if (tree->incomplete && !tree->error_count)
        return "incomplete without an error";
    return fault;
}

#endif

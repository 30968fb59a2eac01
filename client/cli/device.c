/* SPDX-License-Identifier: MIT */
#include "device.h"
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* From the form that the codec parses it differs in separators, case, and the segment. */
static int parse_pci(const char *text, uint32_t *sbdf)
{
    const char *segment = strlen(text) == strlen("00:04.0") ? "0000:" : "";
    char name[XENIOMMU_PCI_NAME_SIZE];
    int i, len = snprintf(name, sizeof(name), "%s%s", segment, text);

    if (len != XENIOMMU_PCI_NAME_SIZE - 1 || name[4] != ':' || name[7] != ':' || name[10] != '.')
        return -EINVAL;
    for (i = 0; i < len; i++)
        name[i] = (char)tolower((unsigned char)name[i]);
    name[4] = name[7] = name[10] = '-';
    return xeniommu_pci_parse(name, (size_t)len, sbdf) == 0 ? 0 : -EINVAL;
}

int device_parse(const char *text, struct xeniommu_device *device)
{
    char encoded[XENIOMMU_KEY_SIZE];
    uint32_t sbdf;

    if (text[0] == '/') {
        if (xeniommu_encode_path(text, encoded, sizeof(encoded)) < 0)
            return -EINVAL;
        *device = (struct xeniommu_device){.bus = XENIOMMU_BUS_DT, .path = text};
        return 0;
    }
    if (parse_pci(text, &sbdf) != 0)
        return -EINVAL;
    *device = (struct xeniommu_device){.bus = XENIOMMU_BUS_PCI, .sbdf = sbdf};
    return 0;
}

const char *device_format(const struct xeniommu_device *device, char buffer[DEVICE_TEXT_SIZE])
{
    if (device->bus == XENIOMMU_BUS_DT)
        return device->path;
    snprintf(buffer, DEVICE_TEXT_SIZE, "%04x:%02x:%02x.%x", device->sbdf >> 16,
             device->sbdf >> 8 & 0xff, device->sbdf >> 3 & 0x1f, device->sbdf & 0x7);
    return buffer;
}

/* Whoever wrote the device tree chose its names, and nobody has checked them. */
char *device_printable(const struct xeniommu_device *device)
{
    char address[DEVICE_TEXT_SIZE];

    return text_printable(device_format(device, address));
}

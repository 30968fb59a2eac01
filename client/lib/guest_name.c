/* SPDX-License-Identifier: MIT */
#include "guest_name.h"

#include <string.h>

/* Whether the word of len bytes begins so; then value is what follows. */
static bool begins(const char *word, size_t len, const char *with, const char **value)
{
    size_t length = strlen(with);

    if (len < length || memcmp(word, with, length) != 0)
        return false;
    *value = word + length;
    return true;
}

static bool take_path(const char *value, size_t len, struct xeniommu_device *guest, char *path,
                      size_t size)
{
    char encoded[XENIOMMU_KEY_SIZE];

    if (len < 2 || value[0] != '/' || len > sizeof(encoded))
        return false;
    memcpy(encoded, value + 1, len - 1);
    encoded[len - 1] = '\0';
    if (strlen(encoded) != len - 1 || xeniommu_decode_path(encoded, path, size) < 0)
        return false;
    *guest = (struct xeniommu_device){.bus = XENIOMMU_BUS_DT, .path = path};
    return true;
}

static bool take_address(const char *value, size_t len, struct xeniommu_device *guest)
{
    return xeniommu_pci_parse(value, len, &guest->sbdf) == 0;
}

bool guest_name_find(const char *facts, size_t len, enum xeniommu_bus bus,
                     struct xeniommu_device *guest, char *path, size_t size)
{
    const char *name = bus == XENIOMMU_BUS_PCI ? "guest-address=" : "guest-path=";
    const char *found = NULL, *value;
    size_t found_len = 0, start, end;

    *guest = (struct xeniommu_device){.bus = XENIOMMU_BUS_PCI};
    for (start = 0; start < len; start = end + 1) {
        for (end = start; end < len && facts[end] != ' ';)
            end++;
        if (!begins(facts + start, end - start, name, &value))
            continue;
        if (found != NULL)
            return false;
        found = value;
        found_len = (size_t)(facts + end - value);
    }
    if (found == NULL)
        return false;
    return bus == XENIOMMU_BUS_PCI ? take_address(found, found_len, guest)
                                   : take_path(found, found_len, guest, path, size);
}

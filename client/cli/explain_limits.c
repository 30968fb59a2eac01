/* SPDX-License-Identifier: MIT */
/* One row for each limit of xeniommu-schema.h, in words that its owner can act on. */
#include "explain_words.h"

#include <string.h>

static const struct limit_words limit_words[] = {
    {XENIOMMU_LIMIT_NO_ACS,
     "It and its neighbours (below the same PCIe switch, in the same card) can reach each other "
     "without passing the IOMMU: something on the way cannot forbid that (PCIe ACS).",
     "A slot at a root port of its own, or hardware with ACS all the way. One owner for all that "
     "can reach each other makes it harmless."},
    {XENIOMMU_LIMIT_ATS,
     "Xen lets it translate addresses by itself (PCIe ATS), and what it marks as translated passes "
     "the IOMMU unchecked: it is confined as long as the device itself is honest.",
     "Xen's command line without ats, and a reboot."},
    {XENIOMMU_LIMIT_NO_INTREMAP,
     "Xen does not remap interrupts: whoever controls the device can make it send any interrupt to "
     "any processor, and so disturb the machine, even take it over.",
     "Interrupt remapping switched on in the firmware's setup (often with VT-d, AMD-Vi, x2APIC), "
     "and Xen's command line without iommu=no-intremap; then a reboot."},
    {XENIOMMU_LIMIT_RESERVED_MEMORY,
     "The firmware reserves memory for it (in the ACPI tables: RMRR, IVMD): the IOMMU may leave "
     "that open to it beside its owner's memory, and the firmware may go on using the device "
     "behind "
     "its owner's back.",
     "Firmware that reserves none for it: by an update, or by switching off in its setup what "
     "needs it, such as legacy USB support or remote management."},
    {XENIOMMU_LIMIT_MAP_INCLUSIVE,
     "For dom0's devices Xen maps all that is not RAM below 4 GiB as well, the registers of other "
     "devices included: dom0-iommu=map-inclusive, which older Xens do for a PV dom0 without being "
     "told.",
     "dom0-iommu=no-map-inclusive on Xen's command line, and a reboot; or giving the device to a "
     "guest."},
};

const struct limit_words *words_of_limit(const char *token)
{
    unsigned int limit = xeniommu_parse_limits(token, strlen(token));
    size_t i;

    for (i = 0; i < sizeof(limit_words) / sizeof(limit_words[0]); i++)
        if (limit_words[i].limit == limit)
            return &limit_words[i];
    return NULL;
}

bool next_limit(const char **rest, char token[LIMIT_TOKEN_SIZE])
{
    size_t len;

    *rest += strspn(*rest, " ");
    len = strcspn(*rest, " ");
    if (len >= LIMIT_TOKEN_SIZE) /* a list that is longer is not read */
        len = LIMIT_TOKEN_SIZE - 1;
    memcpy(token, *rest, len);
    token[len] = '\0';
    *rest += len;
    return len > 0;
}

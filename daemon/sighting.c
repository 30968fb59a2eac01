/* SPDX-License-Identifier: MIT */
#include "sighting.h"

#include <stdio.h>
#include <string.h>

void pci_base(uint32_t sbdf, char base[PCI_BASE_SIZE])
{
    memcpy(base, "pci/", 4);
    xeniommu_pci_name(sbdf, base + 4);
}

bool dt_base(const char *path, char base[DT_BASE_SIZE])
{
    memcpy(base, "dt/", 3);
    return xeniommu_encode_path(path, base + 3, DT_BASE_SIZE - 3) >= 0;
}

/* A claim that libxl's record does not bear out is an old one: backend directories outlive their
 * domain, and the next domain of that number must not inherit them. */
static bool is_recorded(const struct assignment *assignment, const struct pci_claim *claim)
{
    const struct pci_record *record = assignment_record(assignment, claim->sbdf);

    return record && record->has_domid && !record->malformed &&
           (record->domid == claim->domid || record->domid == claim->serves);
}

bool sighting_of_claim(const struct view_source *source, const struct pci_claim *claim,
                       uint32_t domid, uint32_t *address)
{
    return claim->serves == domid && is_recorded(source->assignment, claim) &&
           claim_guest_address(claim, source->domains, address);
}

const char *sighting_of_record(const struct dt_record *record, const struct domain *domain)
{
    if (record->domid != domain->domid || record->where == GUEST_PATH_UNKNOWN ||
        memcmp(record->handle, domain->handle, sizeof(record->handle)) != 0)
        return NULL;
    return record->where == GUEST_PATH_KNOWN ? record->guest_path : record->path;
}

/* ------------------------------------------------------------- the guest's name */

/* What stands there is the view of this pass, so it is about this device; unless it says that it
 * may be about another one, or that the device may be elsewhere. */
static bool is_told(const struct view_source *source, uint32_t domid, const char *base)
{
    char path[DT_BASE_SIZE + sizeof("/reason")];
    const char *reason;

    snprintf(path, sizeof(path), "%s/reason", base);
    reason = source->told ? source->told(source->told_arg, domid, path) : NULL;
    return reason && strcmp(reason, SIGHTING_CONFLICT) != 0;
}

static void pci_word(const struct view_source *source, const struct device *device,
                     char word[SIGHTING_WORD_SIZE])
{
    uint32_t domid = device->owner.domid, address;
    size_t count;
    const struct pci_claim *claims =
        assignment_claims(source->assignment, device->function.sbdf, &count);
    char base[PCI_BASE_SIZE];

    for (size_t i = 0; i < count; i++) {
        if (!sighting_of_claim(source, &claims[i], domid, &address))
            continue;
        pci_base(address, base);
        if (is_told(source, domid, base))
            snprintf(word, SIGHTING_WORD_SIZE, "guest-address=%s", base + strlen("pci/"));
        return;
    }
}

static void dt_word(const struct view_source *source, const struct device *device,
                    char word[SIGHTING_WORD_SIZE])
{
    const struct domain *domain = domain_list_find(source->domains, device->owner.domid);
    size_t count;
    const struct dt_record *records = dt_records_find(source->dt_records, device->path, &count);
    char base[DT_BASE_SIZE];

    for (size_t i = 0; domain && i < count; i++) {
        const char *path = sighting_of_record(&records[i], domain);

        if (!path || !dt_base(path, base))
            continue;
        if (is_told(source, domain->domid, base))
            snprintf(word, SIGHTING_WORD_SIZE, "guest-path=/%s", base + strlen("dt/"));
        return;
    }
}

void sighting_word(const struct view_source *source, const struct device *device,
                   char word[SIGHTING_WORD_SIZE])
{
    word[0] = '\0';
    if (device->bus == BUS_PCI)
        pci_word(source, device, word);
    else
        dt_word(source, device, word);
}

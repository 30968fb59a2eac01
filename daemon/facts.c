/* SPDX-License-Identifier: MIT */
#include "facts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct line {
    char *text;
    size_t size, used;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *line, const char *format, ...)
{
    va_list args;
    int length;

    if (line->used >= line->size)
        return;
    va_start(args, format);
    length = vsnprintf(line->text + line->used, line->size - line->used, format, args);
    va_end(args);
    if (length > 0)
        line->used += (size_t)length;
}

static void add_owner(struct line *line, const struct facts *facts)
{
    static const char *const owners[] = {[OWNER_UNKNOWN] = "unknown",
                                         [OWNER_DOM0] = "dom0",
                                         [OWNER_GUEST] = "guest",
                                         [OWNER_NONE] = "none"};
    static const char *const guests[] = {[GUEST_KIND_UNKNOWN] = "unknown",
                                         [GUEST_KIND_PV] = "pv",
                                         [GUEST_KIND_TRANSLATED] = "translated"};
    static const char *const doubts[] = {[DOUBT_NONE] = "none",
                                         [DOUBT_INCOMPLETE] = "incomplete",
                                         [DOUBT_LEAVING] = "leaving",
                                         [DOUBT_OWNER_DOWN] = "owner-down",
                                         [DOUBT_CONFLICT] = "conflict",
                                         [DOUBT_NO_RECORD] = "no-record",
                                         [DOUBT_MALFORMED] = "malformed",
                                         [DOUBT_UNREADABLE] = "unreadable",
                                         [DOUBT_NEW_DEVICE] = "new-device",
                                         [DOUBT_HIDDEN] = "hidden",
                                         [DOUBT_OTHER_DEVICE] = "other-device",
                                         [DOUBT_UNBOUND] = "unbound"};

    add(line, " owner=%s", owners[facts->owner]);
    if (facts->owner == OWNER_GUEST)
        add(line, " guest=%s", guests[facts->guest]);
    if (facts->owner == OWNER_UNKNOWN)
        add(line, " doubt=%s", doubts[facts->doubt]);
}

static const char *mates_word(enum group_mates mates)
{
    static const char *const words[] = {[MATES_UNKNOWN] = "unknown",
                                        [MATES_UNLISTED] = "unlisted",
                                        [MATES_DOUBTFUL] = "doubtful",
                                        [MATES_APART] = "apart",
                                        [MATES_TOGETHER] = "together"};

    return words[mates];
}

static void add_pci(struct line *line, const struct facts *facts)
{
    static const char *const modes[] = {[DOM0_MODE_UNKNOWN] = "unknown",
                                        [DOM0_RELAXED] = "relaxed",
                                        [DOM0_STRICT] = "strict",
                                        [DOM0_PASSTHROUGH] = "passthrough",
                                        [DOM0_TRANSLATED] = "pvh"};
    static const char *const coverage[] = {
        [COVERAGE_UNKNOWN] = "unknown", [COVERAGE_NO] = "no", [COVERAGE_YES] = "yes"};
    static const char *const builtin[] = {
        [BUILTIN_UNKNOWN] = "unknown", [BUILTIN_NONE] = "none", [BUILTIN_GIVEN] = "given"};
    static const char *const units[] = {
        [UNIT_UNKNOWN] = "unknown", [UNIT_OFF] = "off", [UNIT_ON] = "on"};
    static const char *const tables[] = {
        [TABLES_NONE] = "none", [TABLES_UNUSABLE] = "unusable", [TABLES_READ] = "read"};

    if (facts->owner == OWNER_DOM0)
        add(line, " dom0-mode=%s", modes[facts->dom0_mode]);
    add(line, " coverage=%s unit=%s mates=%s", coverage[facts->coverage], units[facts->unit],
        mates_word(facts->mates));
    add(line, " builtin-line=%s", builtin[facts->builtin]);
    if (facts->quarantine_off)
        add(line, " quarantine=%s", facts->quarantine_unsure ? "unknown" : "off");
    if (facts->unlisted)
        add(line, " unlisted=yes");
    if (facts->tables != TABLES_UNKNOWN)
        add(line, " tables=%s", tables[facts->tables]);
    if (facts->class_code)
        add(line, " class=%06" PRIx32, facts->class_code);
}

static void add_dt(struct line *line, const struct facts *facts)
{
    static const char *const claims[] = {[DT_NO_CLAIM] = "none",
                                         [DT_CLAIMS_IOMMU_EL2] = "iommu-el2-v1",
                                         [DT_CLAIMS_XEN_IOMMU] = "xen-iommu",
                                         [DT_CLAIMS_GRANT_STUB] = "grant-dma-stub"};

    add(line, " claim=%s", claims[facts->claim]);
    if (facts->mates != MATES_TOGETHER)
        add(line, " mates=%s", mates_word(facts->mates));
    if (facts->grant_dma)
        add(line, " grant-dma=yes");
    if (facts->virtio_iommu)
        add(line, " virtio-iommu=yes");
    if (facts->pci_host)
        add(line, " pci-host=yes");
    if (facts->force_assign)
        add(line, " force-assign=yes");
    if (facts->guest_path_unknown)
        add(line, " guest-path=unknown");
}

void facts_format(const struct facts *facts, const char *driver, char *text, size_t size)
{
    static const char *const iommu[] = {
        [IOMMU_UNKNOWN] = "unknown", [IOMMU_DISABLED] = "disabled", [IOMMU_ENABLED] = "enabled"};
    static const char *const oracle[] = {[ORACLE_NONE] = "none",
                                         [ORACLE_FREE] = "free",
                                         [ORACLE_TAKEN] = "taken",
                                         [ORACLE_NO_DEVICE] = "no-device",
                                         [ORACLE_UNSUPPORTED] = "unsupported"};
    struct line line = {text, size, 0};

    add(&line, "iommu=%s oracle=%s", iommu[facts->iommu], oracle[facts->oracle]);
    if (facts->switched_off)
        add(&line, " iommu-option=off");
    add_owner(&line, facts);
    if (facts->bus == BUS_PCI)
        add_pci(&line, facts);
    else
        add_dt(&line, facts);
    if (driver[0])
        add(&line, " driver=%s", driver);
}

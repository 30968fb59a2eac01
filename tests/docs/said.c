/* SPDX-License-Identifier: MIT */
/* Prints all that the code can say, a line each, for check.py, which looks for it in the documents:
 *     state WORD
 *     limit TOKEN
 *     reason pci|dt TOKEN STATE SWIOTLB     every verdict of the policy, over all facts
 *     fact pci|dt NAME VALUE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "every_case.h"
#include "facts.h"
#include "policy.h"

#define VERDICTS_MAX 128

static struct verdict verdicts[2][VERDICTS_MAX];
static size_t verdict_count[2];

static const char *bus_word(enum device_bus bus)
{
    return bus == BUS_PCI ? "pci" : "dt";
}

static void say_verdict(const struct facts *facts)
{
    struct verdict verdict = policy_decide(facts);
    struct verdict *known = verdicts[facts->bus == BUS_DT];
    size_t *count = &verdict_count[facts->bus == BUS_DT];

    for (size_t i = 0; i < *count; i++)
        if (policy_same(&known[i], &verdict))
            return;
    if (*count == VERDICTS_MAX) {
        fputs("said: more verdicts than it has room for\n", stderr);
        exit(EXIT_FAILURE);
    }
    known[(*count)++] = verdict;
    printf("reason %s %s %s %s\n", bus_word(facts->bus), verdict.reason,
           xeniommu_state_name(verdict.state), verdict.skip_swiotlb ? "skip" : "keep");
}

/* Those of the facts' words that were not said of this bus before are new lines only to a reader
 * who sorts: there are few. */
static void say_facts(const struct facts *facts)
{
    char text[512], *rest = text, *word;

    facts_format(facts, "a-driver", text, sizeof(text));
    while ((word = strtok_r(rest, " ", &rest)) != NULL) {
        const char *name = strsep(&word, "=");

        printf("fact %s %s %s\n", bus_word(facts->bus), name, word ? word : "");
    }
}

/* One fact at a time runs through its values, for each owner on each bus. */
static void say_all_facts(void)
{
    struct facts f = {0};

    EACH(bus, BUS_DT)
    EACH(owner, OWNER_NONE)
    {
        EACH(iommu, IOMMU_ENABLED) say_facts(&f);
        EACH(oracle, ORACLE_UNSUPPORTED) say_facts(&f);
        EACH(doubt, DOUBT_UNBOUND) say_facts(&f);
        EACH(guest, GUEST_KIND_TRANSLATED) say_facts(&f);
        EACH(dom0_mode, DOM0_TRANSLATED) say_facts(&f);
        EACH(coverage, COVERAGE_YES) say_facts(&f);
        EACH(mates, MATES_TOGETHER) say_facts(&f);
        EACH(claim, DT_CLAIMS_GRANT_STUB) say_facts(&f);
        EACH(unit, UNIT_ON) say_facts(&f);
        EACH(unlisted, true) say_facts(&f);
        EACH(quarantine_off, true) say_facts(&f);
        EACH(grant_dma, true) say_facts(&f);
        EACH(virtio_iommu, true) say_facts(&f);
        EACH(pci_host, true) say_facts(&f);
        EACH(force_assign, true) say_facts(&f);
        EACH(guest_path_unknown, true) say_facts(&f);
        EACH(builtin, BUILTIN_GIVEN) say_facts(&f);
        EACH(tables, TABLES_READ) say_facts(&f);
        EACH(switched_off, true) say_facts(&f);
        EACH(quarantine_unsure, true) say_facts(&f);
    }
}

int main(void)
{
    for (int state = XENIOMMU_UNKNOWN; state <= XENIOMMU_QUARANTINED; state++)
        printf("state %s\n", xeniommu_state_name((enum xeniommu_state)state));
    for (unsigned int limit = 1; xeniommu_limit_name(limit) != NULL; limit <<= 1)
        printf("limit %s\n", xeniommu_limit_name(limit));
    every_pci_case(say_verdict);
    every_dt_case(say_verdict);
    say_all_facts();
    return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}

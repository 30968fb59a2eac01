/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <stdio.h>
#include <string.h>

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

/* Where a claim stands, and what it says. Only plain characters: no need to escape anything. */
static void describe(const struct claim *claim, char *text, size_t size)
{
    static const char *const words[] = {"", " swiotlb=skip", " record", " tree", " status=ready"};
    char tree[16] = "host";
    const char *word = words[claim->kind];

    if (claim->tree != TREE_HOST)
        snprintf(tree, sizeof(tree), "%d", claim->tree);
    snprintf(text, size, "%s%s%s%s%s", tree, *claim->device ? ":" : "", claim->device,
             claim->kind == CLAIM_STATE ? " state=" : word,
             claim->kind == CLAIM_STATE ? xeniommu_state_name(claim->state) : "");
    if (claim->tree == TREE_HOST && *claim->device)
        snprintf(text + strlen(text), size - strlen(text), " owner=%d", claim->owner);
}

void report_finding(struct report *report, enum finding finding, const struct claim *claim,
                    const char *detail, uint64_t since, uint64_t now)
{
    char what[DEVICE_SIZE + 64];

    describe(claim, what, sizeof(what));
    report->found[finding]++;
    if (report->json)
        printf("{\"finding\":\"%s\",\"claim\":\"%s\",\"truth\":\"%s\",\"at_ns\":%llu,"
               "\"last_true_ns\":%llu}\n",
               finding_name(finding), what, detail, (unsigned long long)now,
               (unsigned long long)since);
    else if (since)
        printf("%.3f %s: %s: %s; false for %.3f ms\n", ms(now - report->begin) / 1e3,
               finding_name(finding), what, detail, ms(now - since));
    else
        printf("%.3f %s: %s: %s; never true\n", ms(now - report->begin) / 1e3,
               finding_name(finding), what, detail);
    fflush(stdout);
}

void report_overlap(struct report *report, enum finding finding, const struct claim *claim,
                    const char *detail, uint64_t length, uint64_t now)
{
    struct overlap *overlap = &report->overlaps[finding];
    char what[DEVICE_SIZE + 64];

    describe(claim, what, sizeof(what));
    overlap->count++;
    if (report->each && !report->json) {
        printf("%.3f overlap %s: %s: %s; for %.3f ms\n", ms(now - report->begin) / 1e3,
               finding_name(finding), what, detail, ms(length));
        fflush(stdout);
    }
    if (length <= overlap->longest)
        return;
    overlap->longest = length;
    memcpy(overlap->where, what, sizeof(what));
}

static void summary_json(const struct report *report, uint64_t now)
{
    printf("{\"summary\":{\"seconds\":%.3f,\"looks\":%lu,\"longest_gap_ms\":%.3f,"
           "\"readings\":%lu,\"unseen\":%lu,\"findings\":{",
           ms(now - report->begin) / 1e3, report->looks, ms(report->longest_gap), report->readings,
           report->unseen);
    for (int i = 1; i < FINDINGS; i++)
        printf("%s\"%s\":%lu", i > 1 ? "," : "", finding_name((enum finding)i), report->found[i]);
    printf("},\"overlaps\":{");
    for (int i = 1; i < FINDINGS; i++)
        printf("%s\"%s\":{\"count\":%lu,\"longest_ms\":%.3f,\"where\":\"%s\"}", i > 1 ? "," : "",
               finding_name((enum finding)i), report->overlaps[i].count,
               ms(report->overlaps[i].longest), report->overlaps[i].where);
    printf("}}}\n");
}

static void summary_rounds(const struct report *report, uint64_t now)
{
    if (report->rounds)
        printf("Xen was asked %lu times (%.0f a second), at most %.1f ms apart\n", report->rounds,
               (double)report->rounds * 1e9 / (double)(now - report->begin),
               ms(report->longest_unasked));
}

bool report_summary(const struct report *report, uint64_t now)
{
    unsigned long found = 0;

    for (int i = 1; i < FINDINGS; i++)
        found += report->found[i];
    if (report->json) {
        summary_json(report, now);
    } else {
        printf("%lu findings in %.1f s; %lu looks, at most %.1f ms apart; trees read %lu times, "
               "%lu changes not seen\n",
               found, ms(now - report->begin) / 1e3, report->looks, ms(report->longest_gap),
               report->readings, report->unseen);
        summary_rounds(report, now);
        for (int i = 1; i < FINDINGS; i++)
            if (report->overlaps[i].count)
                printf("overlap %s: %lu times, longest %.3f ms (%s)\n",
                       finding_name((enum finding)i), report->overlaps[i].count,
                       ms(report->overlaps[i].longest), report->overlaps[i].where);
    }
    fflush(stdout);
    return found > 0;
}

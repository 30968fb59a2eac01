/* SPDX-License-Identifier: MIT */
#include "explain.h"
#include "explain_words.h"
#include "fields.h"
#include "text_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define UNKNOWN_WORD "(not known to this xen-iommu)"

static void print_section(const char *title, const char *text)
{
    if (text == NULL)
        return;
    printf("\n%s\n", title);
    text_print_wrapped("  ", text);
}

/* What would end a limit is not for a guest to do. */
static void print_limits(const struct view *view, const struct device_report *device)
{
    const char *rest = device->record->details->limits;
    char token[LIMIT_TOKEN_SIZE], change[512];

    if (has_limits(device->record->details))
        puts("\nWhat it leaves out:");
    while (next_limit(&rest, token)) {
        const struct limit_words *words = words_of_limit(token);

        printf("  - %s\n", token);
        text_print_wrapped("    ", words != NULL ? words->text : UNKNOWN_WORD);
        if (words == NULL || view->kind == VIEW_OWN)
            continue;
        snprintf(change, sizeof(change), "To end this: %s", words->change);
        text_print_wrapped("    ", change);
    }
}

static void print_facts(const struct explanation *explanation)
{
    char line[4096]; /* no value in XenStore is longer */
    size_t i;

    if (explanation->text == NULL)
        return;
    puts("\nWhat it was found from:");
    for (i = 0; i < explanation->fact_count; i++) {
        const struct explained_fact *fact = &explanation->facts[i];

        text_print_wrapped("  - ", fact->text != NULL ? fact->text : UNKNOWN_WORD);
        snprintf(line, sizeof(line), "%s%s%s%s%s", fact->name, fact->value[0] != '\0' ? "=" : "",
                 fact->value, fact->source != NULL ? ", from " : "",
                 fact->source != NULL ? fact->source : "");
        text_print_wrapped("    ", line);
    }
}

static void print_claim(const struct explained_claim *claim)
{
    if (claim->binding == NULL)
        return;
    printf("\nThe device tree's claim, %s: %s\n", claim->binding, claim->outcome);
    text_print_wrapped("  ", claim->text);
}

int text_write_show(const struct view *view, const struct device_report *device)
{
    const struct xeniommu_info *info = &device->record->info;
    const char *swiotlb = words_of_swiotlb(info);

    if (text_print_fields(view, device) != 0)
        return -ENOMEM;
    putchar('\n');
    text_print_wrapped("", words_of_verdict(info));
    if (swiotlb != NULL)
        text_print_wrapped("", swiotlb);
    print_limits(view, device);
    return 0;
}

static void print_rule(const char *reason)
{
    printf("\nThe rule that decided: %s\n", reason[0] != '\0' ? reason : "-");
}

int text_write_explain(const struct view *view, const struct explanation *explanation)
{
    text_print_wrapped("", explanation->answer);
    print_section("What would change it:", explanation->change);
    print_limits(view, explanation->device);
    putchar('\n');
    if (text_print_fields(view, explanation->device) != 0)
        return -ENOMEM;
    print_facts(explanation);
    print_claim(&explanation->claim);
    print_rule(explanation->device->record->info.reason);
    print_section("Note:", explanation->note);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* A verdict in sentences, the first thing that people read. */
#include "device.h"
#include "explain.h"
#include "explain_words.h"
#include "fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Before the device's name: whose it is. */
static void put_owner(FILE *stream, const struct view *view, const struct tree_record *record)
{
    int32_t domid = view->domid;
    bool known = view->kind == VIEW_DOMAIN || owner_is_domain(record->details->owner, &domid);

    if (view->kind == VIEW_OWN)
        fputs("This domain's ", stream);
    else if (known && domid == 0)
        fputs("dom0's ", stream);
    else if (known)
        fprintf(stream, "Domain %" PRId32 "'s ", domid);
}

static const char *state_phrase(enum xeniommu_state state)
{
    switch (state) {
    case XENIOMMU_PROTECTED:
        return "is protected";
    case XENIOMMU_RELAXED:
        return "is only partly confined (relaxed)";
    case XENIOMMU_UNPROTECTED:
        return "is not protected";
    case XENIOMMU_QUARANTINED:
        return "is quarantined";
    case XENIOMMU_UNKNOWN:
        break;
    }
    return "cannot be called protected (unknown)";
}

/* A sentence after a colon. */
static void put_continued(FILE *stream, const char *sentence)
{
    static const char *const names[] = {"Xen", "IOMMU", "DMA", NULL};
    size_t i;

    for (i = 0; names[i] != NULL; i++)
        if (strncmp(sentence, names[i], strlen(names[i])) == 0)
            break;
    if (names[i] == NULL && sentence[0] >= 'A' && sentence[0] <= 'Z') {
        fputc(sentence[0] - 'A' + 'a', stream);
        sentence++;
    }
    fputs(sentence, stream);
}

static int put_answer(FILE *stream, const struct view *view, const struct device_report *device,
                      const char *why)
{
    const struct xeniommu_info *info = &device->record->info;
    char *name = device_printable(&device->record->device);

    if (name == NULL)
        return -1;
    put_owner(stream, view, device->record);
    fputs(name, stream);
    free(name);
    if (device->name[0] != '\0')
        fprintf(stream, " (%s)", device->name);
    fprintf(stream, " %s: ", state_phrase(info->state));
    put_continued(stream, words_of_verdict(info));
    if (why != NULL)
        fprintf(stream, " %s", why);
    if (words_of_swiotlb(info) != NULL)
        fprintf(stream, " %s", words_of_swiotlb(info));
    return 0;
}

char *explain_answer(const struct view *view, const struct device_report *device, const char *why)
{
    char *answer = NULL;
    size_t size;
    FILE *stream = open_memstream(&answer, &size);
    int rc;

    if (stream == NULL)
        return NULL;
    rc = put_answer(stream, view, device, why);
    if (fclose(stream) == 0 && rc == 0)
        return answer;
    free(answer);
    return NULL;
}

/* SPDX-License-Identifier: MIT */
#include "explain.h"
#include "command.h"
#include "explain_words.h"
#include "one_device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As tree_read() does it. */
#define READ_ATTEMPTS 16

/* Reads the device's "facts" node; *text is NULL where there is none. 0 or an error of
 * store_read(). */
static int read_facts(struct view *view, const struct xeniommu_device *device, char **text)
{
    char key[XENIOMMU_KEY_SIZE], path[TREE_ROOT_SIZE + XENIOMMU_KEY_SIZE];
    struct store_value value;
    int len, rc;

    *text = NULL;
    len = device->bus == XENIOMMU_BUS_PCI
              ? xeniommu_pci_key(device->sbdf, "facts", key, sizeof(key))
              : xeniommu_dt_key(device->path, "facts", key, sizeof(key));
    if (len < 0)
        return 0;
    snprintf(path, sizeof(path), "%s%s", view->tree.root, key + strlen(XENIOMMU_DIR));
    rc = store_read(&view->store, path, &value);
    if (rc == 0)
        *text = value.data;
    return rc == -ENOENT ? 0 : rc;
}

/* 1 if the tree is as it was when its generation was read, 0 if not, or an error. */
static int is_unchanged(struct view *view)
{
    char path[TREE_ROOT_SIZE + sizeof("/generation")];
    struct store_value value;
    int rc;

    snprintf(path, sizeof(path), "%s/generation", view->tree.root);
    rc = store_read(&view->store, path, &value);
    if (rc == 0)
        rc = strcmp(value.data, view->tree.generation) == 0;
    free(value.data);
    return rc == -ENOENT ? 0 : rc;
}

int explain_read(struct view *view, const struct xeniommu_device *device,
                 struct tree_record *record, char **text)
{
    int attempt, rc;

    *text = NULL;
    if (view->kind != VIEW_HOST)
        return tree_read(&view->tree, device, record);
    for (attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
        rc = tree_read(&view->tree, device, record);
        if (rc == 0)
            rc = read_facts(view, device, text);
        if (rc == 0)
            rc = is_unchanged(view);
        if (rc == 1)
            return 0;
        free(*text);
        *text = NULL;
        if (rc == 0)
            rc = tree_refresh(&view->tree);
        if (rc != 0)
            return rc;
    }
    return -EAGAIN;
}

/* Nothing that a terminal could take for an order. Returns how many words there are at most. */
static size_t clean_facts(char *text)
{
    size_t count = 1;

    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            *text = '?';
        count += *text == ' ';
    }
    return count;
}

char *explain_known_facts(const struct tree_record *record, const char *text)
{
    char *known = NULL;

    if (text == NULL ||
        asprintf(&known, "%s group=%s", text, record->info.group >= 0 ? "yes" : "no") < 0)
        return NULL;
    (void)clean_facts(known);
    return known;
}

/* Words "name=value" become facts; a word without "=" is a name. */
static int split_facts(struct explanation *explanation, enum xeniommu_bus bus, const char *known)
{
    char *rest = explanation->text, *word;
    size_t count = clean_facts(rest);

    explanation->facts = calloc(count, sizeof(*explanation->facts));
    if (explanation->facts == NULL)
        return -ENOMEM;
    while ((word = strtok_r(rest, " ", &rest)) != NULL) {
        struct explained_fact *fact = &explanation->facts[explanation->fact_count++];
        const struct fact_words *words;

        fact->name = strsep(&word, "=");
        fact->value = word != NULL ? word : "";
        words = words_of_fact(bus, fact->name);
        if (words != NULL) {
            fact->source = words->source;
            fact->text = words_of_value(words, fact->value, known);
        }
    }
    return 0;
}

static struct explained_claim judge_claim(const struct explanation *explanation)
{
    static const struct explained_claim outcomes[] = {
        [XENIOMMU_UNPROTECTED] = {NULL, "contradicted",
                                  "This claim is contradicted: nothing that Xen controls confines "
                                  "the device. It was not believed."},
        [XENIOMMU_PROTECTED] = {NULL, "confirmed",
                                "The hypervisor's own answer bears this claim out. The verdict is "
                                "the same without it."},
        [XENIOMMU_UNKNOWN] = {NULL, "open",
                              "Whether this claim is true is not certain. It was not believed."},
    };
    enum xeniommu_state state = explanation->device->record->info.state;
    struct explained_claim claim = {0};
    size_t i;

    for (i = 0; i < explanation->fact_count; i++) {
        const struct explained_fact *fact = &explanation->facts[i];

        if (strcmp(fact->name, "claim") != 0 || strcmp(fact->value, "none") == 0)
            continue;
        if (state != XENIOMMU_UNPROTECTED && state != XENIOMMU_PROTECTED)
            state = XENIOMMU_UNKNOWN;
        claim = outcomes[state];
        claim.binding = fact->value;
        break;
    }
    return claim;
}

static const char *where_is_more(const struct view *view, const char *text)
{
    switch (view->kind) {
    case VIEW_HOST:
        return text == NULL ? "This xen-iommud publishes no facts." : NULL;
    case VIEW_DOMAIN:
        return "The facts are in the host's view: \"xen-iommu explain\" without --domain, with the "
               "device's name in the host.";
    case VIEW_OWN:
        break;
    }
    return "The facts are not for this domain to see: \"xen-iommu explain\" in dom0 shows the "
           "host's administrator more, and what would change the verdict.";
}

/* A sentence that is known to this program, and what is said in its place. */
static const char *why_of(const struct xeniommu_info *info, const struct reason_words *words)
{
    if (words != NULL)
        return words->why;
    return info->reason[0] != '\0' ? "Its reason is one that this xen-iommu does not know: the "
                                     "xen-iommud that published it is newer."
                                   : NULL;
}

static int make(struct explanation *explanation, const struct view *view, const char *known)
{
    const struct device_report *device = explanation->device;
    const struct xeniommu_info *info = &device->record->info;
    enum xeniommu_bus bus = device->record->device.bus;
    const struct reason_words *words = words_of_reason(bus, info->reason, known);
    int rc = 0;

    explanation->why = words != NULL ? words->why : NULL;
    explanation->change = words != NULL && view->kind != VIEW_OWN ? words->change : NULL;
    explanation->answer = explain_answer(view, device, why_of(info, words));
    if (explanation->answer == NULL)
        return -ENOMEM;
    if (explanation->text != NULL)
        rc = split_facts(explanation, bus, known);
    if (rc == 0)
        explanation->claim = judge_claim(explanation);
    return rc;
}

int explanation_make(struct explanation *explanation, const struct view *view,
                     const struct device_report *device, char *text)
{
    char *known = explain_known_facts(device->record, text);
    int rc = -ENOMEM;

    *explanation = (struct explanation){
        .device = device,
        .meaning = words_of_verdict(&device->record->info),
        .text = text,
        .note = where_is_more(view, text),
    };
    if (known != NULL || text == NULL)
        rc = make(explanation, view, known);
    free(known);
    return rc;
}

void explanation_free(struct explanation *explanation)
{
    free(explanation->answer);
    free(explanation->text);
    free(explanation->facts);
    *explanation = (struct explanation){0};
}

static int explain(const struct request *request, struct view *view,
                   const struct xeniommu_device *device)
{
    struct explanation explanation;
    struct device_report report;
    struct device_details details;
    struct tree_record record = {.details = &details};
    char *text;
    int rc = explain_read(view, device, &record, &text);

    if (rc != 0)
        return rc;
    rc = device_report_make(&report, view, &record);
    if (rc != 0) {
        free(text);
        return rc;
    }
    rc = explanation_make(&explanation, view, &report, text);
    if (rc == 0)
        rc = request->writer->explain(view, &explanation);
    explanation_free(&explanation);
    device_report_free(&report);
    return rc != 0 ? rc : EXIT_FINE;
}

int command_explain(const struct request *request)
{
    return run_on_device(request, explain);
}

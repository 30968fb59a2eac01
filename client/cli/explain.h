/* SPDX-License-Identifier: MIT */
/* A verdict, taken apart: what "xen-iommu explain" prints. */
#ifndef XI_CLIENT_CLI_EXPLAIN_H
#define XI_CLIENT_CLI_EXPLAIN_H

#include "writer.h"

/* One fact that the verdict was found from. */
struct explained_fact {
    const char *name;
    const char *value;
    const char *source; /* where it came from; NULL: a fact that this program does not know */
    const char *text;   /* what it says; NULL: a fact or value that this program does not know */
};

/* What became of a static claim in the device tree. */
struct explained_claim {
    const char *binding; /* NULL: there is none */
    const char *outcome; /* "confirmed", "contradicted" or "open" */
    const char *text;
};

/* All strings but those of the facts and the answer are constant. */
struct explanation {
    const struct device_report *device;
    char *answer;        /* state, why, and what it means for swiotlb-xen, in sentences */
    const char *meaning; /* of the verdict */
    char *text;          /* what the facts' strings are in; NULL: none are published here */
    struct explained_fact *facts;
    size_t fact_count;
    struct explained_claim claim;
    const char *why;    /* NULL: a reason that this program does not know */
    const char *change; /* NULL: likewise, or it is not for this domain to change */
    const char *note;   /* where to see more; NULL: nowhere */
};

/* The facts that conditions of words look at: those of text, as published, and what the record says
 * beside them. The caller frees it; NULL without memory, and where text is NULL. */
char *explain_known_facts(const struct tree_record *record, const char *text);

/* The device and its state as one sentence, with what it means for its DMA; swiotlb-xen is in
 * another. why: of the reason, NULL: not known. The caller frees it; NULL without memory. */
char *explain_answer(const struct view *view, const struct device_report *device, const char *why);

/* Reads a record and its facts, published together, as tree_read() does. *text is NULL where there
 * are none, and the caller's to free. */
int explain_read(struct view *view, const struct xeniommu_device *device,
                 struct tree_record *record, char **text);

/* Explains a device; text is its "facts" node as published, NULL where there is none, and is taken
 * over. Free it in any case. 0 or -ENOMEM. */
int explanation_make(struct explanation *explanation, const struct view *view,
                     const struct device_report *device, char *text);

void explanation_free(struct explanation *explanation);

#endif

/* SPDX-License-Identifier: MIT */
/* Makes of records what people are told of devices. */
#ifndef XI_CLIENT_CLI_REPORTS_H
#define XI_CLIENT_CLI_REPORTS_H

#include "counterparts.h"
#include "domains.h"
#include "writer.h"

struct device_names;

/* Where else to look; each source is read once for all devices, when it is needed. */
struct report_maker {
    struct view *view;
    struct device_names *names;
    struct domain_names domains;
    struct counterparts counterparts;
    bool loaded; /* counterparts is */
};

/* Prepares it for devices of this view, which must outlive it. */
void report_maker_open(struct report_maker *maker, struct view *view);

/* Forgets what XenStore said: it is read again. */
void report_maker_forget(struct report_maker *maker);

void report_maker_close(struct report_maker *maker);

/* Makes a report of a record, which must outlive it. 0, and then free it; -ENOMEM or an error of
 * store_list(). */
int report_make(struct device_report *report, struct report_maker *maker,
                const struct tree_record *record);

void report_free(struct device_report *report);

/* The reports of all records of a list, which must outlive them, in its order. The caller frees
 * them, after an error too. 0 or an error of report_make(). */
int reports_make(struct view *view, const struct tree_list *list, struct device_report **reports);

/* reports may be NULL. */
void reports_free(struct device_report *reports, size_t count);

#endif

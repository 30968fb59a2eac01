/* SPDX-License-Identifier: MIT */
#include "reports.h"
#include "device_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void report_maker_open(struct report_maker *maker, struct view *view)
{
    *maker = (struct report_maker){.view = view, .names = device_names_open()};
    domain_names_init(&maker->domains, &view->store);
}

void report_maker_forget(struct report_maker *maker)
{
    domain_names_free(&maker->domains);
    domain_names_init(&maker->domains, &maker->view->store);
    counterparts_free(&maker->counterparts);
    maker->loaded = false;
}

void report_maker_close(struct report_maker *maker)
{
    device_names_close(maker->names);
    domain_names_free(&maker->domains);
    counterparts_free(&maker->counterparts);
}

/* NULL is a copy of NULL. */
static int copy_device(struct xeniommu_device **copy, const struct xeniommu_device *device)
{
    size_t size = device != NULL && device->path != NULL ? strlen(device->path) + 1 : 0;

    *copy = NULL;
    if (device == NULL)
        return 0;
    *copy = malloc(sizeof(**copy) + size);
    if (*copy == NULL)
        return -ENOMEM;
    **copy = *device;
    if (size > 0)
        (*copy)->path = memcpy(*copy + 1, device->path, size);
    return 0;
}

/* The device under its address on this machine, by which sysfs knows it; NULL: it is not known. */
static const struct xeniommu_device *local_device(const struct view *view,
                                                  const struct device_report *report)
{
    return view_is_local(view) ? &report->record->device : report->counterpart;
}

static int name_device(struct device_report *report, const struct report_maker *maker)
{
    const struct xeniommu_device *device = local_device(maker->view, report);

    report->name = device != NULL ? device_name(maker->names, device) : strdup("");
    report->class_name = device != NULL ? device_class(maker->names, device) : strdup("");
    return report->name != NULL && report->class_name != NULL ? 0 : -ENOMEM;
}

static int name_owner(struct device_report *report, struct report_maker *maker)
{
    const char *name;
    int rc = domain_names_get(&maker->domains, report->record->details->owner, &name);

    if (rc != 0)
        return rc;
    report->owner_name = strdup(name);
    return report->owner_name != NULL ? 0 : -ENOMEM;
}

int report_make(struct device_report *report, struct report_maker *maker,
                const struct tree_record *record)
{
    int rc = maker->loaded ? 0 : counterparts_load(&maker->counterparts, maker->view);

    *report = (struct device_report){.record = record};
    maker->loaded = maker->loaded || rc == 0;
    rc = rc != 0 ? rc
                 : copy_device(&report->counterpart, counterpart_of(&maker->counterparts, record));
    rc = rc != 0 ? rc : name_device(report, maker);
    rc = rc != 0 ? rc : name_owner(report, maker);
    if (rc != 0)
        report_free(report);
    return rc;
}

void report_free(struct device_report *report)
{
    free(report->name);
    free(report->class_name);
    free(report->owner_name);
    free(report->counterpart);
    *report = (struct device_report){0};
}

int reports_make(struct view *view, const struct tree_list *list, struct device_report **reports)
{
    struct report_maker maker;
    size_t i;
    int rc = 0;

    *reports = calloc(list->count + 1, sizeof(**reports));
    if (*reports == NULL)
        return -ENOMEM;
    report_maker_open(&maker, view);
    for (i = 0; rc == 0 && i < list->count; i++)
        rc = report_make(&(*reports)[i], &maker, &list->records[i]);
    report_maker_close(&maker);
    return rc;
}

void reports_free(struct device_report *reports, size_t count)
{
    size_t i;

    for (i = 0; reports != NULL && i < count; i++)
        report_free(&reports[i]);
    free(reports);
}

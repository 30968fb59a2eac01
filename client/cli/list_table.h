/* SPDX-License-Identifier: MIT */
/* The table that "xen-iommu list" prints. */
#ifndef XI_CLIENT_CLI_LIST_TABLE_H
#define XI_CLIENT_CLI_LIST_TABLE_H

#include "list_columns.h"

/* A writer's list(). */
int list_table_write(const struct view *view, const struct device_report *devices, size_t count,
                     const struct list_request *request);

#endif

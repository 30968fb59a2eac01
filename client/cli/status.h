/* SPDX-License-Identifier: MIT */
#ifndef XI_CLIENT_CLI_STATUS_H
#define XI_CLIENT_CLI_STATUS_H

#include "writer.h"

/* Fills in report->confirm_interval, "" where it is not known: only the host's tree tells, and
 * older daemons do not. 0 or an error of store_read(). */
int status_read_confirm_interval(struct view *view, struct status_report *report);

#endif

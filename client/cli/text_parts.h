/* SPDX-License-Identifier: MIT */
/* What writer_text's parts share: each command's text has a file of its own. */
#ifndef XI_CLIENT_CLI_TEXT_PARTS_H
#define XI_CLIENT_CLI_TEXT_PARTS_H

#include "writer.h"

/* Prints first and text, broken into lines of less than 80 columns that begin below text. */
void text_print_wrapped(const char *first, const char *text);

/* A record's fields, one a line. 0 or -ENOMEM. */
int text_print_fields(const struct view *view, const struct device_report *device);

/* Of struct writer. */
int text_write_show(const struct view *view, const struct device_report *device);
int text_write_explain(const struct view *view, const struct explanation *explanation);
int text_write_status(const struct view *view, const struct status_report *report);
int text_write_check(const struct view *view, const struct verdict *verdict);

#endif

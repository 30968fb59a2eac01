/* SPDX-License-Identifier: MIT */
/* What Mini-OS gives a driver, as far as this one needs it. On Mini-OS itself: <mini-os/xenbus.h>,
 * <mini-os/lib.h> and <mini-os/xmalloc.h>. */
#ifndef XI_EXAMPLES_MINIOS_PLATFORM_H
#define XI_EXAMPLES_MINIOS_PLATFORM_H

typedef unsigned long xenbus_transaction_t;

#define XBT_NIL ((xenbus_transaction_t)0)

/* Reads a node. NULL, and *value is a string that the caller frees; or an error message that the
 * caller frees. */
char *xenbus_read(xenbus_transaction_t xbt, const char *path, char **value);

void free(void *block);

#endif

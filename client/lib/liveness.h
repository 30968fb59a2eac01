/* SPDX-License-Identifier: MIT */
/* Whether somebody keeps true what is published: a daemon that was killed, together with its
 * keeper, leaves "ready" behind. */
#ifndef XI_CLIENT_LIB_LIVENESS_H
#define XI_CLIENT_LIB_LIVENESS_H

#include "store.h"

/* Asks, in dom0, about the lock that the host's tree names. -EAGAIN when nobody holds it: the
 * daemon is gone. 0 when it is held, and wherever that cannot be told: in a guest, where the file
 * is not to be seen, or of a daemon that names none. Otherwise an error of store_read(). */
int liveness_check(struct store *store);

#endif

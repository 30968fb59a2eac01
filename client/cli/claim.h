/* SPDX-License-Identifier: MIT */
/* Holds a device's disks so that nobody can begin to use them. */
#ifndef XI_CLIENT_CLI_CLAIM_H
#define XI_CLIENT_CLI_CLAIM_H

#include "use.h"

/* Opens a whole disk for this program alone, which no file system, swap, LVM or other holder of it
 * or of any partition then can; and writes out what is written. Close it to let it go. The
 * descriptor, or a negative errno: -EBUSY: somebody holds it, -ENODEV: the node is another one's.
 */
int claim_disk(const char *root, const struct use_node *disk);

#endif

/* SPDX-License-Identifier: MIT */
/* apply_below ROOT ARGUMENT...: xen-iommu, whose apply finds /sys, /proc and /dev below ROOT. A
 * disk there is a plain file, and free unless it cannot be read. */
#include "claim.h"
#include "command.h"
#include "files.h"

#include <errno.h>
#include <fcntl.h>

int claim_disk(const char *root, const struct use_node *disk)
{
    char path[PATH_MAX];
    int file, rc = files_path(path, "%s/dev/%s", root, disk->name);

    file = rc == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (rc != 0)
        return rc;
    return file >= 0 ? file : -EBUSY;
}

int main(int argc, char *argv[])
{
    if (argc < 2)
        return EXIT_USAGE;
    return run_xen_iommu_below(argv[1], argc - 1, argv + 1);
}

/* SPDX-License-Identifier: MIT */
/*
 * Uses libxeniommu as a program would. One command a line on standard input, each answered by one
 * line that begins with 0 or the errno's name:
 *   wait MILLISECONDS | pci SBDF (hexadecimal) | dt PATH | list | changes MILLISECONDS
 * "changes" waits until the descriptor is readable and dispatches; the answer lists what changed.
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xeniommu.h>

/* What one command has found so far. */
static char found[65536];

static void note(const struct xeniommu_device *device, const struct xeniommu_info *info)
{
    size_t used = strlen(found);
    char name[32];

    snprintf(name, sizeof(name), "%" PRIx32, device->sbdf);
    snprintf(found + used, sizeof(found) - used, " %s:%d:%s:%" PRId32 ":%s",
             device->path ? device->path : name, (int)info->state,
             info->skip_swiotlb ? "skip" : "keep", info->group, info->reason);
}

static int note_device(const struct xeniommu_device *device, const struct xeniommu_info *info,
                       void *arg)
{
    (void)arg;
    note(device, info);
    return 0;
}

static void note_change(const struct xeniommu_device *device, const struct xeniommu_info *info,
                        void *arg)
{
    (void)arg;
    note(device, info);
}

static int query(struct xeniommu *xi, const char *what, const char *argument)
{
    struct xeniommu_device device = {.bus = XENIOMMU_BUS_PCI};
    struct xeniommu_info info;
    int rc;

    memset(&info, 0x55, sizeof(info)); /* whatever happens, it must be written */
    if (strcmp(what, "dt") == 0) {
        device.path = argument;
        rc = xeniommu_query_dt(xi, argument, &info);
    } else {
        device.sbdf = (uint32_t)strtoul(argument, NULL, 16);
        rc = xeniommu_query_pci(xi, device.sbdf, &info);
    }
    note(&device, &info);
    return rc;
}

static int changes(struct xeniommu *xi, int milliseconds)
{
    struct pollfd pollfd = {.fd = xeniommu_fd(xi), .events = POLLIN};
    int rc;

    if (pollfd.fd < 0)
        return pollfd.fd;
    rc = poll(&pollfd, 1, milliseconds);
    if (rc < 0)
        return -errno;
    return rc == 0 ? -ETIMEDOUT : xeniommu_dispatch(xi);
}

static int obey(struct xeniommu *xi, const char *command, const char *argument)
{
    if (strcmp(command, "wait") == 0)
        return xeniommu_wait_ready(xi, atoi(argument));
    if (strcmp(command, "list") == 0)
        return xeniommu_foreach(xi, note_device, NULL);
    if (strcmp(command, "changes") == 0)
        return changes(xi, atoi(argument));
    return query(xi, command, argument);
}

int main(void)
{
    char line[4096], command[16], argument[4000];
    struct xeniommu *xi;
    int rc = xeniommu_open(&xi, 0);

    if (rc)
        errx(1, "%s", strerrorname_np(-rc));
    rc = xeniommu_set_callback(xi, note_change, NULL);
    if (rc)
        errx(1, "%s", strerrorname_np(-rc));
    while (fgets(line, sizeof(line), stdin)) {
        *argument = *found = '\0';
        if (sscanf(line, "%15s %3999s", command, argument) < 1)
            errx(2, "no command: %s", line);
        rc = obey(xi, command, argument);
        printf("%s%s\n", rc < 0 ? strerrorname_np(-rc) : "0", found);
        fflush(stdout);
    }
    xeniommu_close(xi);
    return 0;
}

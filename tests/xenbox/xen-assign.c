/* SPDX-License-Identifier: MIT */
/*
 * Assigns PCI functions in Xen and nowhere else: no toolstack, no record in XenStore. What another
 * tool, or a libxl that was killed half-way, leaves behind.
 *
 * xen-assign to DOMID DEVICE      gives the function (0000:00:04.0) to a domain
 * xen-assign from DOMID DEVICE    takes it from the domain: then Xen has it in quarantine
 *
 * Exit 0: done; 1: Xen refused, or could not be asked; 2: usage.
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenctrl.h>

static void usage(void)
{
    errx(2, "usage: xen-assign to|from DOMID DEVICE");
}

static uint32_t parse_domid(const char *text)
{
    unsigned long value;
    char *end;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value > DOMID_MASK)
        errx(2, "'%s' is no domain ID", text);
    return (uint32_t)value;
}

/* segment << 16 | bus << 8 | device << 3 | function */
static uint32_t parse_device(const char *text)
{
    unsigned int segment, bus, device, function;
    int end = 0;

    if (sscanf(text, "%4x:%2x:%2x.%1x%n", &segment, &bus, &device, &function, &end) != 4 ||
        text[end] != '\0' || device > 31 || function > 7)
        errx(2, "'%s' is no PCI function", text);
    return segment << 16 | bus << 8 | device << 3 | function;
}

int main(int argc, char **argv)
{
    xc_interface *xch;
    uint32_t domid, sbdf;
    bool to;
    int rc;

    if (argc != 4 || (strcmp(argv[1], "to") != 0 && strcmp(argv[1], "from") != 0))
        usage();
    to = strcmp(argv[1], "to") == 0;
    domid = parse_domid(argv[2]);
    sbdf = parse_device(argv[3]);
    xch = xc_interface_open(NULL, NULL, 0);
    if (!xch)
        err(1, "opening libxenctrl");
    rc = to ? xc_assign_device(xch, domid, sbdf, XEN_DOMCTL_DEV_RDM_RELAXED)
            : xc_deassign_device(xch, domid, sbdf);
    if (rc != 0)
        warn("%s %s domain %" PRIu32, argv[3], argv[1], domid);
    xc_interface_close(xch);
    return rc != 0;
}

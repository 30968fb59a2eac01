/* SPDX-License-Identifier: MIT */
/*
 * Asks libxenctrl one question and prints the answer and errno, as a check on the fake:
 *   askxen physinfo | cmdline | version | domains
 *   askxen pci SSSS:BB:DD.F DOMID | group SSSS:BB:DD.F DOMID | dt PATH DOMID
 */
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>

#define MAX_ANSWERS 64

/* Prints what a call returned, and its errno when it failed. */
static int report(int rc)
{
    if (rc < 0)
        printf("%s\n", strerrorname_np(errno));
    else
        printf("%d\n", rc);
    return rc < 0;
}

static int ask_physinfo(xc_interface *xch)
{
    xc_physinfo_t info;
    int rc = xc_physinfo(xch, &info);

    if (rc == 0)
        printf("capabilities=0x%x ", info.capabilities);
    return report(rc);
}

static int ask_cmdline(xc_interface *xch)
{
    xen_commandline_t text;
    int rc = xc_version(xch, XENVER_commandline, text);

    if (rc >= 0)
        printf("[%s] ", text);
    return report(rc);
}

static int ask_version(xc_interface *xch)
{
    int rc = xc_version(xch, XENVER_version, NULL);

    if (rc >= 0)
        printf("%d.%d ", rc >> 16, rc & 0xffff);
    return report(rc);
}

static int ask_domains(xc_interface *xch)
{
    xc_domaininfo_t info[MAX_ANSWERS];
    int rc = xc_domain_getinfolist(xch, 0, MAX_ANSWERS, info);

    for (int i = 0; i < rc; i++)
        printf("%u%s%s%s ", info[i].domain, info[i].flags & XEN_DOMINF_hvm_guest ? ":hvm" : "",
               info[i].flags & XEN_DOMINF_dying ? ":dying" : "",
               info[i].flags & XEN_DOMINF_shutdown ? ":shutdown" : "");
    return report(rc);
}

static uint32_t parse_address(const char *text)
{
    unsigned int segment, bus, device, function;

    if (sscanf(text, "%x:%x:%x.%x", &segment, &bus, &device, &function) != 4)
        errx(2, "%s is no PCI address", text);
    return segment << 16 | bus << 8 | device << 3 | function;
}

static int ask_group(xc_interface *xch, uint32_t sbdf, uint32_t domid)
{
    uint32_t mates[MAX_ANSWERS], count = 0;
    int rc = xc_get_device_group(xch, domid, sbdf, MAX_ANSWERS, &count, mates);

    for (uint32_t i = 0; rc == 0 && i < count; i++)
        printf("%02x:%02x.%x ", mates[i] >> 16 & 0xff, mates[i] >> 11 & 0x1f, mates[i] >> 8 & 7);
    if (rc)
        printf("count=%x ", count);
    return report(rc);
}

int main(int argc, char **argv)
{
    const char *question = argc > 1 ? argv[1] : "";
    uint32_t domid = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 0) : DOMID_INVALID;
    xc_interface *xch = xc_interface_open(NULL, NULL, 0);

    if (!xch)
        return report(-1);
    if (strcmp(question, "physinfo") == 0)
        return ask_physinfo(xch);
    if (strcmp(question, "cmdline") == 0)
        return ask_cmdline(xch);
    if (strcmp(question, "version") == 0)
        return ask_version(xch);
    if (strcmp(question, "domains") == 0)
        return ask_domains(xch);
    if (argc < 3)
        errx(2, "usage: see the top of askxen.c");
    if (strcmp(question, "pci") == 0)
        return report(xc_test_assign_device(xch, domid, parse_address(argv[2])));
    if (strcmp(question, "dt") == 0)
        return report(xc_test_assign_dt_device(xch, domid, argv[2]));
    if (strcmp(question, "group") == 0)
        return ask_group(xch, parse_address(argv[2]), domid);
    errx(2, "%s: no such question", question);
}

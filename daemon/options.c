/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "paths.h"

enum {
    OPT_CONFIG = 256,
    OPT_HOST_DTB,
    OPT_ACPI_TABLES,
    OPT_SYSROOT,
    OPT_ONCE,
    OPT_WITHDRAW,
    OPT_EARLY,
    OPT_CHECK_CONFIG,
    OPT_LOG_LEVEL,
    OPT_VERSION,
    OPT_HELP
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"host-dtb", required_argument, NULL, OPT_HOST_DTB},
    {"acpi-tables", required_argument, NULL, OPT_ACPI_TABLES},
    {"sysroot", required_argument, NULL, OPT_SYSROOT},
    {"once", no_argument, NULL, OPT_ONCE},
    {"withdraw", no_argument, NULL, OPT_WITHDRAW},
    {"early", no_argument, NULL, OPT_EARLY},
    {"check-config", no_argument, NULL, OPT_CHECK_CONFIG},
    {"log-level", required_argument, NULL, OPT_LOG_LEVEL},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "Usage: xen-iommud [OPTION]...\n"
    "Publishes in XenStore how each device's DMA is confined under Xen.\n"
    "\n"
    "  --config FILE       read FILE in place of " XI_CONFIG_FILE "\n"
    "  --host-dtb FILE     the host's own flattened device tree, for what dom0's lacks\n"
    "  --acpi-tables DIR   saved DMAR or IVRS tables, where dom0 cannot see them (PVH)\n"
    "  --sysroot DIR       look for /sys/firmware and other files below DIR\n"
    "  --once              publish once, with status \"stopped\", and exit\n"
    "  --withdraw          take back what is published, and exit\n"
    "  --early             tell the Linux driver of dom0's devices before XenStore is there\n"
    "  --check-config      check the configuration, and exit\n"
    "  --log-level LEVEL   error, warning, notice, info or debug\n"
    "  --version           print the version, and exit\n"
    "  --help              print this, and exit\n"
    "\n"
    "Exit status: 0 fine, 1 failure, 2 usage or configuration.\n";

static int report_memory(int rc)
{
    if (rc < 0)
        fprintf(stderr, "xen-iommud: out of memory\n");
    return rc < 0;
}

static int usage_error(const char *what, const char *value, const char *why)
{
    fprintf(stderr, "xen-iommud: %s \"%s\": %s\nTry 'xen-iommud --help'.\n", what, value, why);
    return EXIT_USAGE;
}

static int set_mode(struct settings *settings, enum mode mode)
{
    if (settings->mode != MODE_DAEMON && settings->mode != mode) {
        fprintf(stderr,
                "xen-iommud: --once, --withdraw, --early and --check-config exclude each other\n");
        return EXIT_USAGE;
    }
    settings->mode = mode;
    return 0;
}

static int set_key(struct settings *settings, const char *key, const char *value)
{
    int rc = settings_set(settings, key, value);

    return rc < 0 && rc != -ENOMEM ? usage_error(key, value, "not a value it can have")
                                   : report_memory(rc);
}

static int take_option(struct settings *settings, int option)
{
    switch (option) {
    case OPT_CONFIG:
        return report_memory(settings_replace(&settings->config, optarg));
    case OPT_HOST_DTB:
        return report_memory(settings_replace(&settings->host_dtb, optarg));
    case OPT_SYSROOT:
        return report_memory(settings_replace(&settings->sysroot, optarg));
    case OPT_ACPI_TABLES:
        return set_key(settings, "acpi-tables", optarg);
    case OPT_LOG_LEVEL:
        return set_key(settings, "log-level", optarg);
    case OPT_ONCE:
        return set_mode(settings, MODE_ONCE);
    case OPT_WITHDRAW:
        return set_mode(settings, MODE_WITHDRAW);
    case OPT_EARLY:
        return set_mode(settings, MODE_EARLY);
    case OPT_CHECK_CONFIG:
        return set_mode(settings, MODE_CHECK_CONFIG);
    case OPT_VERSION:
        printf("xen-iommud %s\n", XI_VERSION);
        settings->mode = MODE_DONE;
        return 0;
    case OPT_HELP:
        fputs(help, stdout);
        settings->mode = MODE_DONE;
        return 0;
    default:
        fprintf(stderr, "Try 'xen-iommud --help'.\n");
        return EXIT_USAGE;
    }
}

int options_parse(struct settings *settings, int argc, char **argv)
{
    int option, rc = 0;

    while (rc == 0 && settings->mode != MODE_DONE &&
           (option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        rc = take_option(settings, option);
    if (rc == 0 && settings->mode != MODE_DONE && optind < argc)
        return usage_error("argument", argv[optind], "not expected");
    return rc;
}

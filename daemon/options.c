/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "paths.h"

enum {
    OPT_CONFIG = 256,
    OPT_HOST_DTB,
    OPT_ACPI_TABLES,
    OPT_SYSROOT,
    OPT_ONCE,
    OPT_WITHDRAW,
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
    "  --check-config      check the configuration, and exit\n"
    "  --log-level LEVEL   error, warning, notice, info or debug\n"
    "  --version           print the version, and exit\n"
    "  --help              print this, and exit\n"
    "\n"
    "Exit status: 0 fine, 1 failure, 2 usage or configuration.\n";

/* What the command line set, by the names of the configuration's keys. */
struct given {
    const char *keys[8];
    size_t count;
};

static int replace(char **field, const char *value)
{
    char *copy = strdup(value);

    if (!copy) {
        fprintf(stderr, "xen-iommud: out of memory\n");
        return 1;
    }
    free(*field);
    *field = copy;
    return 0;
}

static int usage_error(const char *what, const char *value, const char *why)
{
    fprintf(stderr, "xen-iommud: %s \"%s\": %s\nTry 'xen-iommud --help'.\n", what, value, why);
    return EXIT_USAGE;
}

static int set_mode(struct options *options, enum mode mode)
{
    if (options->mode != MODE_DAEMON && options->mode != mode) {
        fprintf(stderr, "xen-iommud: --once, --withdraw and --check-config exclude each other\n");
        return EXIT_USAGE;
    }
    options->mode = mode;
    return 0;
}

static int set_key(struct options *options, struct given *given, const char *key, const char *value)
{
    int rc = config_set(options, key, value);

    given->keys[given->count++] = key;
    if (rc == -ENOMEM) {
        fprintf(stderr, "xen-iommud: out of memory\n");
        return 1;
    }
    return rc < 0 ? usage_error(key, value, "not a value it can have") : 0;
}

static int take_option(struct options *options, struct given *given, int option)
{
    switch (option) {
    case OPT_CONFIG:
        return replace(&options->config, optarg);
    case OPT_HOST_DTB:
        return replace(&options->host_dtb, optarg);
    case OPT_SYSROOT:
        return replace(&options->sysroot, optarg);
    case OPT_ACPI_TABLES:
        return set_key(options, given, "acpi-tables", optarg);
    case OPT_LOG_LEVEL:
        return set_key(options, given, "log-level", optarg);
    case OPT_ONCE:
        return set_mode(options, MODE_ONCE);
    case OPT_WITHDRAW:
        return set_mode(options, MODE_WITHDRAW);
    case OPT_CHECK_CONFIG:
        return set_mode(options, MODE_CHECK_CONFIG);
    case OPT_VERSION:
        printf("xen-iommud %s\n", XI_VERSION);
        options->mode = MODE_DONE;
        return 0;
    case OPT_HELP:
        fputs(help, stdout);
        options->mode = MODE_DONE;
        return 0;
    default:
        fprintf(stderr, "Try 'xen-iommud --help'.\n");
        return EXIT_USAGE;
    }
}

static int read_config(struct options *options, const struct given *given)
{
    const char *path = options->config ? options->config : XI_CONFIG_FILE;
    char error[512];
    int rc = config_read(path, options, given->keys, error, sizeof(error));

    if (rc == 0 || (rc == -ENOENT && !options->config))
        return 0;
    fprintf(stderr, "xen-iommud: %s\n", error);
    /* After a crash the service manager must be able to take everything back, whatever the file
     * holds by then. */
    if (options->mode == MODE_WITHDRAW && rc != -ENOMEM)
        return 0;
    return rc == -ENOMEM ? 1 : EXIT_USAGE;
}

int options_parse(struct options *options, int argc, char **argv)
{
    /* Each repeated option would need a place; the last keys entry stays NULL. */
    struct given given = {{NULL}, 0};
    int option, rc = 0;

    *options =
        (struct options){.log_level = LOG_LEVEL_INFO, .recheck_ms = 2000, .confirm_ms = 60000};
    if (replace(&options->sysroot, "") || replace(&options->lock_file, XI_LOCK_FILE))
        return 1;
    while (rc == 0 && options->mode != MODE_DONE &&
           (option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (given.count == sizeof(given.keys) / sizeof(given.keys[0]) - 1)
            return usage_error("option", argv[optind - 1], "too many options");
        rc = take_option(options, &given, option);
    }
    if (rc || options->mode == MODE_DONE)
        return rc;
    if (optind < argc)
        return usage_error("argument", argv[optind], "not expected");
    return read_config(options, &given);
}

void options_clear(struct options *options)
{
    free(options->config);
    free(options->host_dtb);
    free(options->acpi_tables);
    free(options->sysroot);
    free(options->lock_file);
    options->config = options->host_dtb = options->acpi_tables = NULL;
    options->sysroot = options->lock_file = NULL;
}

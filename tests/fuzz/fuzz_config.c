/* SPDX-License-Identifier: MIT */
/* The configuration file, as hostile bytes. */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"

#define SEALED "/sealed"

/* Every value is one that its key can have, whatever was refused behind it. */
static void check(const struct settings *settings)
{
    require(settings->mode == MODE_DAEMON && !settings->config && !settings->host_dtb);
    require(settings->sysroot && !*settings->sysroot);
    require(settings->lock_file && *settings->lock_file);
    require(!settings->acpi_tables || *settings->acpi_tables);
    require(settings->log_level >= LOG_LEVEL_ERROR && settings->log_level <= LOG_LEVEL_DEBUG);
    require(settings->recheck_ms >= 100 && settings->recheck_ms <= 3600000);
    require(settings->confirm_ms == 0 ||
            (settings->confirm_ms >= 100 && settings->confirm_ms <= 86400000));
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same(const struct settings *a, const struct settings *b)
{
    return same_text(a->acpi_tables, b->acpi_tables) && same_text(a->lock_file, b->lock_file) &&
           same_text(a->xen_builtin_cmdline, b->xen_builtin_cmdline) &&
           a->log_level == b->log_level && a->grant_dma_stub == b->grant_dma_stub &&
           a->recheck_ms == b->recheck_ms && a->confirm_ms == b->confirm_ms && a->set == b->set;
}

static int read_into(struct settings *settings, const char *path)
{
    char error[512] = "";
    int rc = config_read(path, settings, error, sizeof(error));

    require(rc == 0 || rc == -EINVAL);
    require((rc == 0) == (error[0] == '\0'));
    require(rc == 0 || strncmp(error, path, strlen(path)) == 0);
    check(settings);
    return rc;
}

/* What the command line has set stays, and the file is as right or wrong as without that. */
static void read_sealed(const char *path, int expected)
{
    struct settings settings;

    require(settings_init(&settings) == 0);
    require(settings_set(&settings, "acpi-tables", SEALED) == 0);
    require(settings_set(&settings, "log-level", "debug") == 0);
    settings_seal(&settings);
    require(read_into(&settings, path) == expected);
    require(strcmp(settings.acpi_tables, SEALED) == 0);
    require(settings.log_level == LOG_LEVEL_DEBUG);
    settings_clear(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings once, twice;
    char path[64];
    int rc, file = memfd_create("config", MFD_CLOEXEC);

    require(file >= 0 && write(file, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    require(settings_init(&once) == 0 && settings_init(&twice) == 0);
    rc = read_into(&once, path);
    require(read_into(&twice, path) == rc && same(&once, &twice));
    require(read_into(&twice, path) == rc && same(&once, &twice));
    read_sealed(path, rc);
    settings_clear(&once);
    settings_clear(&twice);
    close(file);
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "paths.h"

#define INTERVAL_MIN_SECONDS 0.1
#define RECHECK_MAX_SECONDS  3600.0
#define CONFIRM_MAX_SECONDS  86400.0

int settings_replace(char **field, const char *value)
{
    char *copy = strdup(value);

    if (!copy)
        return -ENOMEM;
    free(*field);
    *field = copy;
    return 0;
}

static int set_name(char **field, const char *value)
{
    return *value ? settings_replace(field, value) : -EINVAL;
}

static int set_lock_file(struct settings *settings, const char *value)
{
    return set_name(&settings->lock_file, value);
}

static int set_acpi_tables(struct settings *settings, const char *value)
{
    return set_name(&settings->acpi_tables, value);
}

static int set_xen_builtin_cmdline(struct settings *settings, const char *value)
{
    return settings_replace(&settings->xen_builtin_cmdline, value);
}

static int set_user(struct settings *settings, const char *value)
{
    return set_name(&settings->user, value);
}

static int set_log_level(struct settings *settings, const char *value)
{
    return log_level_parse(value, &settings->log_level) ? 0 : -EINVAL;
}

static int set_grant_dma_stub(struct settings *settings, const char *value)
{
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return -EINVAL;
    settings->grant_dma_stub = strcmp(value, "yes") == 0;
    return 0;
}

static int set_interval(unsigned int *milliseconds, const char *value, double max, bool zero)
{
    char *end;
    double seconds = strtod(value, &end);

    if (end == value || *end || !isfinite(seconds) || seconds > max)
        return -EINVAL;
    if (seconds < INTERVAL_MIN_SECONDS && !(zero && seconds == 0))
        return -EINVAL;
    *milliseconds = (unsigned int)(seconds * 1000);
    return 0;
}

static int set_recheck_interval(struct settings *settings, const char *value)
{
    return set_interval(&settings->recheck_ms, value, RECHECK_MAX_SECONDS, false);
}

static int set_confirm_interval(struct settings *settings, const char *value)
{
    return set_interval(&settings->confirm_ms, value, CONFIRM_MAX_SECONDS, true);
}

static const struct {
    const char *key;
    int (*set)(struct settings *settings, const char *value);
    const char *values;
} keys[] = {
    {"acpi-tables", set_acpi_tables, "a directory"},
    {"confirm-interval", set_confirm_interval, "seconds, 0.1 to 86400, or 0 for never"},
    {"grant-dma-stub", set_grant_dma_stub, "yes or no"},
    {"lock-file", set_lock_file, "a path"},
    {"log-level", set_log_level, "error, warning, notice, info or debug"},
    {"recheck-interval", set_recheck_interval, "seconds, 0.1 to 3600"},
    {"user", set_user, "a user's name"},
    {"xen-builtin-cmdline", set_xen_builtin_cmdline, "options of Xen"},
};

static int find(const char *key)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(keys[i].key, key) == 0)
            return (int)i;
    return -1;
}

int settings_init(struct settings *settings)
{
    *settings = (struct settings){
        .log_level = LOG_LEVEL_INFO,
        .recheck_ms = 2000,
        .confirm_ms = 60000,
    };
    if (settings_replace(&settings->sysroot, ""))
        return -ENOMEM;
    return settings_replace(&settings->lock_file, XI_LOCK_FILE);
}

void settings_clear(struct settings *settings)
{
    char **texts[] = {&settings->config,      &settings->host_dtb,  &settings->sysroot,
                      &settings->acpi_tables, &settings->lock_file, &settings->xen_builtin_cmdline,
                      &settings->user};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        free(*texts[i]);
        *texts[i] = NULL;
    }
}

int settings_set(struct settings *settings, const char *key, const char *value)
{
    struct settings scratch = {0};
    int at = find(key), rc;

    if (at < 0)
        return -ENOENT;
    rc = keys[at].set(settings->sealed & 1u << at ? &scratch : settings, value);
    settings_clear(&scratch);
    if (rc == 0)
        settings->set |= 1u << at;
    return rc;
}

void settings_seal(struct settings *settings)
{
    settings->sealed = settings->set;
}

const char *settings_values(const char *key)
{
    int at = find(key);

    return at < 0 ? NULL : keys[at].values;
}

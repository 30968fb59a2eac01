/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECHECK_MIN_SECONDS 0.1
#define RECHECK_MAX_SECONDS 3600.0

static int set_text(char **field, const char *value)
{
    char *copy;

    if (!*value)
        return -EINVAL;
    copy = strdup(value);
    if (!copy)
        return -ENOMEM;
    free(*field);
    *field = copy;
    return 0;
}

static int set_lock_file(struct options *options, const char *value)
{
    return set_text(&options->lock_file, value);
}

static int set_acpi_tables(struct options *options, const char *value)
{
    return set_text(&options->acpi_tables, value);
}

static int set_log_level(struct options *options, const char *value)
{
    return log_level_parse(value, &options->log_level) ? 0 : -EINVAL;
}

static int set_grant_dma_stub(struct options *options, const char *value)
{
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return -EINVAL;
    options->grant_dma_stub = strcmp(value, "yes") == 0;
    return 0;
}

static int set_recheck_interval(struct options *options, const char *value)
{
    char *end;
    double seconds = strtod(value, &end);

    if (end == value || *end || !isfinite(seconds) || seconds < RECHECK_MIN_SECONDS ||
        seconds > RECHECK_MAX_SECONDS)
        return -EINVAL;
    options->recheck_ms = (unsigned int)(seconds * 1000);
    return 0;
}

static const struct {
    const char *key;
    int (*set)(struct options *options, const char *value);
    const char *values; /* for the error message */
} keys[] = {
    {"acpi-tables", set_acpi_tables, "a directory"},
    {"grant-dma-stub", set_grant_dma_stub, "yes or no"},
    {"lock-file", set_lock_file, "a path"},
    {"log-level", set_log_level, "error, warning, notice, info or debug"},
    {"recheck-interval", set_recheck_interval, "seconds, 0.1 to 3600"},
};

static int find(const char *key)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(keys[i].key, key) == 0)
            return (int)i;
    return -1;
}

int config_set(struct options *options, const char *key, const char *value)
{
    int at = find(key);

    return at < 0 ? -ENOENT : keys[at].set(options, value);
}

struct reading {
    struct options *options;
    const char *const *given;
    char message[256]; /* of the first error */
    int error;
};

static bool is_given(const struct reading *reading, const char *key)
{
    for (const char *const *name = reading->given; name && *name; name++)
        if (strcmp(*name, key) == 0)
            return true;
    return false;
}

static void fail(struct reading *reading, int error, const char *format, const char *a,
                 const char *b)
{
    if (reading->error)
        return;
    reading->error = error;
    snprintf(reading->message, sizeof(reading->message), "%s \"%.64s\"%s%s", format, a,
             b ? ": not " : "", b ? b : "");
}

/* inih's convention: 0 is an error. What is right behind a wrong line is taken all the same. */
static int on_line(void *user, const char *section, const char *key, const char *value)
{
    struct reading *reading = user;
    struct options scratch = {0};
    int at = find(key), rc;

    if (*section || at < 0) {
        fail(reading, -EINVAL, *section ? "unknown section" : "unknown key",
             *section ? section : key, NULL);
        return 0;
    }
    rc = keys[at].set(is_given(reading, key) ? &scratch : reading->options, value ? value : "");
    options_clear(&scratch);
    if (rc < 0)
        fail(reading, rc, key, value ? value : "", keys[at].values);
    return rc == 0;
}

int config_read(const char *path, struct options *options, const char *const *given, char *error,
                size_t error_size)
{
    struct reading reading = {.options = options, .given = given};
    int line, rc = 0;
    FILE *file = fopen(path, "re");

    if (!file) {
        rc = -errno;
        snprintf(error, error_size, "%s: %s", path, strerror(-rc));
        return rc;
    }
    line = ini_parse_file(file, on_line, &reading);
    if (ferror(file))
        rc = -EIO;
    fclose(file);
    if (line < 0 || reading.error == -ENOMEM) {
        snprintf(error, error_size, "%s: out of memory", path);
        return -ENOMEM;
    }
    if (line > 0) {
        snprintf(error, error_size, "%s:%d: %s", path, line,
                 reading.error ? reading.message : "not \"key = value\"");
        return -EINVAL;
    }
    if (rc < 0)
        snprintf(error, error_size, "%s: cannot be read", path);
    return rc;
}

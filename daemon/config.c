/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct reading {
    struct settings *settings;
    FILE *file;
    int line;          /* of the file, that inih has got */
    char message[256]; /* of the first error */
    int error, error_line;
    int read_error; /* negative errno of the file's */
};

static void fail(struct reading *reading, int error, const char *what, const char *value,
                 const char *values)
{
    if (reading->error)
        return;
    reading->error = error;
    reading->error_line = reading->line;
    snprintf(reading->message, sizeof(reading->message), "%s \"%.64s\"%s%s", what, value,
             values ? ": not " : "", values ? values : "");
}

/* inih's convention: 0 is an error. What is right behind a wrong line is taken all the same. */
static int on_line(void *user, const char *section, const char *key, const char *value)
{
    struct reading *reading = user;
    int rc;

    if (*section) {
        fail(reading, -EINVAL, "unknown section", section, NULL);
        return 0;
    }
    rc = settings_set(reading->settings, key, value ? value : "");
    if (rc == -ENOENT)
        fail(reading, -EINVAL, "unknown key", key, NULL);
    else if (rc < 0)
        fail(reading, rc, key, value ? value : "", settings_values(key));
    return rc == 0;
}

/* inih's reader. It would take the rest of a line that is longer than its buffer, and a line that
 * begins with a blank, for the same key's value once more. */
static char *next_line(char *text, int size, void *user)
{
    struct reading *reading = user;
    int c;

    errno = 0;
    if (!fgets(text, size, reading->file)) {
        if (ferror(reading->file))
            reading->read_error = errno ? -errno : -EIO;
        return NULL;
    }
    reading->line++;
    if (strlen(text) + 1 == (size_t)size && !strchr(text, '\n')) {
        fail(reading, -EINVAL, "a line that is too long", text, NULL);
        *text = '\0';
        while ((c = fgetc(reading->file)) != EOF && c != '\n')
            ;
    } else if ((*text == ' ' || *text == '\t') && text[strspn(text, " \t\r\n")]) {
        memmove(text, text + strspn(text, " \t"), strlen(text + strspn(text, " \t")) + 1);
    }
    return text;
}

static int conclude(const struct reading *reading, const char *path, int line, char *error,
                    size_t error_size)
{
    if (line < 0 || reading->error == -ENOMEM) {
        snprintf(error, error_size, "%s: out of memory", path);
        return -ENOMEM;
    }
    if (reading->error && (line == 0 || reading->error_line <= line)) {
        snprintf(error, error_size, "%s:%d: %s", path, reading->error_line, reading->message);
        return -EINVAL;
    }
    if (line > 0) {
        snprintf(error, error_size, "%s:%d: not \"key = value\"", path, line);
        return -EINVAL;
    }
    if (reading->read_error) {
        snprintf(error, error_size, "%s: cannot be read: %s", path, strerror(-reading->read_error));
        return reading->read_error;
    }
    return 0;
}

int config_read(const char *path, struct settings *settings, char *error, size_t error_size)
{
    struct reading reading = {.settings = settings, .file = fopen(path, "re")};
    int rc;

    if (!reading.file) {
        rc = -errno;
        snprintf(error, error_size, "%s: %s", path, strerror(-rc));
        return rc;
    }
    rc = conclude(&reading, path, ini_parse_stream(next_line, &reading, on_line, &reading), error,
                  error_size);
    fclose(reading.file);
    return rc;
}

/* SPDX-License-Identifier: MIT */
#include "cli_run.h"
#include "command.h"
#include "device_names.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

char output[16384], errors[2048];
const char *run_root = "";

/* Names that do not depend on the machine under the test. */
struct device_names *device_names_open(void)
{
    return NULL;
}

void device_names_close(struct device_names *names)
{
    (void)names;
}

char *device_name(struct device_names *names, const struct xeniommu_device *device)
{
    (void)names;
    return strdup(device->sbdf == 0x20 ? "Example NIC" : "");
}

char *device_class(struct device_names *names, const struct xeniommu_device *device)
{
    (void)names;
    return strdup(device->sbdf == 0x20 ? "Ethernet controller" : "");
}

static int open_capture(void)
{
    int file = memfd_create("captured", MFD_CLOEXEC);

    assert_true(file >= 0);
    return file;
}

/* Points a stream at file; returns what it was. */
static int redirect(FILE *stream, int file)
{
    int saved = dup(fileno(stream));

    fflush(stream);
    assert_true(saved >= 0 && dup2(file, fileno(stream)) >= 0);
    return saved;
}

static void restore(FILE *stream, int saved)
{
    fflush(stream);
    __fpurge(stream); /* what could not be written */
    clearerr(stream);
    assert_true(dup2(saved, fileno(stream)) >= 0);
    close(saved);
}

static void take_text(int file, char *text, size_t size)
{
    ssize_t len = pread(file, text, size - 1, 0);

    assert_in_range(len, 0, size - 2);
    text[len] = '\0';
    close(file);
}

static int run_words(const char *line, int out, int err)
{
    char words[512], *argv[16] = {(char *)"xen-iommu"}, *rest = words, *word;
    int argc = 1, code, saved_out, saved_err;

    snprintf(words, sizeof(words), "%s", line);
    while ((word = strtok_r(rest, " ", &rest)) != NULL && argc < 15)
        argv[argc++] = word;
    saved_out = redirect(stdout, out);
    saved_err = redirect(stderr, err);
    code = run_xen_iommu_below(run_root, argc, argv);
    restore(stderr, saved_err);
    restore(stdout, saved_out);
    return code;
}

int run(const char *line)
{
    int out = open_capture(), err = open_capture();
    int code = run_words(line, out, err);

    take_text(out, output, sizeof(output));
    take_text(err, errors, sizeof(errors));
    return code;
}

int run_into(int file, const char *line)
{
    int err = open_capture();
    int code = run_words(line, file, err);

    close(file);
    take_text(err, errors, sizeof(errors));
    return code;
}

void assert_run(const char *line, int code, const char *expected, const char *error)
{
    int actual = run(line);

    assert_string_equal(errors, error);
    assert_string_equal(output, expected);
    assert_int_equal(actual, code);
}

void assert_run_json(const char *line, int code, const char *expected)
{
    struct json_object *actual, *wanted = json_tokener_parse(expected);

    assert_int_equal(run(line), code);
    actual = json_tokener_parse(output);
    assert_non_null(wanted);
    assert_non_null(actual);
    if (!json_object_equal(actual, wanted))
        fail_msg("%s: got %s instead of %s", line, output, expected);
    json_object_put(actual);
    json_object_put(wanted);
}

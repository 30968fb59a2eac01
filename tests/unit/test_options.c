/* SPDX-License-Identifier: MIT */
/* The command line and the configuration file. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "options.h"

#define MAX_ARGS 8

static char config_path[] = "/tmp/xen-iommud-test-XXXXXX";

static void write_config(const char *text)
{
    FILE *file = fopen(config_path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_config(void **state)
{
    int fd = mkstemp(config_path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int remove_config(void **state)
{
    (void)state;
    return unlink(config_path);
}

/* Parses "xen-iommud WORD...", words separated by single spaces. */
static int parse(struct options *options, const char *words)
{
    char *copy = strdup(words), *argv[MAX_ARGS + 2] = {(char[]){"xen-iommud"}}, *save = NULL;
    int argc = 1, rc;

    assert_non_null(copy);
    for (char *word = strtok_r(copy, " ", &save); word && argc <= MAX_ARGS;
         word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    optind = 0; /* glibc: start anew */
    rc = options_parse(options, argc, argv);
    free(copy);
    return rc;
}

static int parse_only(const char *words)
{
    struct options options;
    int rc = parse(&options, words);

    options_clear(&options);
    return rc;
}

static void defaults(void **state)
{
    struct options options;

    (void)state;
    assert_int_equal(parse(&options, ""), 0);
    assert_int_equal(options.mode, MODE_DAEMON);
    assert_string_equal(options.sysroot, "");
    assert_null(options.acpi_tables);
    assert_int_equal(options.log_level, LOG_LEVEL_INFO);
    assert_int_equal(options.recheck_ms, 2000);
    options_clear(&options);
}

static void all_options(void **state)
{
    struct options options;

    (void)state;
    assert_int_equal(parse(&options, "--sysroot=/s --acpi-tables /a --host-dtb /d --once "
                                     "--log-level debug"),
                     0);
    assert_string_equal(options.sysroot, "/s");
    assert_string_equal(options.acpi_tables, "/a");
    assert_string_equal(options.host_dtb, "/d");
    assert_int_equal(options.mode, MODE_ONCE);
    assert_int_equal(options.log_level, LOG_LEVEL_DEBUG);
    options_clear(&options);
}

static void usage_errors(void **state)
{
    (void)state;
    assert_int_equal(parse_only("--nonsense"), EXIT_USAGE);
    assert_int_equal(parse_only("--config"), EXIT_USAGE);
    assert_int_equal(parse_only("word"), EXIT_USAGE);
    assert_int_equal(parse_only("--log-level loud"), EXIT_USAGE);
    assert_int_equal(parse_only("--once --withdraw"), EXIT_USAGE);
    assert_int_equal(parse_only("--config /nonexistent/file"), EXIT_USAGE);
}

static void the_command_line_wins(void **state)
{
    struct options options;
    char words[128];

    (void)state;
    write_config("log-level = error\nrecheck-interval = 0.5\n# a comment\nacpi-tables=/from/file\n"
                 "lock-file = /l\n");
    snprintf(words, sizeof(words), "--log-level debug --config %s", config_path);
    assert_int_equal(parse(&options, words), 0);
    assert_int_equal(options.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(options.recheck_ms, 500);
    assert_string_equal(options.acpi_tables, "/from/file");
    assert_string_equal(options.lock_file, "/l");
    options_clear(&options);
}

static void bad_configurations(void **state)
{
    static const struct {
        const char *text;
        int line;
        const char *word; /* that the message names */
    } rows[] = {
        {"log-level = info\nno-such-key = 1\n", 2, "no-such-key"},
        {"log-level = loud\n", 1, "loud"},
        {"\n\nrecheck-interval = 0\n", 3, "recheck-interval"},
        {"recheck-interval = nan\n", 1, "nan"},
        {"recheck-interval = 2s\n", 1, "2s"},
        {"[section]\nlog-level = info\n", 2, "section"},
        {"just words\n", 1, "key = value"},
        {"lock-file =\n", 1, "lock-file"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct options options = {0};
        char error[512] = "", where[128];

        write_config(rows[i].text);
        assert_int_equal(config_read(config_path, &options, NULL, error, sizeof(error)), -EINVAL);
        snprintf(where, sizeof(where), "%s:%d:", config_path, rows[i].line);
        assert_non_null(strstr(error, where));
        assert_non_null(strstr(error, rows[i].word));
        options_clear(&options);
    }
}

static void withdrawing_needs_no_right_configuration(void **state)
{
    struct options options;
    char words[128];

    (void)state;
    write_config("no-such-key = 1\nlock-file = /l\n");
    snprintf(words, sizeof(words), "--withdraw --config %s", config_path);
    assert_int_equal(parse(&options, words), 0);
    assert_string_equal(options.lock_file, "/l");
    options_clear(&options);
}

static void a_given_key_is_checked_all_the_same(void **state)
{
    const char *const given[] = {"log-level", NULL};
    struct options options = {.log_level = LOG_LEVEL_DEBUG};
    char error[512];

    (void)state;
    write_config("log-level = loud\n");
    assert_int_equal(config_read(config_path, &options, given, error, sizeof(error)), -EINVAL);
    write_config("log-level = error\n");
    assert_int_equal(config_read(config_path, &options, given, error, sizeof(error)), 0);
    assert_int_equal(options.log_level, LOG_LEVEL_DEBUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(all_options),
        cmocka_unit_test(usage_errors),
        cmocka_unit_test(the_command_line_wins),
        cmocka_unit_test(bad_configurations),
        cmocka_unit_test(withdrawing_needs_no_right_configuration),
        cmocka_unit_test(a_given_key_is_checked_all_the_same),
    };

    return cmocka_run_group_tests(tests, make_config, remove_config);
}

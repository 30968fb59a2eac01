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
#include "setup.h"

#define MAX_ARGS 8
#define L50      "long,long,long,long,long,long,long,long,long,long,"
#define L200     L50 L50 L50 L50

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
static int parse(struct settings *settings, const char *words)
{
    char *copy = strdup(words), *argv[MAX_ARGS + 2] = {(char[]){"xen-iommud"}}, *save = NULL;
    int argc = 1, rc;

    assert_non_null(copy);
    for (char *word = strtok_r(copy, " ", &save); word && argc <= MAX_ARGS;
         word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    optind = 0; /* glibc: start anew */
    rc = setup_read(settings, argc, argv);
    free(copy);
    return rc;
}

static int parse_only(const char *words)
{
    struct settings settings;
    int rc = parse(&settings, words);

    settings_clear(&settings);
    return rc;
}

static void defaults(void **state)
{
    struct settings settings;

    (void)state;
    assert_int_equal(parse(&settings, ""), 0);
    assert_int_equal(settings.mode, MODE_DAEMON);
    assert_string_equal(settings.sysroot, "");
    assert_null(settings.acpi_tables);
    assert_int_equal(settings.log_level, LOG_LEVEL_INFO);
    assert_int_equal(settings.recheck_ms, 2000);
    assert_int_equal(settings.confirm_ms, 60000);
    assert_null(settings.xen_builtin_cmdline);
    settings_clear(&settings);
}

static void all_options(void **state)
{
    struct settings settings;

    (void)state;
    assert_int_equal(parse(&settings, "--sysroot=/s --acpi-tables /a --host-dtb /d --once "
                                      "--log-level debug"),
                     0);
    assert_string_equal(settings.sysroot, "/s");
    assert_string_equal(settings.acpi_tables, "/a");
    assert_string_equal(settings.host_dtb, "/d");
    assert_int_equal(settings.mode, MODE_ONCE);
    assert_int_equal(settings.log_level, LOG_LEVEL_DEBUG);
    settings_clear(&settings);
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
    struct settings settings;
    char words[128];

    (void)state;
    write_config("log-level = error\nrecheck-interval = 0.5\n# a comment\nacpi-tables=/from/file\n"
                 "lock-file = /l\n");
    snprintf(words, sizeof(words), "--log-level debug --config %s", config_path);
    assert_int_equal(parse(&settings, words), 0);
    assert_int_equal(settings.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(settings.recheck_ms, 500);
    assert_string_equal(settings.acpi_tables, "/from/file");
    assert_string_equal(settings.lock_file, "/l");
    settings_clear(&settings);
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
        {"confirm-interval = 0.05\n", 1, "0.1 to 86400"},
        {"confirm-interval = 86401\n", 1, "86401"},
        {"confirm-interval = -1\n", 1, "-1"},
        {"confirm-interval =\n", 1, "confirm-interval"},
        {"recheck-interval = 3601\n", 1, "3600"},
        /* Neither is a value that goes on. */
        {"xen-builtin-cmdline = iommu=verbose\n    dom0-iommu=strict\n", 2, "dom0-iommu"},
        {"\nlock-file = /" L200 "\n", 2, "too long"},
        {"no-such-key = 1\nlock-file = /" L200 "\n", 1, "no-such-key"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct settings settings = {0};
        char error[512] = "", where[128];

        write_config(rows[i].text);
        assert_int_equal(config_read(config_path, &settings, error, sizeof(error)), -EINVAL);
        snprintf(where, sizeof(where), "%s:%d:", config_path, rows[i].line);
        assert_non_null(strstr(error, where));
        assert_non_null(strstr(error, rows[i].word));
        settings_clear(&settings);
    }
}

static void withdrawing_needs_no_right_configuration(void **state)
{
    struct settings settings;
    char words[128];

    (void)state;
    write_config("no-such-key = 1\nlock-file = /l\n");
    snprintf(words, sizeof(words), "--withdraw --config %s", config_path);
    assert_int_equal(parse(&settings, words), 0);
    assert_string_equal(settings.lock_file, "/l");
    settings_clear(&settings);
}

static void a_given_key_is_checked_all_the_same(void **state)
{
    struct settings settings;
    char error[512];

    (void)state;
    assert_int_equal(settings_init(&settings), 0);
    assert_int_equal(settings_set(&settings, "log-level", "debug"), 0);
    settings_seal(&settings);
    write_config("log-level = loud\n");
    assert_int_equal(config_read(config_path, &settings, error, sizeof(error)), -EINVAL);
    write_config("log-level = error\nlock-file = /l\n");
    assert_int_equal(config_read(config_path, &settings, error, sizeof(error)), 0);
    assert_int_equal(settings.log_level, LOG_LEVEL_DEBUG);
    assert_string_equal(settings.lock_file, "/l");
    settings_clear(&settings);
}

static void values(void **state)
{
    struct settings settings;

    (void)state;
    assert_int_equal(settings_init(&settings), 0);
    assert_int_equal(settings_set(&settings, "no-such-key", "1"), -ENOENT);
    assert_null(settings_values("no-such-key"));
    assert_string_equal(settings_values("grant-dma-stub"), "yes or no");
    assert_null(settings.user);
    assert_int_equal(settings_set(&settings, "user", ""), -EINVAL);
    assert_int_equal(settings_set(&settings, "user", "nobody"), 0);
    assert_string_equal(settings.user, "nobody");
    assert_int_equal(settings_set(&settings, "confirm-interval", "0"), 0);
    assert_int_equal(settings.confirm_ms, 0);
    assert_int_equal(settings_set(&settings, "confirm-interval", "0.1"), 0);
    assert_int_equal(settings.confirm_ms, 100);
    assert_int_equal(settings_set(&settings, "confirm-interval", "86400"), 0);
    assert_int_equal(settings.confirm_ms, 86400000);
    assert_int_equal(settings_set(&settings, "confirm-interval", "inf"), -EINVAL);
    assert_int_equal(settings.confirm_ms, 86400000);
    /* That Xen has no such line is something to say. */
    assert_int_equal(settings_set(&settings, "xen-builtin-cmdline", ""), 0);
    assert_string_equal(settings.xen_builtin_cmdline, "");
    assert_int_equal(settings_set(&settings, "xen-builtin-cmdline", "dom0-iommu=strict a=b"), 0);
    assert_string_equal(settings.xen_builtin_cmdline, "dom0-iommu=strict a=b");
    settings_clear(&settings);
}

static void an_empty_file_sets_nothing(void **state)
{
    struct settings settings;
    char words[128];

    (void)state;
    write_config("  # indented\n\t\n ; and this\nxen-builtin-cmdline =\n");
    snprintf(words, sizeof(words), "--config %s", config_path);
    assert_int_equal(parse(&settings, words), 0);
    assert_int_equal(settings.recheck_ms, 2000);
    assert_string_equal(settings.xen_builtin_cmdline, "");
    settings_clear(&settings);
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
        cmocka_unit_test(values),
        cmocka_unit_test(an_empty_file_sets_nothing),
    };

    return cmocka_run_group_tests(tests, make_config, remove_config);
}

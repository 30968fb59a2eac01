/* SPDX-License-Identifier: MIT */
/* Xen's build configuration, its boot messages, and what follows from all that is told. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/xen_boot.h"

#define VERSION "(XEN) Xen version 4.17.7 (Debian 4.17.7+13) (x86_64-linux-gnu-gcc) debug=n\n"
#define MODE    "(XEN)  - Dom0 mode: "
#define C50     "a=b a=b a=b a=b a=b a=b a=b a=b a=b a=b a=b a=b ab"
#define C500    C50 C50 C50 C50 C50 C50 C50 C50 C50 C50

/* From memory of just that size, so that reading beyond it is found out. */
static void *exactly(const char *text, size_t length)
{
    char *copy = malloc(length ? length : 1);

    assert_non_null(copy);
    memcpy(copy, text, length);
    return copy;
}

/* ------------------------------------------------------------- the build configuration */

static void build_of(const char *text, struct xen_build *build)
{
    char *copy = exactly(text, strlen(text));

    memset(build, 0x5a, sizeof(*build));
    xen_build_parse(copy, strlen(text), build);
    free(copy);
}

static const struct {
    const char *text;
    enum builtin_line builtin;
    const char *line;
} builds[] = {
    {"", BUILTIN_UNKNOWN, ""},
    {"CONFIG_X86=y\n# CONFIG_EXPERT is not set\nCONFIG_CMDLINE=\"\"\n", BUILTIN_NONE, ""},
    {"CONFIG_CMDLINE=\"dom0-iommu=strict ats=1\"\n", BUILTIN_GIVEN, "dom0-iommu=strict ats=1"},
    {"CONFIG_CMDLINE=\"a=\\\"b\\\" c\\\\d\"\n", BUILTIN_GIVEN, "a=\"b\" c\\d"},
    /* Not quite that. */
    {"# CONFIG_CMDLINE=\"a\"\n", BUILTIN_UNKNOWN, ""},
    {" CONFIG_CMDLINE=\"a\"\n", BUILTIN_UNKNOWN, ""},
    {"XCONFIG_CMDLINE=\"a\"\n", BUILTIN_UNKNOWN, ""},
    {"CONFIG_CMDLINE_X=\"a\"\n", BUILTIN_UNKNOWN, ""},
    {"CONFIG_CMDLINE=\"a\"", BUILTIN_UNKNOWN, ""}, /* cut, perhaps */
    {"CONFIG_CMDLINE=\"a\n", BUILTIN_UNKNOWN, ""},
    {"CONFIG_CMDLINE=\"\n", BUILTIN_UNKNOWN, ""},
    {"CONFIG_CMDLINE=\n", BUILTIN_UNKNOWN, ""},
    {"CONFIG_CMDLINE=a\n", BUILTIN_UNKNOWN, ""},
    {"CONFIG_CMDLINE=\"a\" \n", BUILTIN_UNKNOWN, ""},
    {"CONFIG_CMDLINE=\"a\"b\"\n", BUILTIN_UNKNOWN, ""},
    {"CONFIG_CMDLINE=\"a\\\"\n", BUILTIN_UNKNOWN, ""},
    {"CONFIG_CMDLINE=\"\\\"\n", BUILTIN_UNKNOWN, ""},
    {"CONFIG_CMDLINE=\"a\"\nCONFIG_CMDLINE=\"a\"\n", BUILTIN_UNKNOWN, ""},
    {"CONFIG_CMDLINE=\"\"\nCONFIG_CMDLINE=\"a\"\n", BUILTIN_UNKNOWN, ""},
    {"CONFIG_CMDLINE=a\nCONFIG_CMDLINE=\"a\"\n", BUILTIN_UNKNOWN, ""},
};

static void build_configurations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++) {
        struct xen_build build;

        build_of(builds[i].text, &build);
        if (build.builtin != builds[i].builtin || strcmp(build.line, builds[i].line) != 0)
            fail_msg("%s: %d, \"%s\"", builds[i].text, build.builtin, build.line);
        assert_false(build.overrides || build.quarantine_none);
    }
}

static void other_build_options(void **state)
{
    struct xen_build build;
    char zero[] = "CONFIG_CMDLINE=\"a*b\"\n";

    (void)state;
    build_of("CONFIG_CMDLINE_OVERRIDE=y\nCONFIG_IOMMU_QUARANTINE_NONE=y\n", &build);
    assert_true(build.overrides && build.quarantine_none);
    build_of("# CONFIG_CMDLINE_OVERRIDE is not set\nCONFIG_IOMMU_QUARANTINE_BASIC=y\n", &build);
    assert_false(build.overrides || build.quarantine_none);
    *strchr(zero, '*') = '\0';
    xen_build_parse(zero, sizeof(zero) - 1, &build);
    assert_int_equal(build.builtin, BUILTIN_UNKNOWN);
}

/* At its end the array holds the end of the string. */
static void a_long_built_in_line(void **state)
{
    struct xen_build build;
    char text[XEN_BUILTIN_SIZE + 64];

    (void)state;
    for (size_t length = XEN_BUILTIN_SIZE - 2; length <= XEN_BUILTIN_SIZE; length++) {
        int used = sprintf(text, "CONFIG_CMDLINE=\"");

        memset(text + used, 'a', length);
        sprintf(text + (size_t)used + length, "\"\n");
        build_of(text, &build);
        assert_int_equal(build.builtin,
                         length < XEN_BUILTIN_SIZE ? BUILTIN_GIVEN : BUILTIN_UNKNOWN);
        assert_int_equal(strlen(build.line), length < XEN_BUILTIN_SIZE ? length : 0);
    }
}

/* ------------------------------------------------------------- the boot messages */

static void messages_of(const char *text, bool complete, struct xen_messages *messages)
{
    char *copy = exactly(text, strlen(text));

    memset(messages, 0x5a, sizeof(*messages));
    xen_messages_parse(copy, strlen(text), complete, messages);
    free(copy);
}

static const struct {
    const char *text;
    bool complete;
    enum builtin_line builtin;
    const char *line;
} early[] = {
    {VERSION, true, BUILTIN_NONE, ""},
    {VERSION, false, BUILTIN_UNKNOWN, ""},
    {"", true, BUILTIN_UNKNOWN, ""},
    {"(XEN) Built-in command line: a=1 b\n" VERSION, true, BUILTIN_GIVEN, "a=1 b"},
    {"(XEN) Built-in command line: a=1 b\n", true, BUILTIN_GIVEN, "a=1 b"},
    {"(XEN) Built-in command line: a=1 b", true, BUILTIN_UNKNOWN, ""},
    {"\n(XEN) Built-in command line: a=1 b\n" VERSION, false, BUILTIN_UNKNOWN, ""},
    {"(XEN) RAM: 0 - 1\n(XEN) Built-in command line: a\n" VERSION, true, BUILTIN_GIVEN, "a"},
    /* Xen's banner is no line of that kind; a domain's line is not, either. */
    {" __  __\n \\ \\/ /\n" VERSION, true, BUILTIN_NONE, ""},
    {"(XEN) Built-in command line: a\n __  __\n" VERSION, true, BUILTIN_GIVEN, "a"},
    {" __  __\n(XEN) Built-in command line: a\n" VERSION, true, BUILTIN_UNKNOWN, ""},
    {"(d1) (XEN) Built-in command line: a\n" VERSION, true, BUILTIN_NONE, ""},
    {VERSION "(XEN) Built-in command line: a\n", true, BUILTIN_NONE, ""},
    {"(XEN) [    0.000001] Xen version 4.20\n", true, BUILTIN_NONE, ""},
    /* What one call of printk() cuts off has no end. */
    {"(XEN) Built-in command line: " C500 C500 "\n" VERSION, true, BUILTIN_UNKNOWN, ""},
    {"(XEN) Built-in command line: " C500 "\n" VERSION, true, BUILTIN_GIVEN, C500},
};

static void built_in_lines_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
        struct xen_messages messages;

        messages_of(early[i].text, early[i].complete, &messages);
        if (messages.builtin != early[i].builtin || strcmp(messages.line, early[i].line) != 0)
            fail_msg("%s: %d, \"%s\"", early[i].text, messages.builtin, messages.line);
    }
}

static const struct {
    const char *text;
    enum dom0_mode mode; /* of a ring that is complete */
    bool contradictory;
} printed[] = {
    {"", DOM0_MODE_UNKNOWN, false},
    {VERSION MODE "Relaxed\n", DOM0_RELAXED, false},
    {VERSION MODE "Strict\n", DOM0_STRICT, false},
    {VERSION MODE "Passthrough\n", DOM0_PASSTHROUGH, false},
    {VERSION MODE "Strict\n(XEN) more\n" MODE "Strict\n", DOM0_STRICT, false},
    {"(XEN) [2026-01-31 12:00:00]  - Dom0 mode: Strict\n", DOM0_STRICT, false},
    {"(XEN) [2026-01-31 12:00:00.123]  - Dom0 mode: Strict\n", DOM0_STRICT, false},
    {"(XEN) [    1.000000]  - Dom0 mode: Strict\n", DOM0_STRICT, false},
    {"(XEN) [00000001c0ffee00]  - Dom0 mode: Strict\n", DOM0_STRICT, false},
    /* What others print. */
    {"(d1) (XEN)  - Dom0 mode: Strict\n", DOM0_MODE_UNKNOWN, false},
    {"(d1)  - Dom0 mode: Strict\n", DOM0_MODE_UNKNOWN, false},
    {" (XEN)  - Dom0 mode: Strict\n", DOM0_MODE_UNKNOWN, false},
    {"(XEN) d1:  - Dom0 mode: Strict\n", DOM0_MODE_UNKNOWN, false},
    {"(XEN) [x]  - Dom0 mode: Strict\n", DOM0_MODE_UNKNOWN, false},
    {"(XEN) [1]  [2]  - Dom0 mode: Strict\n", DOM0_MODE_UNKNOWN, false},
    {"(XEN) - Dom0 mode: Strict\n", DOM0_MODE_UNKNOWN, false},
    {"(XEN)  - Dom0 mode: Strict", DOM0_MODE_UNKNOWN, false},
    /* What Xen does not print, or not twice. */
    {MODE "\n", DOM0_MODE_UNKNOWN, true},
    {MODE "strict\n", DOM0_MODE_UNKNOWN, true},
    {MODE "Strict \n", DOM0_MODE_UNKNOWN, true},
    {MODE "Stricter\n", DOM0_MODE_UNKNOWN, true},
    {MODE "Relaxed\n" MODE "Strict\n", DOM0_STRICT, true},
    {MODE "Passthrough\n" MODE "Relaxed\n", DOM0_RELAXED, true},
};

static void modes_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(printed) / sizeof(printed[0]); i++) {
        struct xen_messages messages;

        messages_of(printed[i].text, true, &messages);
        if (messages.contradictory != printed[i].contradictory ||
            (!messages.contradictory && messages.dom0_mode != printed[i].mode))
            fail_msg("%s: mode %d", printed[i].text, messages.dom0_mode);
    }
}

/* A guest's line whose "(d1) " is not in the ring any more. */
static void the_rest_of_a_line(void **state)
{
    struct xen_messages messages;

    (void)state;
    messages_of(MODE "Strict\n(XEN) more\n", false, &messages);
    assert_int_equal(messages.dom0_mode, DOM0_MODE_UNKNOWN);
    messages_of("d\n" MODE "Strict\n(XEN) more\n", false, &messages);
    assert_int_equal(messages.dom0_mode, DOM0_STRICT);
    messages_of("no end", false, &messages);
    assert_int_equal(messages.dom0_mode, DOM0_MODE_UNKNOWN);
}

static void interrupt_remapping_printed(void **state)
{
    struct xen_messages messages;

    (void)state;
    messages_of(VERSION, true, &messages);
    assert_int_equal(messages.intremap, XEN_UNKNOWN);
    messages_of("(XEN) Interrupt remapping enabled\n", true, &messages);
    assert_int_equal(messages.intremap, XEN_ON);
    messages_of("(XEN) Interrupt remapping disabled\n", true, &messages);
    assert_int_equal(messages.intremap, XEN_OFF);
    messages_of("(XEN) Interrupt remapping disabled\n(XEN) Interrupt remapping enabled\n", true,
                &messages);
    assert_int_equal(messages.intremap, XEN_OFF);
    messages_of("(XEN) Interrupt remapping enabled.\n", true, &messages);
    assert_int_equal(messages.intremap, XEN_UNKNOWN);
}

/* ------------------------------------------------------------- all together */

#define NONE_BUILT    "CONFIG_CMDLINE=\"\"\n"
#define BUILT(line)   "CONFIG_CMDLINE=\"" line "\"\n"
#define PRINTED(line) "(XEN) Built-in command line: " line "\n" VERSION

static const struct {
    const char *given, *configured, *build, *ring; /* NULL: not there; the ring is complete */
    enum builtin_line builtin;
    enum dom0_mode pv, pvh;
} rows[] = {
    /* Nobody tells: Xen's line is all there is. */
    {"", NULL, NULL, NULL, BUILTIN_UNKNOWN, DOM0_RELAXED, DOM0_TRANSLATED},
    {"dom0-iommu=strict", NULL, NULL, NULL, BUILTIN_UNKNOWN, DOM0_STRICT, DOM0_TRANSLATED},
    {"", NULL, "nonsense", "(XEN) x\n", BUILTIN_UNKNOWN, DOM0_RELAXED, DOM0_TRANSLATED},
    /* One tells. */
    {"", "", NULL, NULL, BUILTIN_NONE, DOM0_RELAXED, DOM0_TRANSLATED},
    {"", NULL, NONE_BUILT, NULL, BUILTIN_NONE, DOM0_RELAXED, DOM0_TRANSLATED},
    {"", NULL, NULL, VERSION, BUILTIN_NONE, DOM0_RELAXED, DOM0_TRANSLATED},
    {"", "dom0-iommu=passthrough", NULL, NULL, BUILTIN_GIVEN, DOM0_PASSTHROUGH, DOM0_TRANSLATED},
    {"", NULL, BUILT("dom0-iommu=strict"), NULL, BUILTIN_GIVEN, DOM0_STRICT, DOM0_TRANSLATED},
    {"", NULL, NULL, PRINTED("dom0-iommu=none"), BUILTIN_GIVEN, DOM0_RELAXED, DOM0_MODE_UNKNOWN},
    {"dom0-iommu=no-strict", "dom0-iommu=strict", NULL, NULL, BUILTIN_GIVEN, DOM0_RELAXED,
     DOM0_TRANSLATED},
    /* Two tell the same, as far as it matters. */
    {"", "dom0-iommu=strict", BUILT("loglvl=all dom0-iommu=strict"),
     PRINTED("loglvl=all dom0-iommu=strict") MODE "Strict\n", BUILTIN_GIVEN, DOM0_STRICT,
     DOM0_TRANSLATED},
    /* Two tell different things. */
    {"", "dom0-iommu=strict", BUILT("loglvl=all dom0-iommu=strict"), VERSION MODE "Strict\n",
     BUILTIN_UNKNOWN, DOM0_MODE_UNKNOWN, DOM0_MODE_UNKNOWN},
    {"", "dom0-iommu=strict", NONE_BUILT, NULL, BUILTIN_UNKNOWN, DOM0_MODE_UNKNOWN,
     DOM0_TRANSLATED},
    {"", "", BUILT("dom0-iommu=passthrough"), NULL, BUILTIN_UNKNOWN, DOM0_MODE_UNKNOWN,
     DOM0_TRANSLATED},
    {"dom0-iommu=strict", "", NONE_BUILT, PRINTED("dom0-iommu=none,x"), BUILTIN_UNKNOWN,
     DOM0_MODE_UNKNOWN, DOM0_MODE_UNKNOWN},
    /* Xen ignores the boot loader's line, and keeps none. */
    {"", NULL, BUILT("dom0-iommu=strict") "CONFIG_CMDLINE_OVERRIDE=y\n", NULL, BUILTIN_GIVEN,
     DOM0_STRICT, DOM0_TRANSLATED},
    {"dom0-iommu=strict", NULL, BUILT("a") "CONFIG_CMDLINE_OVERRIDE=y\n", NULL, BUILTIN_GIVEN,
     DOM0_MODE_UNKNOWN, DOM0_MODE_UNKNOWN},
    {"", NULL, "CONFIG_CMDLINE_OVERRIDE=y\n", NULL, BUILTIN_UNKNOWN, DOM0_MODE_UNKNOWN,
     DOM0_MODE_UNKNOWN},
    /* The messages confirm. */
    {"", NULL, NULL, VERSION MODE "Relaxed\n", BUILTIN_NONE, DOM0_RELAXED, DOM0_TRANSLATED},
    {"dom0-iommu=strict", NULL, NULL, VERSION MODE "Strict\n", BUILTIN_NONE, DOM0_STRICT,
     DOM0_TRANSLATED},
    {"dom0-iommu=passthrough", NULL, NULL, VERSION MODE "Passthrough\n", BUILTIN_NONE,
     DOM0_PASSTHROUGH, DOM0_TRANSLATED},
    /* They weaken. */
    {"", NULL, NULL, "\n" MODE "Passthrough\n", BUILTIN_UNKNOWN, DOM0_PASSTHROUGH,
     DOM0_MODE_UNKNOWN},
    {"dom0-iommu=strict", NULL, NULL, "\n" MODE "Passthrough\n", BUILTIN_UNKNOWN, DOM0_PASSTHROUGH,
     DOM0_MODE_UNKNOWN},
    {"dom0-iommu=x", NULL, NULL, "\n" MODE "Passthrough\n", BUILTIN_UNKNOWN, DOM0_PASSTHROUGH,
     DOM0_MODE_UNKNOWN},
    /* They never make it stronger. */
    {"", NULL, NULL, "\n" MODE "Strict\n", BUILTIN_UNKNOWN, DOM0_MODE_UNKNOWN, DOM0_MODE_UNKNOWN},
    {"dom0-iommu=strict", NULL, NULL, "\n" MODE "Relaxed\n", BUILTIN_UNKNOWN, DOM0_MODE_UNKNOWN,
     DOM0_MODE_UNKNOWN},
    {"dom0-iommu=x", NULL, NULL, "\n" MODE "Strict\n", BUILTIN_UNKNOWN, DOM0_MODE_UNKNOWN,
     DOM0_MODE_UNKNOWN},
    {"dom0-iommu=passthrough", NULL, NULL, "\n" MODE "Relaxed\n", BUILTIN_UNKNOWN,
     DOM0_MODE_UNKNOWN, DOM0_MODE_UNKNOWN},
    {"", NULL, NULL, "\n" MODE "Passthrough\n" MODE "Relaxed\n", BUILTIN_UNKNOWN, DOM0_MODE_UNKNOWN,
     DOM0_MODE_UNKNOWN},
    {"", NULL, NULL, "\n" MODE "Relaxed\n" MODE "Passthrough\n", BUILTIN_UNKNOWN, DOM0_MODE_UNKNOWN,
     DOM0_MODE_UNKNOWN},
};

static void conclude(const char *given, bool cut, const char *configured, const char *build_text,
                     const char *ring, struct xen_cmdline *result)
{
    struct xen_build build;
    struct xen_messages messages;
    struct xen_boot boot = {.given = given, .given_cut = cut, .configured = configured};

    if (build_text) {
        build_of(build_text, &build);
        boot.build = &build;
    }
    if (ring) {
        messages_of(ring, true, &messages);
        boot.messages = &messages;
    }
    memset(result, 0x5a, sizeof(*result));
    xen_boot_conclude(&boot, result);
}

static void conclusions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct xen_cmdline result;

        conclude(rows[i].given, false, rows[i].configured, rows[i].build, rows[i].ring, &result);
        if (result.pv_dom0 != rows[i].pv || result.pvh_dom0 != rows[i].pvh ||
            result.builtin != rows[i].builtin)
            fail_msg("row %zu: PV %d, PVH %d, built-in line %d", i, result.pv_dom0, result.pvh_dom0,
                     result.builtin);
    }
}

static void switches_of_a_built_in_line(void **state)
{
    struct xen_cmdline result;

    (void)state;
    conclude("", false, NULL, BUILT("iommu=no-igfx,no-quarantine,workaround_bios_bug ats rmrr=1"),
             NULL, &result);
    assert_int_equal(result.igfx, XEN_OFF);
    assert_int_equal(result.quarantine, XEN_OFF);
    assert_int_equal(result.bios_workaround, XEN_ON);
    assert_int_equal(result.ats, XEN_ON);
    assert_int_equal(result.reserved, XEN_ON);
    assert_int_equal(result.intremap, XEN_ON);
    assert_int_equal(result.map_inclusive, XEN_OFF);
    /* Who configures something else has all of it in doubt. */
    conclude("", false, "iommu=no-intremap dom0-iommu=map-inclusive",
             BUILT("iommu=no-igfx,no-quarantine,workaround_bios_bug ats rmrr=1"), NULL, &result);
    assert_int_equal(result.igfx, XEN_UNKNOWN);
    assert_int_equal(result.quarantine, XEN_UNKNOWN);
    assert_int_equal(result.bios_workaround, XEN_UNKNOWN);
    assert_int_equal(result.ats, XEN_UNKNOWN);
    assert_int_equal(result.reserved, XEN_UNKNOWN);
    assert_int_equal(result.intremap, XEN_UNKNOWN);
    assert_int_equal(result.map_inclusive, XEN_UNKNOWN);
}

static void other_words_of_the_witnesses(void **state)
{
    struct xen_cmdline result;

    (void)state;
    conclude("", false, NULL, "CONFIG_IOMMU_QUARANTINE_NONE=y\n", NULL, &result);
    assert_int_equal(result.quarantine, XEN_OFF);
    conclude("iommu=quarantine", false, "", "CONFIG_IOMMU_QUARANTINE_NONE=y\n", VERSION, &result);
    assert_int_equal(result.quarantine, XEN_ON);
    conclude("", false, NULL, NULL, "(XEN) Interrupt remapping disabled\n", &result);
    assert_int_equal(result.intremap, XEN_OFF);
    conclude("iommu=no-intremap", false, NULL, NULL, "(XEN) Interrupt remapping enabled\n",
             &result);
    assert_int_equal(result.intremap, XEN_OFF);
    conclude("iommu=no-qinval", false, NULL, NULL, "(XEN) Interrupt remapping enabled\n", &result);
    assert_int_equal(result.intremap, XEN_UNKNOWN);
    conclude("dom0-iommu=strict", true, "", NONE_BUILT, VERSION MODE "Strict\n", &result);
    assert_int_equal(result.pv_dom0, DOM0_MODE_UNKNOWN);
    assert_int_equal(result.pvh_dom0, DOM0_MODE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(build_configurations),
        cmocka_unit_test(other_build_options),
        cmocka_unit_test(a_long_built_in_line),
        cmocka_unit_test(built_in_lines_printed),
        cmocka_unit_test(modes_printed),
        cmocka_unit_test(the_rest_of_a_line),
        cmocka_unit_test(interrupt_remapping_printed),
        cmocka_unit_test(conclusions),
        cmocka_unit_test(switches_of_a_built_in_line),
        cmocka_unit_test(other_words_of_the_witnesses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

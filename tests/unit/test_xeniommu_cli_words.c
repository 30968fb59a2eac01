/* SPDX-License-Identifier: MIT */
/* xen-iommu explain has words for all that the daemon can say, and for nothing else: every reason
 * of the policy over all facts, every reason that its sources and docs/policy.md name, every fact
 * and value that it publishes. */
#include "unit.h"

#include <glob.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain_words.h"
#include "facts.h"
#include "policy.h"

#define ROWS_MAX 64

static bool reason_seen[ROWS_MAX][2];

static void see_reason(enum xeniommu_bus bus, const char *token)
{
    const struct reason_words *words = words_of_reason(bus, token);

    if (words == NULL)
        fail_msg("no words for \"%s\" of a %s device", token,
                 bus == XENIOMMU_BUS_PCI ? "PCI" : "DT");
    assert_true(words->why[0] != '\0' && words->change[0] != '\0');
    reason_seen[words - reason_words][bus] = true;
}

static enum xeniommu_bus bus_of(const struct facts *facts)
{
    return facts->bus == BUS_PCI ? XENIOMMU_BUS_PCI : XENIOMMU_BUS_DT;
}

/* Checks each fact that the daemon writes of these. */
static void see_facts(const struct facts *facts)
{
    char text[256], *rest = text, *word;

    facts_format(facts, "a-driver", text, sizeof(text));
    while ((word = strtok_r(rest, " ", &rest)) != NULL) {
        const char *name = strsep(&word, "=");
        const struct fact_words *words = words_of_fact(bus_of(facts), name);

        if (words == NULL || word == NULL || words_of_value(words, word) == NULL)
            fail_msg("no words for %s=%s", name, word);
    }
}

static void see(const struct facts *facts)
{
    see_reason(bus_of(facts), policy_decide(facts).reason);
}

#define EACH(field, last) for (int field = 0; field <= (int)(last) && (f.field = field, 1); field++)

static void see_pci(void)
{
    struct facts f = {.bus = BUS_PCI};

    EACH(iommu, IOMMU_ENABLED)
    EACH(word, WORD_FITS)
    EACH(owner, OWNER_NONE)
    EACH(doubt, DOUBT_NEW_DEVICE)
    EACH(guest, GUEST_KIND_TRANSLATED)
    EACH(dom0_mode, DOM0_TRANSLATED)
    EACH(coverage, COVERAGE_YES)
    EACH(mates, MATES_TOGETHER)
    EACH(unit, UNIT_ON)
    EACH(unlisted, true)
    EACH(quarantine_off, true)
    see(&f);
}

static void see_dt(void)
{
    struct facts f = {.bus = BUS_DT};

    EACH(iommu, IOMMU_ENABLED)
    EACH(oracle, ORACLE_UNSUPPORTED)
    EACH(word, WORD_FITS)
    EACH(owner, OWNER_NONE)
    EACH(doubt, DOUBT_UNREADABLE)
    EACH(guest, GUEST_KIND_TRANSLATED)
    EACH(mates, MATES_TOGETHER)
    EACH(claim, DT_CLAIMS_GRANT_STUB)
    EACH(grant_dma, true)
    EACH(virtio_iommu, true)
    EACH(pci_host, true)
    EACH(force_assign, true)
    see(&f);
}

/* Sees every reason that the expression finds in a file, whichever bus it is for. */
static size_t see_in_file(const char *path, const char *expression)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0, found = 0;
    regmatch_t match[2];
    regex_t regex;

    assert_non_null(file);
    assert_int_equal(regcomp(&regex, expression, REG_EXTENDED | REG_NEWLINE), 0);
    while (getline(&line, &size, file) > 0) {
        char *at = line;

        for (; regexec(&regex, at, 2, match, 0) == 0; at += match[0].rm_eo, found++) {
            char token[64];

            snprintf(token, sizeof(token), "%.*s", (int)(match[1].rm_eo - match[1].rm_so),
                     at + match[1].rm_so);
            see_reason(words_of_reason(XENIOMMU_BUS_PCI, token) ? XENIOMMU_BUS_PCI
                                                                : XENIOMMU_BUS_DT,
                       token);
        }
    }
    free(line);
    regfree(&regex);
    fclose(file);
    return found;
}

static void every_reason_has_words(void **state)
{
    size_t i, found = 0;
    glob_t sources;

    (void)state;
    assert_int_equal(glob(XI_TEST_SOURCE_DIR "/daemon/*.c", 0, NULL, &sources), 0);
    for (i = 0; i < sources.gl_pathc; i++)
        found += see_in_file(sources.gl_pathv[i], "policy_unknown\\([^\"]*\"([a-z0-9-]+)\"");
    globfree(&sources);
    assert_true(found > 10);
    /* The last column of its tables. */
    assert_true(see_in_file(XI_TEST_SOURCE_DIR "/docs/policy.md", "`([a-z0-9-]+)` \\|$") > 20);
}

/* A row is the reason for a device of each of its buses. */
static void check_row(size_t row, enum xeniommu_bus bus)
{
    const struct reason_words *words = &reason_words[row];

    if ((words->bus & 1U << bus) != 0 && !reason_seen[row][bus])
        fail_msg("\"%s\" is never the reason for a %s device", words->token,
                 bus == XENIOMMU_BUS_PCI ? "PCI" : "DT");
}

static void the_policy_returns_every_row(void **state)
{
    size_t i;

    (void)state;
    memset(reason_seen, 0, sizeof(reason_seen));
    assert_true(reason_words_count <= ROWS_MAX);
    see_pci();
    see_dt();
    for (i = 0; i < reason_words_count; i++) {
        check_row(i, XENIOMMU_BUS_PCI);
        check_row(i, XENIOMMU_BUS_DT);
    }
}

static void every_limit_has_words(void **state)
{
    unsigned int limit;

    (void)state;
    for (limit = 1; xeniommu_limit_name(limit) != NULL; limit <<= 1) {
        const struct limit_words *words = words_of_limit(xeniommu_limit_name(limit));

        assert_non_null(words);
        assert_int_equal(words->limit, limit);
        assert_true(words->text[0] != '\0' && words->change[0] != '\0');
    }
    assert_null(words_of_limit("a-newer-one"));
    assert_null(words_of_limit("?"));
    assert_null(words_of_limit(""));
}

/* One fact at a time runs through its values, for each owner on each bus. */
static void every_fact_has_words(void **state)
{
    struct facts f = {0};

    (void)state;
    EACH(bus, BUS_DT)
    EACH(owner, OWNER_NONE)
    {
        EACH(iommu, IOMMU_ENABLED) see_facts(&f);
        EACH(oracle, ORACLE_UNSUPPORTED) see_facts(&f);
        EACH(doubt, DOUBT_NEW_DEVICE) see_facts(&f);
        EACH(guest, GUEST_KIND_TRANSLATED) see_facts(&f);
        EACH(dom0_mode, DOM0_TRANSLATED) see_facts(&f);
        EACH(coverage, COVERAGE_YES) see_facts(&f);
        EACH(mates, MATES_TOGETHER) see_facts(&f);
        EACH(claim, DT_CLAIMS_GRANT_STUB) see_facts(&f);
        EACH(unit, UNIT_ON) see_facts(&f);
        EACH(unlisted, true) see_facts(&f);
        EACH(quarantine_off, true) see_facts(&f);
        EACH(grant_dma, true) see_facts(&f);
        EACH(virtio_iommu, true) see_facts(&f);
        EACH(pci_host, true) see_facts(&f);
        EACH(force_assign, true) see_facts(&f);
        EACH(guest_path_unknown, true) see_facts(&f);
        EACH(builtin, BUILTIN_GIVEN) see_facts(&f);
    }
}

static void no_row_is_there_twice(void **state)
{
    size_t i, j;

    (void)state;
    for (i = 0; i < reason_words_count; i++)
        for (j = 0; j < i; j++)
            assert_false((reason_words[i].bus & reason_words[j].bus) != 0 &&
                         strcmp(reason_words[i].token, reason_words[j].token) == 0);
    for (i = 0; i < fact_words_count; i++)
        for (j = 0; j < i; j++)
            assert_false((fact_words[i].bus & fact_words[j].bus) != 0 &&
                         strcmp(fact_words[i].name, fact_words[j].name) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_words), cmocka_unit_test(the_policy_returns_every_row),
        cmocka_unit_test(every_fact_has_words),   cmocka_unit_test(every_limit_has_words),
        cmocka_unit_test(no_row_is_there_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

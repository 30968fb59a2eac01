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

#include "every_case.h"
#include "evidence.h"
#include "explain_words.h"
#include "facts.h"
#include "policy.h"

#define ROWS_MAX 128

static bool reason_seen[ROWS_MAX][2];

/* facts: as published; NULL: in a view that has none. */
static void see_reason_with(enum xeniommu_bus bus, const char *token, const char *facts)
{
    const struct reason_words *words = words_of_reason(bus, token, facts);

    if (words == NULL)
        fail_msg("no words for \"%s\" of a %s device", token,
                 bus == XENIOMMU_BUS_PCI ? "PCI" : "DT");
    assert_true(words->why[0] != '\0' && words->change[0] != '\0');
    reason_seen[words - reason_words][bus] = true;
}

static void see_reason(enum xeniommu_bus bus, const char *token)
{
    see_reason_with(bus, token, NULL);
}

static enum xeniommu_bus bus_of(const struct facts *facts)
{
    return facts->bus == BUS_PCI ? XENIOMMU_BUS_PCI : XENIOMMU_BUS_DT;
}

/* Checks each fact that the daemon writes of these. */
static void see_facts(const struct facts *facts)
{
    char text[512], known[512], *rest = text, *word;

    facts_format(facts, "a-driver", text, sizeof(text));
    memcpy(known, text, sizeof(known));
    while ((word = strtok_r(rest, " ", &rest)) != NULL) {
        const char *name = strsep(&word, "=");
        const struct fact_words *words = words_of_fact(bus_of(facts), name);

        if (words == NULL || word == NULL || words_of_value(words, word, known) == NULL)
            fail_msg("no words for %s=%s", name, word);
    }
}

static void see(const struct facts *facts)
{
    see_reason(bus_of(facts), policy_decide(facts).reason);
}

/* The reason for these facts, in the words that they choose. */
static void see_chosen(struct facts *facts)
{
    char text[512];

    facts->word = evidence_word(facts->bus, facts->owner, facts->oracle);
    facts_format(facts, "", text, sizeof(text));
    see_reason_with(bus_of(facts), policy_decide(facts).reason, text);
}

/* Those words that hang on more than reasons do: one thing at a time, for each owner and answer. */
static void see_chosen_pci(void)
{
    static const uint32_t classes[] = {0x020000, 0x030000, 0x040300, 0x080600};
    const struct facts best = {.coverage = COVERAGE_YES,
                               .unit = UNIT_ON,
                               .mates = MATES_TOGETHER,
                               .guest = GUEST_KIND_PV,
                               .dom0_mode = DOM0_RELAXED,
                               .tables = TABLES_READ};
    struct facts f = best;

    EACH(iommu, IOMMU_ENABLED)
    EACH(oracle, ORACLE_UNSUPPORTED)
    EACH(owner, OWNER_NONE)
    EACH(doubt, DOUBT_UNBOUND)
    {
        EACH(coverage, COVERAGE_YES) EACH(tables, TABLES_READ) see_chosen(&f);
        EACH(switched_off, true) see_chosen(&f);
        f.switched_off = false;
        EACH(quarantine_off, true) EACH(quarantine_unsure, true) see_chosen(&f);
        f.quarantine_off = f.quarantine_unsure = false;
        EACH(unit, UNIT_ON)
        for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
            f.class_code = classes[i];
            see_chosen(&f);
        }
    }
    /* Where the lists of a group deny what Xen says of the device. */
    f.owner = OWNER_NONE;
    f.oracle = ORACLE_FREE;
    f.word = WORD_DENIES;
    see_reason_with(XENIOMMU_BUS_PCI, policy_decide(&f).reason, "owner=none oracle=free");
}

static void see_chosen_dt(void)
{
    struct facts f = {.bus = BUS_DT, .mates = MATES_TOGETHER, .guest = GUEST_KIND_TRANSLATED};

    EACH(iommu, IOMMU_ENABLED)
    EACH(oracle, ORACLE_UNSUPPORTED)
    EACH(owner, OWNER_NONE)
    EACH(doubt, DOUBT_UNREADABLE)
    EACH(switched_off, true)
    see_chosen(&f);
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
            see_reason(words_of_reason(XENIOMMU_BUS_PCI, token, NULL) ? XENIOMMU_BUS_PCI
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
        fail_msg("\"%s\" (%s) is never the reason for a %s device", words->token,
                 words->when != NULL ? words->when : "-", bus == XENIOMMU_BUS_PCI ? "PCI" : "DT");
}

static void the_policy_returns_every_row(void **state)
{
    size_t i;

    (void)state;
    memset(reason_seen, 0, sizeof(reason_seen));
    assert_true(reason_words_count <= ROWS_MAX);
    every_pci_case(see);
    every_dt_case(see);
    see_chosen_pci();
    see_chosen_dt();
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

/* What ownership_resolve_dt() can come to. */
static bool is_dt_doubt(enum owner_doubt doubt)
{
    return doubt == DOUBT_NONE || doubt == DOUBT_OWNER_DOWN || doubt == DOUBT_CONFLICT ||
           doubt == DOUBT_NO_RECORD || doubt == DOUBT_UNREADABLE;
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
        EACH(doubt, DOUBT_UNBOUND)
        if (f.bus == BUS_PCI || is_dt_doubt(f.doubt))
            see_facts(&f);
        f.doubt = DOUBT_NONE;
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
        EACH(tables, TABLES_READ) see_facts(&f);
        EACH(switched_off, true) see_facts(&f);
        EACH(quarantine_unsure, true) see_facts(&f);
        f.class_code = 0x30000;
        see_facts(&f);
    }
}

static void no_row_is_there_twice(void **state)
{
    size_t i, j;

    (void)state;
    for (i = 0; i < reason_words_count; i++)
        for (j = 0; j < i; j++)
            assert_false((reason_words[i].bus & reason_words[j].bus) != 0 &&
                         strcmp(reason_words[i].token, reason_words[j].token) == 0 &&
                         (reason_words[j].when == NULL ||
                          (reason_words[i].when != NULL &&
                           strcmp(reason_words[i].when, reason_words[j].when) == 0)));
    for (i = 0; i < fact_words_count; i++)
        for (j = 0; j < i; j++)
            assert_false((fact_words[i].bus & fact_words[j].bus) != 0 &&
                         strcmp(fact_words[i].name, fact_words[j].name) == 0);
}

static void check_condition(const char *condition)
{
    char words[256], *rest = words, *word;

    if (condition == NULL)
        return;
    snprintf(words, sizeof(words), "%s", condition);
    while ((word = strtok_r(rest, " ", &rest)) != NULL) {
        const char *name = strsep(&word, "=");

        assert_non_null(word);
        if (strcmp(name, "group") != 0 && words_of_fact(XENIOMMU_BUS_PCI, name) == NULL &&
            words_of_fact(XENIOMMU_BUS_DT, name) == NULL)
            fail_msg("\"%s\" of \"%s\" is no fact", name, condition);
    }
}

static void conditions_ask_for_facts(void **state)
{
    static const char facts[] = "owner=guest class=030000 oracle=taken group=no";
    size_t i;

    (void)state;
    for (i = 0; i < reason_words_count; i++)
        check_condition(reason_words[i].when);
    for (i = 0; i < fact_words_count; i++)
        for (const struct value_words *row = fact_words[i].values; row->value != NULL; row++)
            check_condition(row->when);
    assert_true(facts_hold(NULL, NULL) && facts_hold(facts, NULL));
    assert_true(facts_hold(facts, "owner=guest") && facts_hold(facts, "oracle=taken class=03*"));
    assert_false(facts_hold(NULL, "owner=guest"));
    assert_false(facts_hold(facts, "owner=gues") || facts_hold(facts, "owner=guests") ||
                 facts_hold(facts, "class=04*") || facts_hold(facts, "own=guest") ||
                 facts_hold(facts, "owner=guest iommu=enabled") || facts_hold("", "owner=guest") ||
                 facts_hold("owner-guest", "owner=guest"));
}

/* Each "or" that a person reads: nothing that is known decides it. The texts, by a part of each. */
static const struct {
    const char *part;
    const char *why;
} undecided[] = {
    {"or taking it from there", "two ways, and which one suits only the reader knows"},
    {"or another slot", "two ways, and which one suits only the reader knows"},
    {"or giving the device to a guest", "two ways, and which one suits only the reader knows"},
    {"or an HVM or PVH guest", "two ways, and which one suits only the reader knows"},
    {"takes an HVM or PVH", "two ways, and which one suits only the reader knows"},
    {"or all with one owner", "two ways, and which one suits only the reader knows"},
    {"or gone from Xen", "two ways, and which one suits only the reader knows"},
    {"or back to dom0", "two ways, and which one suits only the reader knows"},
    {"or giving it back to dom0", "two ways, and which one suits only the reader knows"},
    {"or a Xen that does not", "two ways, and which one suits only the reader knows"},
    {"or hardware with ACS", "two ways, and which one suits only the reader knows"},
    {"or by switching off in its setup", "two ways, and which one suits only the reader knows"},
    {"at its very beginning or end", "libxl writes the same record first and last"},
    {"or another toolstack keeps it",
     "pciback holds it either way, and no record tells who did it"},
};

#define UNDECIDED_COUNT (sizeof(undecided) / sizeof(undecided[0]))

static bool undecided_seen[UNDECIDED_COUNT];

static void check_text(const char *text)
{
    size_t i;
    bool allowed = false;

    if (text == NULL || (strstr(text, " or ") == NULL && strstr(text, " or,") == NULL))
        return;
    for (i = 0; i < UNDECIDED_COUNT; i++)
        if (strstr(text, undecided[i].part) != NULL)
            allowed = undecided_seen[i] = true;
    if (!allowed)
        fail_msg("an \"or\" that is not accounted for: %s", text);
}

static void no_or_that_a_fact_decides(void **state)
{
    struct xeniommu_info info = {.group = -1};
    unsigned int limit, i;

    (void)state;
    for (i = 0; i < reason_words_count; i++) {
        check_text(reason_words[i].why);
        check_text(reason_words[i].change);
        for (int s = XENIOMMU_UNKNOWN; s <= XENIOMMU_QUARANTINED; s++) {
            snprintf(info.reason, sizeof(info.reason), "%s", reason_words[i].token);
            info.state = (enum xeniommu_state)s;
            check_text(words_of_verdict(&info));
            check_text(words_of_swiotlb(&info));
        }
    }
    for (i = 0; i < fact_words_count; i++) {
        const struct value_words *row = fact_words[i].values;

        check_text(fact_words[i].source);
        for (; row->value != NULL; row++)
            check_text(row->text);
        check_text(row->text);
    }
    for (limit = 1; xeniommu_limit_name(limit) != NULL; limit <<= 1) {
        check_text(words_of_limit(xeniommu_limit_name(limit))->text);
        check_text(words_of_limit(xeniommu_limit_name(limit))->change);
    }
    for (i = 0; i < UNDECIDED_COUNT; i++)
        if (!undecided_seen[i])
            fail_msg("\"%s\" is in no text any more", undecided[i].part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_words),    cmocka_unit_test(the_policy_returns_every_row),
        cmocka_unit_test(every_fact_has_words),      cmocka_unit_test(every_limit_has_words),
        cmocka_unit_test(no_row_is_there_twice),     cmocka_unit_test(conditions_ask_for_facts),
        cmocka_unit_test(no_or_that_a_fact_decides),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

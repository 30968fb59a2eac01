/* SPDX-License-Identifier: MIT */
/* The policy against its specification, written down a second time as plain conditions, over every
 * combination of facts there is; and the rows of docs/policy.md one by one. */
#include "unit.h"

#include <string.h>

#include "policy.h"

/* Calls fn for each of all combinations of facts. */
static void for_all_facts(void (*fn)(const struct facts *facts))
{
    struct facts f = {0};

#define EACH(field, first, last)                                                                   \
    for (int field = (first); field <= (int)(last) && (f.field = field, 1); field++)
    EACH(iommu, IOMMU_UNKNOWN, IOMMU_ENABLED)
    EACH(word, WORD_NONE, WORD_FITS)
    EACH(owner, OWNER_UNKNOWN, OWNER_NONE)
    EACH(doubt, DOUBT_NONE, DOUBT_UNBOUND)
    EACH(guest, GUEST_KIND_UNKNOWN, GUEST_KIND_TRANSLATED)
    EACH(dom0_mode, DOM0_MODE_UNKNOWN, DOM0_TRANSLATED)
    EACH(coverage, COVERAGE_UNKNOWN, COVERAGE_YES)
    EACH(mates, MATES_UNKNOWN, MATES_TOGETHER)
    EACH(unit, UNIT_UNKNOWN, UNIT_ON)
    EACH(unlisted, 0, 1)
    EACH(quarantine_off, 0, 1)
    fn(&f);
}

/* The same for those of device tree devices; the rest of the facts is PCI's. */
static void for_all_dt_facts(void (*fn)(const struct facts *facts))
{
    struct facts f = {.bus = BUS_DT};

    EACH(iommu, IOMMU_UNKNOWN, IOMMU_ENABLED)
    EACH(oracle, ORACLE_NONE, ORACLE_UNSUPPORTED)
    EACH(word, WORD_NONE, WORD_FITS)
    EACH(owner, OWNER_UNKNOWN, OWNER_NONE)
    EACH(doubt, DOUBT_NONE, DOUBT_UNBOUND)
    EACH(guest, GUEST_KIND_UNKNOWN, GUEST_KIND_TRANSLATED)
    EACH(mates, MATES_UNKNOWN, MATES_TOGETHER)
    EACH(grant_dma, 0, 1)
    EACH(virtio_iommu, 0, 1)
    EACH(pci_host, 0, 1)
    EACH(claim, DT_NO_CLAIM, DT_CLAIMS_GRANT_STUB)
    EACH(force_assign, 0, 1)
    fn(&f);
#undef EACH
}

static int calls;

/* What stands in the way of every claim about a PCI function. */
static bool is_certain(const struct facts *f)
{
    return f->word == WORD_FITS && f->unit == UNIT_ON && !f->unlisted;
}

static enum xeniommu_state expected_pci(const struct facts *f)
{
    if (f->coverage == COVERAGE_NO)
        return f->owner == OWNER_GUEST ? XENIOMMU_UNKNOWN : XENIOMMU_UNPROTECTED;
    if (f->unit == UNIT_OFF)
        return XENIOMMU_UNPROTECTED;
    if (f->owner == OWNER_DOM0 && f->dom0_mode == DOM0_PASSTHROUGH)
        return XENIOMMU_UNPROTECTED;
    if (!is_certain(f))
        return XENIOMMU_UNKNOWN;
    if (f->owner == OWNER_GUEST) {
        if (f->mates == MATES_APART)
            return XENIOMMU_UNPROTECTED;
        if (f->mates == MATES_TOGETHER && f->guest != GUEST_KIND_UNKNOWN)
            return XENIOMMU_PROTECTED;
    }
    if (f->coverage == COVERAGE_YES) {
        if (f->owner == OWNER_NONE && f->mates == MATES_TOGETHER && !f->quarantine_off)
            return XENIOMMU_QUARANTINED;
        if (f->owner == OWNER_DOM0 && f->mates == MATES_APART)
            return XENIOMMU_UNPROTECTED;
        if (f->owner == OWNER_DOM0 && f->mates == MATES_TOGETHER)
            return f->dom0_mode == DOM0_RELAXED ? XENIOMMU_RELAXED
                   : f->dom0_mode == DOM0_STRICT || f->dom0_mode == DOM0_TRANSLATED
                       ? XENIOMMU_PROTECTED
                       : XENIOMMU_UNKNOWN;
    }
    return XENIOMMU_UNKNOWN;
}

static enum xeniommu_state expected_dt(const struct facts *f)
{
    bool theirs = (f->owner == OWNER_DOM0 && f->oracle == ORACLE_TAKEN) ||
                  (f->owner == OWNER_GUEST && f->word == WORD_FITS);

    if (f->pci_host)
        return XENIOMMU_UNKNOWN;
    if (f->owner == OWNER_GUEST && f->oracle == ORACLE_FREE && f->force_assign)
        return XENIOMMU_UNPROTECTED;
    if (f->owner == OWNER_DOM0 && f->oracle == ORACLE_FREE)
        return XENIOMMU_UNPROTECTED;
    if (theirs && f->mates == MATES_APART)
        return XENIOMMU_UNPROTECTED;
    if (theirs && f->mates == MATES_TOGETHER &&
        (f->owner == OWNER_DOM0 || f->guest != GUEST_KIND_UNKNOWN))
        return XENIOMMU_PROTECTED;
    return XENIOMMU_UNKNOWN;
}

static bool expected_skip(const struct facts *f)
{
    if (f->owner == OWNER_GUEST)
        return f->guest == GUEST_KIND_TRANSLATED;
    return f->bus == BUS_DT || f->dom0_mode == DOM0_TRANSLATED;
}

static void check_state(const struct facts *f)
{
    struct verdict v = policy_decide(f);
    enum xeniommu_state expected = XENIOMMU_UNKNOWN;

    calls++;
    if (f->bus == BUS_DT && (f->grant_dma || f->virtio_iommu))
        expected = XENIOMMU_UNPROTECTED;
    else if (f->iommu == IOMMU_DISABLED)
        expected = XENIOMMU_UNPROTECTED;
    else if (f->iommu == IOMMU_ENABLED)
        expected = f->bus == BUS_PCI ? expected_pci(f) : expected_dt(f);
    assert_int_equal(v.state, expected);
    assert_int_equal(v.skip_swiotlb, v.state == XENIOMMU_PROTECTED && expected_skip(f));
    assert_true(v.reason[0] &&
                strspn(v.reason, "abcdefghijklmnopqrstuvwxyz0-") == strlen(v.reason));
}

static void every_combination(void **state)
{
    (void)state;
    calls = 0;
    for_all_facts(check_state);
    assert_int_equal(calls, 3 * 3 * 4 * 12 * 3 * 5 * 3 * 5 * 3 * 2 * 2);
    calls = 0;
    for_all_dt_facts(check_state);
    assert_int_equal(calls, 3 * 5 * 3 * 4 * 12 * 3 * 5 * 2 * 2 * 2 * 4 * 2);
}

/* What a consumer or an administrator relies on; said here a second time, for policy_is_claim() is
 * what decides whether evidence is needed. */
static bool claims(const struct facts *f)
{
    struct verdict v = policy_decide(f);
    bool claim = v.state == XENIOMMU_PROTECTED || v.state == XENIOMMU_RELAXED ||
                 v.state == XENIOMMU_QUARANTINED || v.skip_swiotlb;

    assert_int_equal(policy_is_claim(&v), claim);
    return claim;
}

#define WITHOUT(given, field, value)                                                               \
    do {                                                                                           \
        struct facts less = *(given);                                                              \
        less.field = value;                                                                        \
        assert_false(claims(&less));                                                               \
    } while (0)

/* Taking any single fact away never makes the verdict stronger. */
static void check_weaker(const struct facts *f)
{
    if (!claims(f))
        return;
    WITHOUT(f, iommu, IOMMU_UNKNOWN);
    WITHOUT(f, owner, OWNER_UNKNOWN);
    WITHOUT(f, mates, MATES_UNKNOWN);
    WITHOUT(f, mates, MATES_UNLISTED);
    WITHOUT(f, mates, MATES_DOUBTFUL);
    if (f->bus == BUS_DT && f->owner == OWNER_DOM0)
        WITHOUT(f, oracle, ORACLE_NONE);
    else
        WITHOUT(f, word, WORD_NONE);
    if (f->bus == BUS_DT)
        return;
    WITHOUT(f, unit, UNIT_UNKNOWN);
    WITHOUT(f, unlisted, true);
    if (f->owner != OWNER_GUEST)
        WITHOUT(f, coverage, COVERAGE_UNKNOWN);
}

/* No number of an enum that somebody adds later is a claim. */
static void policy_is_claim_by_each_part(void **state)
{
    struct verdict v = {XENIOMMU_UNKNOWN, true, "x"};

    (void)state;
    assert_true(policy_is_claim(&v));
    v = policy_unknown("x");
    assert_false(policy_is_claim(&v));
    v.state = XENIOMMU_UNPROTECTED;
    assert_false(policy_is_claim(&v));
}

static void a_missing_fact_is_no_claim(void **state)
{
    (void)state;
    for_all_facts(check_weaker);
    for_all_dt_facts(check_weaker);
}

struct row {
    struct facts facts;
    enum xeniommu_state state;
    bool skip;
    const char *reason;
};

/* A row changes one of the facts that make a claim. */
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma clang diagnostic ignored "-Winitializer-overrides"
#endif

#define CERTAIN                                                                                    \
    .iommu = IOMMU_ENABLED, .word = WORD_FITS, .unit = UNIT_ON, .coverage = COVERAGE_YES,          \
    .mates = MATES_TOGETHER
#define DOM0(...)                                                                                  \
    {                                                                                              \
        CERTAIN, .owner = OWNER_DOM0, __VA_ARGS__                                                  \
    }
#define GUEST(...)                                                                                 \
    {                                                                                              \
        CERTAIN, .owner = OWNER_GUEST, __VA_ARGS__                                                 \
    }
#define NOBODY(...)                                                                                \
    {                                                                                              \
        CERTAIN, .owner = OWNER_NONE, __VA_ARGS__                                                  \
    }
#define UNKNOWN(...)                                                                               \
    {                                                                                              \
        .iommu = IOMMU_ENABLED, __VA_ARGS__                                                        \
    }
#define DT(...)                                                                                    \
    {                                                                                              \
        .bus = BUS_DT, .iommu = IOMMU_ENABLED, .mates = MATES_TOGETHER, __VA_ARGS__                \
    }

static const struct row rows[] = {
    {{.iommu = IOMMU_DISABLED}, XENIOMMU_UNPROTECTED, false, "iommu-disabled"},
    {{.iommu = IOMMU_UNKNOWN}, XENIOMMU_UNKNOWN, false, "hypervisor-error"},
    {DOM0(.dom0_mode = DOM0_RELAXED), XENIOMMU_RELAXED, false, "dom0-relaxed"},
    {DOM0(.dom0_mode = DOM0_STRICT), XENIOMMU_PROTECTED, false, "dom0-strict"},
    {DOM0(.dom0_mode = DOM0_TRANSLATED), XENIOMMU_PROTECTED, true, "dom0-pvh"},
    {DOM0(.dom0_mode = DOM0_PASSTHROUGH), XENIOMMU_UNPROTECTED, false, "dom0-passthrough"},
    {DOM0(.dom0_mode = DOM0_MODE_UNKNOWN), XENIOMMU_UNKNOWN, false, "dom0-mode-unknown"},
    {DOM0(.coverage = COVERAGE_NO), XENIOMMU_UNPROTECTED, false, "not-covered"},
    {DOM0(.coverage = COVERAGE_UNKNOWN), XENIOMMU_UNKNOWN, false, "coverage-unknown"},
    {DOM0(.word = WORD_DENIES), XENIOMMU_UNKNOWN, false, "hypervisor-disagrees"},
    {DOM0(.word = WORD_NONE), XENIOMMU_UNKNOWN, false, "hypervisor-error"},
    {DOM0(.unit = UNIT_OFF), XENIOMMU_UNPROTECTED, false, "no-igfx"},
    {DOM0(.unit = UNIT_UNKNOWN), XENIOMMU_UNKNOWN, false, "unit-maybe-off"},
    {DOM0(.unlisted = true), XENIOMMU_UNKNOWN, false, "devices-unread"},
    {GUEST(.guest = GUEST_KIND_PV), XENIOMMU_PROTECTED, false, "assigned-pv"},
    {GUEST(.guest = GUEST_KIND_TRANSLATED), XENIOMMU_PROTECTED, true, "assigned-translated"},
    {GUEST(.guest = GUEST_KIND_UNKNOWN), XENIOMMU_UNKNOWN, false, "guest-kind-unknown"},
    {GUEST(.coverage = COVERAGE_NO), XENIOMMU_UNKNOWN, false, "hypervisor-disagrees"},
    {GUEST(.word = WORD_DENIES), XENIOMMU_UNKNOWN, false, "hypervisor-disagrees"},
    {GUEST(.word = WORD_NONE), XENIOMMU_UNKNOWN, false, "hypervisor-error"},
    {GUEST(.unit = UNIT_OFF), XENIOMMU_UNPROTECTED, false, "no-igfx"},
    {GUEST(.unit = UNIT_UNKNOWN), XENIOMMU_UNKNOWN, false, "unit-maybe-off"},
    {GUEST(.unlisted = true), XENIOMMU_UNKNOWN, false, "devices-unread"},
    {GUEST(.mates = MATES_APART), XENIOMMU_UNPROTECTED, false, "group-split"},
    {GUEST(.mates = MATES_DOUBTFUL), XENIOMMU_UNKNOWN, false, "group-owner-unknown"},
    {GUEST(.mates = MATES_UNLISTED), XENIOMMU_UNKNOWN, false, "group-member-unlisted"},
    {GUEST(.mates = MATES_UNKNOWN), XENIOMMU_UNKNOWN, false, "group-unknown"},
    {NOBODY(.doubt = DOUBT_NONE), XENIOMMU_QUARANTINED, false, "assignable"},
    {NOBODY(.mates = MATES_APART), XENIOMMU_UNKNOWN, false, "group-mate-owned"},
    {NOBODY(.unit = UNIT_UNKNOWN), XENIOMMU_UNKNOWN, false, "unit-maybe-off"},
    {NOBODY(.quarantine_off = true), XENIOMMU_UNKNOWN, false, "quarantine-off"},
    {UNKNOWN(.doubt = DOUBT_INCOMPLETE), XENIOMMU_UNKNOWN, false, "assignment-incomplete"},
    {UNKNOWN(.doubt = DOUBT_LEAVING), XENIOMMU_UNKNOWN, false, "assignment-ending"},
    {UNKNOWN(.doubt = DOUBT_OWNER_DOWN), XENIOMMU_UNKNOWN, false, "owner-down"},
    {UNKNOWN(.doubt = DOUBT_CONFLICT), XENIOMMU_UNKNOWN, false, "records-conflict"},
    {UNKNOWN(.doubt = DOUBT_NO_RECORD), XENIOMMU_UNKNOWN, false, "no-record"},
    {UNKNOWN(.doubt = DOUBT_MALFORMED), XENIOMMU_UNKNOWN, false, "record-malformed"},
    {UNKNOWN(.doubt = DOUBT_UNREADABLE), XENIOMMU_UNKNOWN, false, "records-unreadable"},
    {UNKNOWN(.doubt = DOUBT_NEW_DEVICE), XENIOMMU_UNKNOWN, false, "new-device"},
    {UNKNOWN(.doubt = DOUBT_HIDDEN), XENIOMMU_UNKNOWN, false, "no-record"},
    {UNKNOWN(.doubt = DOUBT_OTHER_DEVICE), XENIOMMU_UNKNOWN, false, "records-conflict"},
    {UNKNOWN(.doubt = DOUBT_UNBOUND), XENIOMMU_UNKNOWN, false, "records-conflict"},
    {UNKNOWN(.doubt = DOUBT_NONE), XENIOMMU_UNKNOWN, false, "owner-unknown"},
    {DT(.owner = OWNER_DOM0, .oracle = ORACLE_TAKEN), XENIOMMU_PROTECTED, true, "behind-iommu"},
    {DT(.owner = OWNER_DOM0, .oracle = ORACLE_TAKEN, .mates = MATES_APART), XENIOMMU_UNPROTECTED,
     false, "group-split"},
    {DT(.owner = OWNER_DOM0, .oracle = ORACLE_FREE), XENIOMMU_UNPROTECTED, false,
     "not-behind-iommu"},
    {DT(.owner = OWNER_DOM0, .oracle = ORACLE_NO_DEVICE), XENIOMMU_UNKNOWN, false,
     "hypervisor-disagrees"},
    {DT(.owner = OWNER_GUEST, .word = WORD_FITS, .guest = GUEST_KIND_TRANSLATED),
     XENIOMMU_PROTECTED, true, "assigned-translated"},
    {DT(.owner = OWNER_NONE, .oracle = ORACLE_FREE), XENIOMMU_UNKNOWN, false, "not-assigned"},
    {DT(.grant_dma = true), XENIOMMU_UNPROTECTED, false, "grant-dma"},
};

static void the_documented_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct verdict v = policy_decide(&rows[i].facts);

        assert_string_equal(v.reason, rows[i].reason);
        assert_int_equal(v.state, rows[i].state);
        assert_int_equal(v.skip_swiotlb, rows[i].skip);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination),
        cmocka_unit_test(a_missing_fact_is_no_claim),
        cmocka_unit_test(policy_is_claim_by_each_part),
        cmocka_unit_test(the_documented_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

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
    EACH(oracle, ORACLE_NONE, ORACLE_UNSUPPORTED)
    EACH(owner, OWNER_UNKNOWN, OWNER_NONE)
    EACH(doubt, DOUBT_NONE, DOUBT_UNREADABLE)
    EACH(guest, GUEST_KIND_UNKNOWN, GUEST_KIND_TRANSLATED)
    EACH(dom0_mode, DOM0_MODE_UNKNOWN, DOM0_TRANSLATED)
    EACH(coverage, COVERAGE_UNKNOWN, COVERAGE_YES)
    EACH(mates, MATES_UNKNOWN, MATES_TOGETHER)
    EACH(graphics_off, 0, 1)
    EACH(quarantine_off, 0, 1)
    fn(&f);
}

/* The same for those of device tree devices; the rest of the facts is PCI's. */
static void for_all_dt_facts(void (*fn)(const struct facts *facts))
{
    struct facts f = {.bus = BUS_DT};

    EACH(iommu, IOMMU_UNKNOWN, IOMMU_ENABLED)
    EACH(oracle, ORACLE_NONE, ORACLE_UNSUPPORTED)
    EACH(owner, OWNER_UNKNOWN, OWNER_NONE)
    EACH(doubt, DOUBT_NONE, DOUBT_UNREADABLE)
    EACH(guest, GUEST_KIND_UNKNOWN, GUEST_KIND_TRANSLATED)
    EACH(grant_dma, 0, 1)
    EACH(virtio_iommu, 0, 1)
    EACH(pci_host, 0, 1)
    EACH(claim, DT_NO_CLAIM, DT_CLAIMS_GRANT_STUB)
    EACH(force_assign, 0, 1)
    fn(&f);
#undef EACH
}

static int calls;

static enum xeniommu_state expected_pci(const struct facts *f)
{
    if (f->graphics_off && f->owner != OWNER_GUEST)
        return XENIOMMU_UNPROTECTED;
    if (f->coverage == COVERAGE_NO)
        return f->owner == OWNER_GUEST ? XENIOMMU_UNKNOWN : XENIOMMU_UNPROTECTED;
    if (f->owner == OWNER_DOM0 && f->dom0_mode == DOM0_PASSTHROUGH)
        return XENIOMMU_UNPROTECTED;
    if (f->owner == OWNER_GUEST && f->oracle == ORACLE_TAKEN) {
        if (f->mates == MATES_APART)
            return XENIOMMU_UNPROTECTED;
        if (f->mates == MATES_TOGETHER && f->guest != GUEST_KIND_UNKNOWN)
            return XENIOMMU_PROTECTED;
    }
    if (f->oracle == ORACLE_FREE && f->coverage == COVERAGE_YES) {
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
    if (f->pci_host)
        return XENIOMMU_UNKNOWN;
    if (f->owner == OWNER_GUEST && f->oracle == ORACLE_FREE && f->force_assign)
        return XENIOMMU_UNPROTECTED;
    if (f->owner == OWNER_DOM0 && f->oracle == ORACLE_TAKEN)
        return XENIOMMU_PROTECTED;
    if (f->owner == OWNER_DOM0 && f->oracle == ORACLE_FREE)
        return XENIOMMU_UNPROTECTED;
    if (f->owner == OWNER_GUEST && f->oracle == ORACLE_TAKEN && f->guest != GUEST_KIND_UNKNOWN)
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
    assert_int_equal(calls, 3 * 5 * 4 * 8 * 3 * 5 * 3 * 4 * 2 * 2);
    calls = 0;
    for_all_dt_facts(check_state);
    assert_int_equal(calls, 3 * 5 * 4 * 8 * 3 * 2 * 2 * 2 * 4 * 2);
}

/* Taking any single fact away never makes the verdict stronger. */
static void check_weaker(const struct facts *f)
{
    struct verdict v;
    struct facts less = *f;

    less.oracle = ORACLE_NONE;
    v = policy_decide(&less);
    assert_false(policy_is_claim(&v));
    less = *f;
    less.iommu = IOMMU_UNKNOWN;
    v = policy_decide(&less);
    assert_false(policy_is_claim(&v));
    less = *f;
    less.owner = OWNER_UNKNOWN;
    v = policy_decide(&less);
    assert_false(policy_is_claim(&v));
    less = *f;
    less.mates = MATES_UNKNOWN;
    v = policy_decide(&less);
    assert_false(f->bus == BUS_PCI && policy_is_claim(&v));
    less = *f;
    less.coverage = COVERAGE_UNKNOWN;
    v = policy_decide(&less);
    assert_false(f->bus == BUS_PCI && f->owner != OWNER_GUEST && policy_is_claim(&v));
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

#define DOM0(...)                                                                                  \
    {                                                                                              \
        .iommu = IOMMU_ENABLED, .owner = OWNER_DOM0, .oracle = ORACLE_FREE,                        \
        .coverage = COVERAGE_YES, .mates = MATES_TOGETHER, __VA_ARGS__                             \
    }
#define GUEST(...)                                                                                 \
    {                                                                                              \
        .iommu = IOMMU_ENABLED, .owner = OWNER_GUEST, .oracle = ORACLE_TAKEN,                      \
        .coverage = COVERAGE_YES, .mates = MATES_TOGETHER, __VA_ARGS__                             \
    }

static const struct row rows[] = {
    {{.iommu = IOMMU_DISABLED}, XENIOMMU_UNPROTECTED, false, "iommu-disabled"},
    {{.iommu = IOMMU_UNKNOWN}, XENIOMMU_UNKNOWN, false, "hypervisor-error"},
    {DOM0(.dom0_mode = DOM0_RELAXED), XENIOMMU_RELAXED, false, "dom0-relaxed"},
    {DOM0(.dom0_mode = DOM0_STRICT), XENIOMMU_PROTECTED, false, "dom0-strict"},
    {DOM0(.dom0_mode = DOM0_TRANSLATED), XENIOMMU_PROTECTED, true, "dom0-pvh"},
    {DOM0(.dom0_mode = DOM0_PASSTHROUGH), XENIOMMU_UNPROTECTED, false, "dom0-passthrough"},
    {DOM0(.dom0_mode = DOM0_MODE_UNKNOWN), XENIOMMU_UNKNOWN, false, "dom0-mode-unknown"},
    {{.iommu = IOMMU_ENABLED, .owner = OWNER_DOM0, .coverage = COVERAGE_NO},
     XENIOMMU_UNPROTECTED,
     false,
     "not-covered"},
    {{.iommu = IOMMU_ENABLED, .owner = OWNER_DOM0, .oracle = ORACLE_FREE},
     XENIOMMU_UNKNOWN,
     false,
     "coverage-unknown"},
    {{.iommu = IOMMU_ENABLED,
      .owner = OWNER_DOM0,
      .oracle = ORACLE_TAKEN,
      .coverage = COVERAGE_YES},
     XENIOMMU_UNKNOWN,
     false,
     "hypervisor-disagrees"},
    {DOM0(.graphics_off = true), XENIOMMU_UNPROTECTED, false, "no-igfx"},
    {GUEST(.guest = GUEST_KIND_PV), XENIOMMU_PROTECTED, false, "assigned-pv"},
    {GUEST(.guest = GUEST_KIND_TRANSLATED), XENIOMMU_PROTECTED, true, "assigned-translated"},
    {{.iommu = IOMMU_ENABLED, .owner = OWNER_GUEST, .oracle = ORACLE_FREE},
     XENIOMMU_UNKNOWN,
     false,
     "hypervisor-disagrees"},
    {{.iommu = IOMMU_ENABLED,
      .owner = OWNER_GUEST,
      .oracle = ORACLE_TAKEN,
      .guest = GUEST_KIND_PV,
      .mates = MATES_APART},
     XENIOMMU_UNPROTECTED,
     false,
     "group-split"},
    {{.iommu = IOMMU_ENABLED,
      .owner = OWNER_GUEST,
      .oracle = ORACLE_TAKEN,
      .guest = GUEST_KIND_PV,
      .mates = MATES_DOUBTFUL},
     XENIOMMU_UNKNOWN,
     false,
     "group-owner-unknown"},
    {{.iommu = IOMMU_ENABLED, .owner = OWNER_GUEST, .oracle = ORACLE_TAKEN, .guest = GUEST_KIND_PV},
     XENIOMMU_UNKNOWN,
     false,
     "group-unknown"},
    {{.iommu = IOMMU_ENABLED,
      .owner = OWNER_NONE,
      .oracle = ORACLE_FREE,
      .coverage = COVERAGE_YES,
      .mates = MATES_TOGETHER},
     XENIOMMU_QUARANTINED,
     false,
     "assignable"},
    {{.iommu = IOMMU_ENABLED,
      .owner = OWNER_NONE,
      .oracle = ORACLE_FREE,
      .coverage = COVERAGE_YES,
      .mates = MATES_APART},
     XENIOMMU_UNKNOWN,
     false,
     "group-mate-owned"},
    {{.iommu = IOMMU_ENABLED, .doubt = DOUBT_INCOMPLETE},
     XENIOMMU_UNKNOWN,
     false,
     "assignment-incomplete"},
    {{.iommu = IOMMU_ENABLED, .doubt = DOUBT_LEAVING},
     XENIOMMU_UNKNOWN,
     false,
     "assignment-ending"},
    {{.iommu = IOMMU_ENABLED, .doubt = DOUBT_OWNER_DOWN}, XENIOMMU_UNKNOWN, false, "owner-down"},
    {{.iommu = IOMMU_ENABLED, .doubt = DOUBT_CONFLICT},
     XENIOMMU_UNKNOWN,
     false,
     "records-conflict"},
    {{.iommu = IOMMU_ENABLED, .doubt = DOUBT_NO_RECORD}, XENIOMMU_UNKNOWN, false, "no-record"},
    {{.iommu = IOMMU_ENABLED, .doubt = DOUBT_MALFORMED},
     XENIOMMU_UNKNOWN,
     false,
     "record-malformed"},
    {{.iommu = IOMMU_ENABLED, .doubt = DOUBT_UNREADABLE},
     XENIOMMU_UNKNOWN,
     false,
     "records-unreadable"},
    {{.iommu = IOMMU_ENABLED,
      .owner = OWNER_NONE,
      .oracle = ORACLE_FREE,
      .coverage = COVERAGE_YES,
      .mates = MATES_TOGETHER,
      .quarantine_off = true},
     XENIOMMU_UNKNOWN,
     false,
     "quarantine-off"},
    {{.iommu = IOMMU_ENABLED}, XENIOMMU_UNKNOWN, false, "owner-unknown"},
    {{.bus = BUS_DT, .iommu = IOMMU_ENABLED, .owner = OWNER_DOM0, .oracle = ORACLE_TAKEN},
     XENIOMMU_PROTECTED,
     true,
     "behind-iommu"},
    {{.bus = BUS_DT, .iommu = IOMMU_ENABLED, .owner = OWNER_DOM0, .oracle = ORACLE_FREE},
     XENIOMMU_UNPROTECTED,
     false,
     "not-behind-iommu"},
    {{.bus = BUS_DT, .iommu = IOMMU_ENABLED, .owner = OWNER_DOM0, .oracle = ORACLE_NO_DEVICE},
     XENIOMMU_UNKNOWN,
     false,
     "hypervisor-disagrees"},
    {{.bus = BUS_DT,
      .iommu = IOMMU_ENABLED,
      .owner = OWNER_GUEST,
      .oracle = ORACLE_TAKEN,
      .guest = GUEST_KIND_TRANSLATED},
     XENIOMMU_PROTECTED,
     true,
     "assigned-translated"},
    {{.bus = BUS_DT, .iommu = IOMMU_ENABLED, .owner = OWNER_NONE, .oracle = ORACLE_FREE},
     XENIOMMU_UNKNOWN,
     false,
     "not-assigned"},
    {{.bus = BUS_DT, .iommu = IOMMU_ENABLED, .grant_dma = true},
     XENIOMMU_UNPROTECTED,
     false,
     "grant-dma"},
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
        cmocka_unit_test(the_documented_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

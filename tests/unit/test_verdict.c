/* SPDX-License-Identifier: MIT */
/* What counts as a claim, and which verdicts are the same: by themselves, for all else rests on it.
 */
#include "unit.h"

#include "policy.h"

static bool is_claim(enum xeniommu_state state, bool skip)
{
    struct verdict verdict = {state, skip, "some-reason"};

    return policy_is_claim(&verdict);
}

static void claims(void **state)
{
    (void)state;
    assert_true(is_claim(XENIOMMU_PROTECTED, false));
    assert_true(is_claim(XENIOMMU_PROTECTED, true));
    assert_true(is_claim(XENIOMMU_RELAXED, false));
    assert_true(is_claim(XENIOMMU_QUARANTINED, false));
    assert_true(is_claim(XENIOMMU_UNKNOWN, true));
    assert_true(is_claim(XENIOMMU_UNPROTECTED, true));
    assert_false(is_claim(XENIOMMU_UNKNOWN, false));
    assert_false(is_claim(XENIOMMU_UNPROTECTED, false));
}

static void differences(void **state)
{
    const struct verdict verdict = {XENIOMMU_PROTECTED, true, "one"};
    char copy[] = "one";
    struct verdict other = verdict;

    (void)state;
    other.reason = copy;
    assert_true(policy_same(&verdict, &other));
    other.reason = "another";
    assert_false(policy_same(&verdict, &other));
    other = verdict;
    other.skip_swiotlb = false;
    assert_false(policy_same(&verdict, &other));
    other = verdict;
    other.state = XENIOMMU_RELAXED;
    assert_false(policy_same(&verdict, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims),
        cmocka_unit_test(differences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

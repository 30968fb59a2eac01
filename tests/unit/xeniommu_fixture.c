/* SPDX-License-Identifier: MIT */
#include "xeniommu_fixture.h"

#include "fake_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct xeniommu *xi;

int setup(void **state)
{
    (void)state;
    fake_store_reset();
    fake_store_publish(OWN);
    fake_store_device(OWN, NIC, "protected", "skip", "assigned");
    fake_store_device(OWN, UART, "relaxed", "keep", "pv-dom0");
    assert_int_equal(xeniommu_open(&xi, 0), 0);
    return 0;
}

int teardown(void **state)
{
    (void)state;
    xeniommu_close(xi);
    fake_store_reset();
    return 0;
}

void poison(struct xeniommu_info *info)
{
    memset(info, 0x5a, sizeof(*info));
    info->state = XENIOMMU_PROTECTED;
    info->skip_swiotlb = true;
}

void assert_unknown(const struct xeniommu_info *info)
{
    assert_int_equal(info->state, XENIOMMU_UNKNOWN);
    assert_false(info->skip_swiotlb);
    assert_int_equal(info->group, -1);
    assert_string_equal(info->reason, "");
    assert_int_equal(info->limits, 0);
}

void assert_both_fail(int error)
{
    struct xeniommu_info info;

    poison(&info);
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), error);
    assert_unknown(&info);
    poison(&info);
    assert_int_equal(xeniommu_query_dt(xi, "/soc/uart@1", &info), error);
    assert_unknown(&info);
}

int count_device(const struct xeniommu_device *device, const struct xeniommu_info *info, void *arg)
{
    int *count = arg;

    (void)device;
    (void)info;
    return ++*count == 100 ? 1 : 0;
}

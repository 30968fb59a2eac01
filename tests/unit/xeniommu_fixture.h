/* SPDX-License-Identifier: MIT */
/* A handle on a ready tree of two devices, for the tests of the library's calls. */
#ifndef XI_TESTS_UNIT_XENIOMMU_FIXTURE_H
#define XI_TESTS_UNIT_XENIOMMU_FIXTURE_H

#include <xeniommu.h>

#define OWN  XENIOMMU_DIR
#define NIC  "pci/0000-00-04-0" /* protected, skip, "assigned" */
#define UART "dt/soc/uart@1"    /* relaxed, keep, "pv-dom0" */

/* The handle; setup() opens it, teardown() closes it. */
extern struct xeniommu *xi;
int setup(void **state);
int teardown(void **state);

/* Makes an answer claim everything. */
void poison(struct xeniommu_info *info);

void assert_unknown(const struct xeniommu_info *info);

/* Asserts that queries of both devices fail so, and claim nothing. */
void assert_both_fail(int error);

/* For xeniommu_foreach(): counts into the int at arg, stops at 100. */
int count_device(const struct xeniommu_device *device, const struct xeniommu_info *info, void *arg);

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

#endif

/* SPDX-License-Identifier: MIT */
/* As C and as C++: what a program finds of the library where there is no Xen. */
#include <errno.h>
#include <stdio.h>
#include <xeniommu.h>

int main(void)
{
    struct xeniommu *xi;
    int error = xeniommu_open(&xi, 0);

    printf("xeniommu_open: %s\n", error == -ENOTCONN ? "ENOTCONN" : "something else");
    xeniommu_close(xi);
    return error == -ENOTCONN ? 0 : 1;
}

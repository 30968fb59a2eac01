/* SPDX-License-Identifier: MIT */
/* Somebody's program: built against what libxeniommu-dev installs. */
#include <stdio.h>
#include <string.h>
#include <xeniommu.h>

int main(void)
{
    struct xeniommu *xi;
    int error = xeniommu_open(&xi, 0);

    if (error == 0)
        xeniommu_close(xi);
    printf("%s\n", error ? strerror(-error) : "opened");
    return 0;
}
